import { encodeHex, PeerFaultError } from '@ckm/foundation';
import type { PartyIndex } from '../protocol/contract.js';
import { verifyIdentitySignature } from './identity-signature.js';
import { assertKeyParams, type KeyParams, type RosterEntry } from './params.js';
import { staticKeyStatement, verifyStaticProof } from './static-key.js';
import { verifyCocktail } from './cocktail/signature.js';
import { type CocktailSuite, cocktailSuite } from './cocktail/suite.js';

/**
 * Checks a key's parameters before anything is done with them: bounds, slots 1 … n in order, no server, identity,
 * sealing or static key twice, every static key a valid element whose owner proved to know its secret, vouched for by the
 * server's identity.
 * @throws EncodingError as `assertKeyParams` · PeerFaultError `FAULT_ROSTER` with `facts.culprits`
 */
export function verifyRoster(params: KeyParams): void {
  verifyRosterWith(params, (entry) => staticKeyStatement({ ...params, ...entry }));
}

/**
 * As {@link verifyRoster}, where the identities signed something else.
 * @param statementOf the bytes that the identity of an entry must have signed
 */
export function verifyRosterWith(params: KeyParams, statementOf: (entry: RosterEntry) => Uint8Array): void {
  assertKeyParams(params);
  const suite = cocktailSuite(params.suite);
  const culprits = new Set<PartyIndex>(duplicates(params.roster));
  for (const entry of params.roster) {
    if (!isEntryValid(suite, params, entry, statementOf(entry))) culprits.add(entry.slot);
  }
  if (culprits.size === 0) return;
  const slots = [...culprits].sort((a, b) => a - b);
  throw new PeerFaultError(`the roster does not hold at slot ${slots.join(', ')}`, {
    code: 'FAULT_ROSTER',
    hint: 'ask the servers named for a new static key, or choose others',
    facts: { culprits: slots },
  });
}

/** The slots whose signature of the transcript does not hold. @param signatures in order of slots */
export function wrongSignatures(
  params: KeyParams,
  transcript: Uint8Array,
  signatures: readonly Uint8Array[],
): readonly PartyIndex[] {
  const suite = cocktailSuite(params.suite);
  return params.roster
    .filter(({ staticKey }, i) => !verifyCocktail(suite, staticKey, transcript, signatures[i]!))
    .map((entry) => entry.slot);
}

function isEntryValid(
  suite: CocktailSuite,
  params: KeyParams,
  entry: RosterEntry,
  statement: Uint8Array,
): boolean {
  return (
    verifyIdentitySignature(entry.identityKey, statement, entry.identitySignature) &&
    verifyStaticProof(suite, params, entry.staticKey, entry.staticProof)
  );
}

/** Every slot that shares its server id, or one of its keys, with another. */
function duplicates(roster: readonly RosterEntry[]): PartyIndex[] {
  const fields = [
    (entry: RosterEntry) => entry.serverId,
    (entry: RosterEntry) => entry.identityKey,
    (entry: RosterEntry) => entry.sealingKey,
    (entry: RosterEntry) => entry.staticKey,
  ];
  return fields.flatMap((field) => duplicateSlots(roster, field));
}

function duplicateSlots(
  roster: readonly RosterEntry[],
  field: (entry: RosterEntry) => Uint8Array,
): PartyIndex[] {
  const bySlot = new Map<string, PartyIndex[]>();
  for (const entry of roster) {
    const text = encodeHex(field(entry));
    bySlot.set(text, [...(bySlot.get(text) ?? []), entry.slot]);
  }
  return [...bySlot.values()].filter((slots) => slots.length > 1).flat();
}
