import { encodeHex } from '@ckm/foundation';
import type { FactTypes } from '@ckm/requests';
import { xidOfKey } from '../votes/voter.js';
import { allLooks, everyCase, type Looks, type OfKind } from './cases.js';
import { type Comparison, comparisonsIn, type Condition } from './condition.js';
import { termsRefusal } from './errors.js';
import { factIn, type FactTable, factTypesOf } from './facts.js';
import type { Approver, KeyTerms, PeopleRule } from './schema.js';

/** Comparisons of all rules together: what is judged with every request. */
const MOST_COMPARISONS = 400;
const DAY = 86_400;

/**
 * That terms can be lived with: every rule can be met, names what requests of the key say and people who are listed, and whoever owns the
 * key can change them.
 * @throws EncodingError `TERMS_…` with `facts.rule`, counted from 1, or `facts.name`
 */
export function assertSound(terms: KeyTerms, table: FactTable): void {
  assertWhole(terms);
  const { approvers = [], approvals = [], change, silence } = terms;
  assertPeopleDiffer(approvers, terms.ownerKey);
  const known = new Set(approvers.map(({ name }) => name));
  assertRules(terms, table);
  for (const [at, rule] of approvals.entries()) assertPeople(rule, `rule ${at + 1}`, known);
  if (change !== undefined) assertChange(change, known);
  if (silence !== undefined)
    assertNames(
      silence.grants.map(({ who }) => who),
      'silence',
      known,
    );
}

/** Who has rules for people says who changes them, and under which key the owner speaks. */
function assertWhole({ version, previous, approvals, silence, change, ownerKey, approvers }: KeyTerms): void {
  if ((version === undefined) !== (previous === undefined))
    throw termsRefusal(
      'TERMS_VERSION_WRONG',
      'the terms have a number without the hash of those before, or a hash without a number',
    );
  const parts = [approvals, silence, change, ownerKey, approvers];
  const isPlain = parts.every((part) => part === undefined);
  if (!isPlain && (change === undefined || ownerKey === undefined))
    throw termsRefusal(
      'TERMS_CHANGE_MISSING',
      'the terms have rules, and do not say who changes them or which key the owner has',
    );
}

/** Whoever is known by the XID of somebody else’s key would be two people, and each in the other’s way. */
function assertPeopleDiffer(approvers: readonly Approver[], ownerKey: Uint8Array | undefined): void {
  const keysOf = ({ keys }: Approver) => keys.map((key) => encodeHex(bareKey(key)));
  const xidsOf = ({ xid, keys }: Approver) =>
    new Set([
      encodeHex(xid),
      ...keys.flatMap((key) => (key.kind === 'ed25519' ? [encodeHex(xidOfKey(key.key))] : [])),
    ]);
  const owner = ownerKey === undefined ? [] : [encodeHex(ownerKey)];
  assertOnce(
    approvers.map(({ name }) => name),
    'a name',
  );
  const ownerXid = ownerKey === undefined ? [] : [encodeHex(xidOfKey(ownerKey))];
  assertOnce([...ownerXid, ...approvers.flatMap((one) => [...xidsOf(one)])], 'an XID');
  assertOnce([...owner, ...approvers.flatMap(keysOf)], 'a key');
}

/** The key itself: that of an Ed25519 passkey ends what it is wrapped in. Source: RFC 8410 §4 */
function bareKey(key: Approver['keys'][number]): Uint8Array {
  if (key.kind === 'ed25519') return key.key;
  return key.alg === -8 ? key.spki.slice(-32) : key.spki;
}

function assertOnce(items: readonly string[], what: string): void {
  if (new Set(items).size === items.length) return;
  throw termsRefusal('TERMS_APPROVER_TWICE', `${what} stands for two in the terms`);
}

