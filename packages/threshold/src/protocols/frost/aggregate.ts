import { backends } from '#backends';
import { BugError, UsageError } from '@ckm/foundation';
import type { Scalar } from '../../group/index.js';
import type { DerivedKey } from '../../hd/derived-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import {
  computeGroupCommitment,
  type GroupCommitment,
  isShareOf,
  sketchGroupCommitment,
  wrongCommitments,
} from './group-commitment.js';
import { openPackage, type SigningPackage, type SigningRun } from './signing-package.js';
import { encodeSignature, withEvenY } from './suite.js';

/** What one party answered to a signing package; the bytes are not trusted. */
export interface SignatureShare {
  readonly party: PartyIndex;
  readonly share: Uint8Array;
}

/** A signature, or exactly those parties whose shares are wrong. */
export type Aggregate =
  | { readonly kind: 'signature'; readonly signature: Uint8Array }
  | { readonly kind: 'faulty'; readonly culprits: readonly PartyIndex[] };

/**
 * Whether one party's signature share is right. Anything that is no scalar is not.
 * @throws UsageError `KEY_NOT_DERIVED`, `SIGNER_MISSING` · EncodingError for a package that is not valid itself
 * Source: RFC 9591 §5.4 (verify_signature_share)
 */
export function verifySignatureShare(args: {
  readonly key: DerivedKey;
  readonly package: SigningPackage;
  readonly party: PartyIndex;
  readonly share: Uint8Array;
}): boolean {
  const run = openPackage(args.key, args.package);
  const place = run.parties.indexOf(args.party);
  if (place < 0) throw signersMismatch();
  const z = parseShare(run, args.share);
  const committed = computeGroupCommitment(run);
  return z !== null && isShareOf(run, place, committed, z);
}

/**
 * Sums the shares of all signers of the package into one signature and verifies it once. Only when that fails is each
 * share looked at; the culprits are then named exactly, all of them.
 * @throws UsageError `KEY_NOT_DERIVED`, `SIGNER_MISSING` unless there is one share for each signer · EncodingError for
 *   a package whose shape or signers are wrong. A commitment that is no element counts against its party instead; better
 *   check with `parseCommitment` when commitments arrive.
 * Source: RFC 9591 §5.3 (aggregate)
 */
export function aggregate(args: {
  readonly key: DerivedKey;
  readonly package: SigningPackage;
  readonly shares: readonly SignatureShare[];
}): Aggregate {
  const run = openPackage(args.key, args.package);
  const shares = orderShares(run, args.shares);
  const committed = commitGroup(run);
  if ('culprits' in committed) return { kind: 'faulty', culprits: committed.culprits };
  const sum = sumShares(run, shares);
  if (sum !== null && isSignatureRight(run, committed, sum)) {
    return { kind: 'signature', signature: encodeSignature(run.suite, committed.encoded, sum) };
  }
  const culprits = culpritsOf(run, committed, shares);
  if (culprits.length > 0) return { kind: 'faulty', culprits };
  throw new BugError('all signature shares are right, but their sum is not', {
    code: 'AGGREGATE_WRONG',
    hint: 'check that the verifying shares of the key are those of its certificate',
  });
}

/** The group commitment, or whose commitments are none: no honest signer has answered to those. */
function commitGroup(run: SigningRun): GroupCommitment | { readonly culprits: readonly PartyIndex[] } {
  try {
    // Unchecked on ed25519: a right signature is one under an R that is an element.
    return sketchGroupCommitment(run);
  } catch (error) {
    const culprits = wrongCommitments(run);
    if (culprits.length === 0) throw error;
    return { culprits };
  }
}

/** Whose commitments are none, where R is no element; else whose shares are wrong. */
function culpritsOf(
  run: SigningRun,
  committed: GroupCommitment,
  shares: readonly (Scalar | null)[],
): readonly PartyIndex[] {
  try {
    run.suite.group.decode(committed.encoded);
  } catch {
    return wrongCommitments(run);
  }
  return run.parties.filter((_, place) => {
    const z = shares[place]!;
    return z === null || !isShareOf(run, place, committed, z);
  });
}

/** By place in the package; null where a share is no canonical scalar. */
function orderShares(run: SigningRun, shares: readonly SignatureShare[]): (Scalar | null)[] {
  const byParty = new Map(shares.map(({ party, share }) => [party, share]));
  if (byParty.size !== shares.length || shares.length !== run.parties.length) throw signersMismatch();
  return run.parties.map((party) => {
    if (!byParty.has(party)) throw signersMismatch();
    return parseShare(run, byParty.get(party));
  });
}

function parseShare({ suite }: SigningRun, share: unknown): Scalar | null {
  try {
    return suite.group.scalars.parse(share as Uint8Array);
  } catch {
    return null;
  }
}

function sumShares({ suite }: SigningRun, shares: readonly (Scalar | null)[]): Scalar | null {
  const { scalars } = suite.group;
  let sum: Scalar = scalars.zero;
  for (const share of shares) {
    if (share === null) return null;
    sum = scalars.add(sum, share);
  }
  return sum;
}

/** z·G − c·Q' = ±R; for ed25519 in one call of the library, whose verification is of the same equation, R being an element. */
function isSignatureRight(
  run: SigningRun,
  { encoded, negate, challenge }: GroupCommitment,
  z: Scalar,
): boolean {
  const { suite, key, message } = run;
  if (suite.name === 'ed25519') {
    return backends.verifyEd25519(key.groupKey, message, encodeSignature(suite, encoded, z));
  }
  const expected = negate ? withEvenY(encoded) : encoded;
  return suite.group.verify(key.element, challenge, z, expected);
}

function signersMismatch(): UsageError {
  return new UsageError('the shares do not belong to the signers of the package', {
    code: 'SIGNER_MISSING',
    hint: 'pass one share for each signer of the package',
  });
}
