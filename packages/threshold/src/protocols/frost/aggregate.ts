import { BugError, UsageError } from '@ckm/foundation';
import type { Scalar } from '../../group/index.js';
import type { DerivedKey } from '../../hd/derived-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { computeGroupCommitment, expectedShare, type GroupCommitment, withSign } from './group-commitment.js';
import { openPackage, type SigningPackage, type SigningRun } from './signing-package.js';
import { encodeSignature } from './suite.js';

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
  return z !== null && isShareRight(run, place, computeGroupCommitment(run), z);
}

/**
 * Sums the shares of all signers of the package into one signature and verifies it once. Only when that fails is each
 * share looked at; the culprits are then named exactly, all of them.
 * @throws UsageError `KEY_NOT_DERIVED`, `SIGNER_MISSING` unless there is one share for each signer · EncodingError for
 *   a package that is not valid itself (check commitments with `parseCommitment` when they arrive)
 * Source: RFC 9591 §5.3 (aggregate)
 */
export function aggregate(args: {
  readonly key: DerivedKey;
  readonly package: SigningPackage;
  readonly shares: readonly SignatureShare[];
}): Aggregate {
  const run = openPackage(args.key, args.package);
  const shares = orderShares(run, args.shares);
  const committed = computeGroupCommitment(run);
  const sum = sumShares(run, shares);
  if (sum !== null && isSignatureRight(run, committed, sum)) {
    return { kind: 'signature', signature: encodeSignature(run.suite, committed.encoded, sum) };
  }
  const isWrong = (_: PartyIndex, place: number) => {
    const z = shares[place]!;
    return z === null || !isShareRight(run, place, committed, z);
  };
  const culprits = run.parties.filter(isWrong);
  if (culprits.length > 0) return { kind: 'faulty', culprits };
  throw new BugError('all signature shares are right, but their sum is not', {
    code: 'AGGREGATE_WRONG',
    hint: 'check that the key’s verifying shares are those of its certificate',
  });
}

/** By place in the package; null where a share is no canonical scalar. */
function orderShares(run: SigningRun, shares: readonly SignatureShare[]): (Scalar | null)[] {
  const byParty = new Map(shares.map(({ party, share }) => [party, share]));
  if (byParty.size !== shares.length || shares.length !== run.parties.length) throw signersMismatch();
  return run.parties.map((party) => {
    const share = byParty.get(party);
    if (share === undefined) throw signersMismatch();
    return parseShare(run, share);
  });
}

function parseShare({ suite }: SigningRun, share: Uint8Array): Scalar | null {
  try {
    return suite.group.scalars.parse(share);
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

/** z·G = ±R + c·Q' */
function isSignatureRight(
  run: SigningRun,
  { element, negate, challenge }: GroupCommitment,
  z: Scalar,
): boolean {
  const { group } = run.suite;
  const expected = group.add(withSign(group, element, negate), group.mulPublic(run.key.element, challenge));
  return group.equal(group.mulBasePublic(z), expected);
}

function isShareRight(run: SigningRun, place: number, committed: GroupCommitment, z: Scalar): boolean {
  const { group } = run.suite;
  return group.equal(group.mulBasePublic(z), expectedShare(run, place, committed));
}

function signersMismatch(): UsageError {
  return new UsageError('the shares do not belong to the signers of the package', {
    code: 'SIGNER_MISSING',
    hint: 'pass one share for each signer of the package',
  });
}
