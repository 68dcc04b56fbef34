import { ballotOfThaw, encodeThawAsked, type KeyTerms, policyHash } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { MatterOfPeople, ServerContext } from '../context.js';
import { type Freeze, isStanding } from '../policy/freeze.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import { asksPeople, missingIn } from '../sessions/asked-of-change.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { noteTightened } from '../sessions/keys/stored/note-marks.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { MatterName, Reader, Transaction } from '../storage/storage.js';
import type { KeyName } from '../vault/head-counts.js';

/** Who wants a freeze over. `asked`: its owner's account. `agreed`: the operator. `heard`: nobody anew, people have said something. */
type Word = 'asked' | 'agreed' | 'heard';

/** What became of the freezes that stand. */
export interface Thawing {
  /** The same list: nothing has changed. */
  readonly freezes: readonly Freeze[];
  /** Whose yes is missing, in words; null: nobody's, or the operator's alone by terms that ask nobody else. */
  readonly waits: string | null;
}

type ThawContext = Pick<ServerContext, 'people' | 'clock' | 'policy'>;
type FrozenKey = Pick<KeyHead, 'policy' | 'weighty' | 'tightened'>;

const OPERATOR = 'its operator has to agree';

/**
 * Ends freezes of a key before their time, as far as everybody agrees who has a say. By terms without people for changes that is the operator alone. Where they name some,
 * those have to say yes besides, and the operator where he is asked about changes too: nobody ends alone what somebody else has stopped.
 */
export async function thawStanding(
  context: ThawContext,
  transaction: Transaction,
  name: KeyName,
  head: FrozenKey,
  freezes: readonly Freeze[],
  word: Word,
): Promise<Thawing> {
  const now = context.clock();
  const waits: string[] = [];
  const after: Freeze[] = [];
  for (const freeze of freezes) {
    if (!isStanding(freeze, now)) {
      after.push(freeze);
      continue;
    }
    const marked = markedBy(freeze, word, now);
    const missing = await missingFor(context, transaction, name, head, marked, word);
    if (missing !== null && asksPeople(head.policy)) waits.push(missing);
    after.push(missing === null ? { ...marked, endedAt: now } : marked);
  }
  const isSame = after.every((one, at) => one === freezes[at]);
  return { freezes: isSame ? freezes : after, waits: waits[0] ?? null };
}

function markedBy(freeze: Freeze, word: Word, now: number): Freeze {
  if (word === 'asked' && freeze.thawAskedAt === null) return { ...freeze, thawAskedAt: now };
  if (word === 'agreed' && freeze.thawAgreedAt === undefined) return { ...freeze, thawAgreedAt: now };
  return freeze;
}

/** Null: this freeze ends. */
async function missingFor(
  context: ThawContext,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  head: FrozenKey,
  { id, until, thawAgreedAt }: Freeze,
  word: Word,
): Promise<string | null> {
  const terms = head.policy;
  if (!asksPeople(terms)) return thawAgreedAt === undefined ? OPERATOR : null;
  const matter = matterOf({ owner, keyId }, terms, { id, until });
  if (word !== 'heard') {
    const payload = encodeThawAsked({ keyId, freezeId: id });
    await context.people.ask(transaction, {
      ...matter,
      payload,
      sentence: SENTENCE,
      names: terms.change!.of,
    });
  }
  const missing = missingIn(terms, await context.people.holdSaid(transaction, matter));
  if (missing !== null) return missing.reason;
  if (isOperatorAsked(context, head) && thawAgreedAt === undefined) return OPERATOR;
  await context.people.rest(transaction, matter, 'released');
  return null;
}

const SENTENCE = 'End a freeze of a key before its time: it may be used again.';

/** As about who holds it. */
function isOperatorAsked({ policy }: Pick<ThawContext, 'policy'>, head: FrozenKey): boolean {
  const { changes = 'operator' } = head.policy;
  return changes === 'operator' || policy.weighty(head).asksOperator;
}

function matterOf(
  { owner, keyId }: KeyName,
  terms: KeyTerms,
  { id, until }: Pick<Freeze, 'id' | 'until'>,
): MatterOfPeople {
  const under = { termsHash: policyHash(terms), expiresAt: until };
  return { owner, terms, ballot: ballotOfThaw({ keyId, freezeId: id }, under) };
}

/** For which people the end of what stands waits, in words; null: for nobody. */
export async function thawWaits(
  { people, clock }: Pick<ThawContext, 'people' | 'clock'>,
  reader: Reader,
  name: KeyName,
  { policy }: Pick<KeyHead, 'policy'>,
  freezes: readonly Freeze[],
): Promise<string | null> {
  if (!asksPeople(policy)) return null;
  for (const freeze of freezes.filter((one) => isStanding(one, clock()))) {
    const missing = missingIn(policy, await people.said(reader, matterOf(name, policy, freeze)));
    if (missing !== null) return missing.reason;
  }
  return null;
}

/** Somebody has said something of the end of a freeze: it ends, where nobody else is asked. */
export async function hearThawVotes(
  context: ServerContext,
  { owner, matterId, matter }: MatterName,
): Promise<void> {
  const asked = await context.storage.read((reader) => reader.matters.find({ owner, matter, matterId }));
  if (asked === null) return;
  const name = { owner, keyId: asked.keyId };
  await repeatWhenRaced(() =>
    context.storage.transact(async (transaction) => {
      const row = await holdRecalled(context, transaction, name);
      if (row === null) return;
      const head = openHead(context, row);
      const found = await findTightening(context.vault, transaction, { ...name, tightened: head.tightened });
      const before = found ?? NO_TIGHTENING;
      const { freezes } = await thawStanding(context, transaction, name, head, before.freezes, 'heard');
      if (freezes === before.freezes) return;
      const stored = await storeTightening(context.vault, transaction, row, { ...before, freezes });
      await noteTightened(context, transaction, row, stored);
      await context.audit.append(transaction, {
        deed: 'key.thaw',
        who: owner,
        keyId: name.keyId,
        subject: null,
        sentence: 'Thaw a key before its time.',
        verdict: 'done',
        policy: `terms ${encodeHex(policyHash(head.policy).subarray(0, 4))}`,
        detail: 'by what people have said whom its terms name',
      });
    }),
  );
}
