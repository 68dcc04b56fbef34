import { concatBytes, EncodingError } from '@ckm/foundation';
import type { Group, Scalar } from '../../group/index.js';
import { type DerivedKey, type KeyView, viewOfKey } from '../../hd/derived-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { parsePartyIndex, parsePartySet } from '../../sharing/index.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';
import type { Commitment } from './round-1-commit.js';
import { type FrostSuite, frostSuite } from './suite.js';

/** What the signers of one signature are sent: the message and everyone's commitments, in any order of parties. */
export interface SigningPackage {
  readonly message: Uint8Array;
  readonly commitments: readonly Commitment[];
}

/** All that follows from key and package: the same at every signer and at the aggregator. */
export interface SigningRun {
  readonly suite: FrostSuite;
  readonly key: KeyView;
  readonly message: Uint8Array;
  /** Ascending. */
  readonly parties: readonly PartyIndex[];
  /** In the order of `parties`, as are the binding factors ρ. */
  readonly commitments: readonly Commitment[];
  readonly bindingFactors: readonly Scalar[];
}

/**
 * Checks one party's commitment as it comes from outside: two elements of the prime-order group, neither the identity.
 * @throws EncodingError `PARTY_INDEX_INVALID`, `COMMITMENT_INVALID`
 */
export function parseCommitment(suite: SuiteName, value: unknown): Commitment {
  const { group } = frostSuite(suite);
  const commitment = copyCommitment(group, value);
  if (!isValidCommitment(group, commitment)) throw commitmentInvalid([commitment.party]);
  return commitment;
}

/**
 * Checks the shape of a signing package for a key and computes the binding factors. Elements are checked when the group
 * commitment is computed.
 * @throws EncodingError `PACKAGE_INVALID`, `PARTY_INDEX_INVALID`, `PARTY_DUPLICATE`, `PARTY_COUNT_INVALID`,
 *   `PARTY_UNKNOWN`, `COMMITMENT_INVALID` · UsageError `KEY_NOT_DERIVED`
 * Source: RFC 9591 §5.2, §4.4 (compute_binding_factors)
 */
export function openPackage(key: DerivedKey, signing: SigningPackage): SigningRun {
  const view = viewOfKey(key);
  const suite = frostSuite(key.suite);
  const { message, commitments: given } = (signing ?? {}) as Partial<SigningPackage>;
  if (!(message instanceof Uint8Array) || !Array.isArray(given)) throw packageInvalid();
  // Too many are refused before any of them is looked at.
  const few = given.length > key.quorum.of ? given : given.map(partyOf);
  const parties = parsePartySet(few, key.quorum);
  for (const party of parties) assertCertified(key, party);
  const copies = given.map((commitment) => copyCommitment(suite.group, commitment));
  const commitments = copies.sort((a, b) => a.party - b.party);
  const bindingFactors = computeBindingFactors(suite, view.groupKey, message, commitments);
  return { suite, key: view, message, parties, commitments, bindingFactors };
}

/**
 * ρᵢ = H1(Q ‖ H4(message) ‖ H5(list) ‖ i), one for each commitment.
 * @param commitments sorted by party
 * Source: RFC 9591 §4.3 (encode_group_commitment_list), §4.4
 */
export function computeBindingFactors(
  suite: FrostSuite,
  groupKey: Uint8Array,
  message: Uint8Array,
  commitments: readonly Commitment[],
): Scalar[] {
  const parties = commitments.map(({ party }) => encodeParty(suite, party));
  const list = commitments.flatMap(({ hiding, binding }, place) => [parties[place]!, hiding, binding]);
  const prefix = concatBytes(groupKey, suite.h4(message), suite.h5(...list));
  return suite.h1Each(prefix, parties);
}

function partyOf(commitment: Partial<Commitment> | null | undefined): unknown {
  return commitment?.party;
}

/** The party index as a scalar, by hand: it is always small. */
function encodeParty({ group }: FrostSuite, party: PartyIndex): Uint8Array {
  const bytes = new Uint8Array(group.scalars.byteLength);
  const littleEndian = group.scalars.one[0] === 1;
  const last = bytes.length - 1;
  bytes[littleEndian ? 0 : last] = party;
  bytes[littleEndian ? 1 : last - 1] = party >> 8;
  return bytes;
}

function assertCertified(key: DerivedKey, party: PartyIndex): void {
  if (party <= key.quorum.of) return;
  throw new EncodingError(`party ${party} has no share of this key`, {
    code: 'PARTY_UNKNOWN',
    hint: 'name only parties that took part in making the key',
  });
}

/** Copies, so that bytes cannot change between check and use. Lengths are fixed here: the hashes rely on it. */
function copyCommitment(group: Group, value: unknown): Commitment {
  const { party: index, hiding, binding } = (value ?? {}) as Partial<Record<keyof Commitment, unknown>>;
  const party = parsePartyIndex(index);
  const isEncoding = (bytes: unknown): bytes is Uint8Array =>
    bytes instanceof Uint8Array && bytes.length === group.elementByteLength;
  if (!isEncoding(hiding) || !isEncoding(binding)) throw commitmentInvalid([party]);
  return Object.freeze({ party, hiding: new Uint8Array(hiding), binding: new Uint8Array(binding) });
}

/** Both elements, each by itself. */
export function isValidCommitment(group: Group, { hiding, binding }: Commitment): boolean {
  try {
    group.decode(hiding);
    group.decode(binding);
    return true;
  } catch {
    return false;
  }
}

/** Names the parties whose commitments are no elements. */
export function commitmentInvalid(culprits: readonly PartyIndex[], cause?: unknown): EncodingError {
  return new EncodingError(`the commitment of party ${culprits.join(', ')} is not two valid elements`, {
    code: 'COMMITMENT_INVALID',
    hint: 'leave this party out and choose another',
    facts: { culprits },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Not even the shape is right. */
export function packageInvalid(): EncodingError {
  return new EncodingError('not a signing package', {
    code: 'PACKAGE_INVALID',
    hint: 'send the message with one commitment for each signer',
  });
}