function assertRules({ kinds, approvals }: KeyTerms, table: FactTable): void {
  if (approvals === undefined) return;
  const comparisons = approvals.flatMap(({ when }) => comparisonsIn(when)).length;
  if (comparisons > MOST_COMPARISONS)
    throw termsRefusal(
      'TERMS_INVALID',
      `the rules compare ${comparisons} times, more than ${MOST_COMPARISONS}`,
      { field: 'approvals' },
    );
  const byKind = kinds.map((kind) => ({ kind, types: typesOf(kind, table) }));
  const looks = allLooks();
  for (const [at, { when }] of approvals.entries()) {
    for (const comparison of comparisonsIn(when)) assertComparison(comparison, byKind, at + 1);
    if (!byKind.some((of) => canHold(when, of, looks)))
      throw termsRefusal('TERMS_RULE_IMPOSSIBLE', `no request fits rule ${at + 1}`, { rule: at + 1 });
  }
}

function typesOf(kind: string, table: FactTable): FactTypes {
  const types = factTypesOf(kind, table);
  if (types !== null) return types;
  throw termsRefusal('TERMS_KIND_UNKNOWN', 'the terms name a kind of requests that is not known here');
}

function assertComparison(
  comparison: Comparison,
  byKind: readonly { readonly types: FactTypes }[],
  rule: number,
): void {
  const name = factIn(comparison);
  const type = byKind.find(({ types }) => Object.hasOwn(types, name))?.types[name];
  if (type === undefined)
    throw termsRefusal(
      'TERMS_FACT_UNKNOWN',
      `rule ${rule} compares ${name}, which no request of this key says`,
      { rule, name },
    );
  const isNumber = !type.is.startsWith('text');
  const wantsNumber = 'atMost' in comparison || 'above' in comparison;
  const isSummed = 'total' in comparison;
  if (isNumber !== wantsNumber || (isSummed && type.is !== 'sats'))
    throw termsRefusal(
      'TERMS_COMPARISON_WRONG',
      `rule ${rule} compares ${name} in a way that it cannot be compared`,
      { rule, name },
    );
}

/** What has too many cases to look at is taken to be possible. */
function canHold(when: Condition, of: OfKind, looks: Looks): boolean {
  return everyCase([when], of, looks, (truth) => truth(when) !== true) !== true;
}

function assertPeople(
  { needed, of, rejectsEnd }: PeopleRule,
  where: string,
  known: ReadonlySet<string>,
): void {
  assertNames(of, where, known);
  if (needed > of.length)
    throw termsRefusal('TERMS_RULE_IMPOSSIBLE', `${where} asks for ${needed} of ${of.length} people`);
  const isOfNobody = needed === 0 && (of.length > 0 || rejectsEnd !== undefined);
  if (isOfNobody || (rejectsEnd ?? 0) > of.length)
    throw termsRefusal(
      'TERMS_INVALID',
      `${where} names people whom it does not ask, or more who say no than there are`,
    );
}

function assertNames(names: readonly string[], where: string, known: ReadonlySet<string>): void {
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined)
    throw termsRefusal('TERMS_APPROVER_UNKNOWN', `${where} names ${stranger}, who is no approver`, {
      name: stranger,
    });
  if (new Set(names).size !== names.length)
    throw termsRefusal('TERMS_APPROVER_TWICE', `${where} names somebody twice`);
}

/**
 * Where all have to say yes, one who is gone ends every change, so that the words have to be left. Where nobody is asked, only a delay
 * stands between the terms and whoever has the account.
 */
function assertChange(change: NonNullable<KeyTerms['change']>, known: ReadonlySet<string>): void {
  assertPeople(change, 'the rule for changes', known);
  const { needed, of, words, delaySeconds } = change;
  if (needed > 0 && needed === of.length && words === null)
    throw termsRefusal(
      'TERMS_LOCK_OUT',
      'a change of the terms asks everybody, and the words may never change them',
    );
  if (needed === 0 && delaySeconds < DAY)
    throw termsRefusal(
      'TERMS_CHANGE_UNGUARDED',
      'a change of the terms asks nobody, and waits for less than a day',
    );
}
