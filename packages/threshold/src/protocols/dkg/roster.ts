import { encodeHex, PeerFaultError } from '@ckm/foundation';
import type { Element } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { verifyIdentitySignature } from './identity-signature.js';
import { assertKeyParams, type KeyParams, type RosterEntry } from './params.js';
import { staticKeyStatement, verifyStaticProof } from './static-key.js';
import { type CocktailSuite, cocktailSuite } from './suite.js';

/** The static keys of a roster whose entries have been checked, in order of slots. */
export type StaticKeys = readonly Element[];

/**
 * Checks a key's parameters before anything is done with them: bounds, slots 1 … n in order, no server, identity or
 * static key twice, every static key a valid element whose owner proved to know its secret, vouched for by the
 * server's identity.
 * @returns the decoded static keys, in order of slots
 * @throws EncodingError as `assertKeyParams`, `EPOCH_INVALID` · PeerFaultError `FAULT_ROSTER` with `facts.culprits`
 */
export function verifyRoster(params: KeyParams): StaticKeys {
  assertKeyParams(params);
  const suite = cocktailSuite(params.suite);
  const culprits = new Set<PartyIndex>(duplicates(params.roster));
  const keys: Element[] = [];
  for (const entry of params.roster) {
    const key = checkEntry(suite, params, entry);
    if (key === undefined) culprits.add(entry.slot);
    else keys.push(key);
  }
  if (culprits.size === 0) return keys;
  const slots = [...culprits].sort((a, b) => a - b);
  throw new PeerFaultError(`the roster does not hold at slot ${slots.join(', ')}`, {
    code: 'FAULT_ROSTER',
    hint: 'ask the servers named for a new static key, or choose others',
    facts: { culprits: slots },
  });
}

/**
 * The static keys of a roster that was verified when the run started.
 * @throws EncodingError `ELEMENT_INVALID`
 */
export function decodeStaticKeys(params: KeyParams): StaticKeys {
  const { group } = cocktailSuite(params.suite);
  return params.roster.map((entry) => group.decode(entry.staticKey));
}

function checkEntry(suite: CocktailSuite, params: KeyParams, entry: RosterEntry): Element | undefined {
  const statement = staticKeyStatement({ ...params, ...entry });
  if (!verifyIdentitySignature(entry.identityKey, statement, entry.identitySignature)) return undefined;
  let key: Element;
  try {
    key = suite.group.decode(entry.staticKey);
  } catch {
    return undefined;
  }
  return verifyStaticProof(suite, params, key, entry.staticKey, entry.staticProof) ? key : undefined;
}

/** Every slot that shares its server id, identity key or static key with another. */
function duplicates(roster: readonly RosterEntry[]): PartyIndex[] {
  const fields = [
    (entry: RosterEntry) => entry.serverId,
    (entry: RosterEntry) => entry.identityKey,
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
