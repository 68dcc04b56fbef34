import { concatBytes, EncodingError } from '@ckm/foundation';
import type { Element, Group, Scalar } from '../../group/index.js';
import { type DerivedKey, type KeyView, viewOfKey } from '../../hd/derived-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { parsePartyIndex, parsePartySet } from '../../sharing/index.js';
import type { SuiteName } from '../key.js';
import type { Commitment } from './round-1-commit.js';
import { type FrostSuite, frostSuite, isOddY } from './suite.js';

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

/** The group commitment R = Σ Dᵢ + ρᵢEᵢ with the challenge c that follows from it. */
export interface GroupCommitment {
  readonly element: Element;
  /** R, encoded. */
  readonly encoded: Uint8Array;
  /** BIP-340: R has an odd y, so every nonce counts negative. */
  readonly negate: boolean;
  readonly challenge: Scalar;
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
  const { message, commitments: given } = signing;
  if (!(message instanceof Uint8Array) || !Array.isArray(given)) throw packageInvalid();
  const parties = parsePartySet(
    given.map((commitment: Partial<Commitment> | null | undefined) => commitment?.party),
    key.quorum,
  );
  for (const party of parties) assertCertified(key, party);
  const copies = given.map((commitment) => copyCommitment(suite.group, commitment));
  const commitments = copies.sort((a, b) => a.party - b.party);
  const bindingFactors = computeBindingFactors(suite, view.groupKey, message, commitments);
  return { suite, key: view, message, parties, commitments, bindingFactors };
}

/**
 * D + ρE of the party at that place, both elements checked.
 * @throws EncodingError `COMMITMENT_INVALID`
 */
export function commitmentShare(run: SigningRun, place: number): Element {
  const { group } = run.suite;
  const { hiding, binding, party } = run.commitments[place]!;
  try {
    return group.add(group.decode(hiding), group.decodeAndMul(binding, run.bindingFactors[place]!));
  } catch (cause) {
    throw commitmentInvalid([party], cause);
  }
}

/**
 * R and c. Every E is checked by itself, the D only as a sum: on ed25519 two parties together can hide torsion that
 * cancels out of R, which is of no use to them, because no secret is ever multiplied with a commitment. A wrong share
 * still points to its party.
 * @param known a share of R that was computed already, with its place
 * @throws EncodingError `COMMITMENT_INVALID` naming the culprits, `PACKAGE_INVALID` when the commitments cancel out
 * Source: RFC 9591 §4.5 (compute_group_commitment), §4.6 (compute_challenge)
 */
export function computeGroupCommitment(
  run: SigningRun,
  known?: { readonly place: number; readonly share: Element },
): GroupCommitment {
  const { group, evenY } = run.suite;
  const element = sumCommitments(run, known);
  if (group.isIdentity(element)) throw packageInvalid();
  const encoded = group.encode(element);
  const challenge = run.suite.h2(encoded, run.key.groupKey, run.message);
  return { element, encoded, negate: evenY && isOddY(encoded), challenge };
}

function sumCommitments(
  run: SigningRun,
  known: { readonly place: number; readonly share: Element } | undefined,
): Element {
  const { group } = run.suite;
  const hidings: Uint8Array[] = [];
  const terms: Element[] = known === undefined ? [] : [known.share];
  try {
    run.commitments.forEach(({ hiding, binding }, place) => {
      if (place === known?.place) return;
      hidings.push(hiding);
      terms.push(group.decodeAndMul(binding, run.bindingFactors[place]!));
    });
    terms.push(group.decodeAndSum(hidings));
  } catch (cause) {
    const culprits = run.commitments.filter((commitment) => !isValidCommitment(group, commitment));
    throw commitmentInvalid(
      culprits.map(({ party }) => party),
      cause,
    );
  }
  return group.sum(terms);
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
  const parties = commitments.map(({ party }) => suite.group.scalars.fromInteger(party));
  const list = commitments.flatMap(({ hiding, binding }, place) => [parties[place]!, hiding, binding]);
  const prefix = concatBytes(groupKey, suite.h4(message), suite.h5(...list));
  return parties.map((party) => suite.h1(prefix, party));
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
  return Object.freeze({ party, hiding: Uint8Array.from(hiding), binding: Uint8Array.from(binding) });
}

function isValidCommitment(group: Group, { hiding, binding }: Commitment): boolean {
  try {
    group.decode(hiding);
    group.decode(binding);
    return true;
  } catch {
    return false;
  }
}

function commitmentInvalid(culprits: readonly PartyIndex[], cause?: unknown): EncodingError {
  return new EncodingError(`the commitment of party ${culprits.join(', ')} is not two valid elements`, {
    code: 'COMMITMENT_INVALID',
    hint: 'leave this party out and choose another',
    facts: { culprits },
    ...(cause === undefined ? {} : { cause }),
  });
}

function packageInvalid(): EncodingError {
  return new EncodingError('not a signing package', {
    code: 'PACKAGE_INVALID',
    hint: 'send the message with one commitment for each signer',
  });
}
