import { BugError, EncodingError, equalBytes, reveal, type Secret, UsageError } from '@ckm/foundation';
import type { Element, Scalar, SecretScalar } from '../../group/index.js';
import { type DerivedKey, viewOfKey } from '../../hd/derived-key.js';
import { lagrangeAtZero, parsePartyIndex } from '../../sharing/index.js';
import type { KeyShare } from '../key.js';
import { type Commitment, type SigningNonces, spendNonces } from './round-1-commit.js';
import {
  computeGroupCommitment,
  type GroupCommitment,
  openPackage,
  type SigningPackage,
  type SigningRun,
} from './signing-package.js';
import { signed } from './suite.js';

/**
 * One party's share of a signature: 32 bytes, public.
 *
 * The nonces are spent by every call, also by one that throws. The party must be among the signers with exactly the
 * commitment that belongs to `nonces`; the share is checked against the party's certified verifying share before it
 * leaves, so that a fault of the machine cannot give the key away.
 * Channel: the package comes from a coordinator nobody has to trust; the caller has approved `message` itself.
 * @throws StateError `NONCES_SPENT` · UsageError `KEY_NOT_DERIVED`, `SHARE_FOREIGN`, `NONCES_FOREIGN` · EncodingError
 *   `SIGNER_MISSING`, `COMMITMENT_REPLACED` and those of {@link openPackage} · BugError `SIGNATURE_SHARE_WRONG`
 * Source: RFC 9591 §5.2 (sign)
 */
export function signShare(args: {
  readonly key: DerivedKey;
  readonly share: KeyShare;
  readonly nonces: Secret<SigningNonces>;
  readonly package: SigningPackage;
}): Uint8Array {
  const nonces = spendNonces(args.nonces);
  try {
    assertSameKey(args.key, args.share);
    assertOwnNonces(args.share, nonces);
    const run = openPackage(args.key, args.package);
    const place = run.parties.indexOf(args.share.party);
    assertOwnCommitment(run.commitments[place], nonces.commitment);
    const own = ownCommitmentShare(run, place, nonces);
    const committed = computeGroupCommitment(run, { place, share: own });
    const z = respond(run, place, committed, nonces, args.share.share);
    return release(run, place, committed, own, z);
  } finally {
    nonces.hidingNonce.fill(0);
    nonces.bindingNonce.fill(0);
  }
}

/** D + ρE from the published elements, not from the nonces: the check of z relies on it. */
function ownCommitmentShare(
  run: SigningRun,
  place: number,
  { hidingElement, bindingElement }: SigningNonces,
): Element {
  const { group } = run.suite;
  return group.add(hidingElement, group.mulPublic(bindingElement, run.bindingFactors[place]!));
}

/** z = ±(d + ρe) + λ·c·share' */
function respond(
  run: SigningRun,
  place: number,
  { negate, challenge }: GroupCommitment,
  { hidingNonce, bindingNonce }: SigningNonces,
  share: Secret<Uint8Array>,
): SecretScalar {
  const { scalars } = run.suite.group;
  const certified = scalars.parseSecret(reveal(share, 'make one signature share'));
  const derived = run.key.deriveShare(certified);
  const weighted = scalars.multiply(derived, weight(run, place, challenge));
  const bound = scalars.multiply(bindingNonce, run.bindingFactors[place]!);
  const nonce = scalars.add(hidingNonce, bound);
  const z = negate ? scalars.subtract(weighted, nonce) : scalars.add(weighted, nonce);
  for (const bytes of [certified, derived, weighted, bound, nonce]) bytes.fill(0);
  return z;
}

/** λ·c of the party at that place. */
export function weight(run: SigningRun, place: number, challenge: Scalar): Scalar {
  const { group } = run.suite;
  return group.scalars.multiply(lagrangeAtZero(group, run.parties, run.parties[place]!), challenge);
}

function release(
  run: SigningRun,
  place: number,
  committed: GroupCommitment,
  own: Element,
  z: SecretScalar,
): Uint8Array {
  const { group } = run.suite;
  // Constant-time: until the check has passed, z is not known to be safe to show.
  if (!group.equal(group.mulBase(z), expectedShare(run, place, committed, own))) {
    z.fill(0);
    throw new BugError('the signature share computed here is wrong and was not released', {
      code: 'SIGNATURE_SHARE_WRONG',
      hint: 'check this machine for faults and this share with the key’s certificate',
    });
  }
  return group.scalars.publish(z, 'a checked signature share');
}

/**
 * What z·G of the party at that place must be: ±(D + ρE) + λ·c·Y'.
 * Source: RFC 9591 §5.4 (verify_signature_share)
 */
export function expectedShare(
  run: SigningRun,
  place: number,
  { negate, challenge }: GroupCommitment,
  share: Element,
): Element {
  const { group } = run.suite;
  const verifying = run.key.verifyingShare(run.parties[place]!);
  return group.add(signed(group, share, negate), group.mulPublic(verifying, weight(run, place, challenge)));
}

function assertSameKey(key: DerivedKey, share: KeyShare): void {
  viewOfKey(key);
  const mine = share.public;
  const { parent } = key;
  if (mine === parent) return;
  // The verifying share too: after a refresh the same key has other shares.
  const place = parsePartyIndex(share.party) - 1;
  const same =
    mine.suite === parent.suite &&
    sameBytes(mine.groupKey, parent.groupKey) &&
    sameBytes(mine.verifyingShares[place], parent.verifyingShares[place]);
  if (same) return;
  throw new UsageError('this share belongs to another key', {
    code: 'SHARE_FOREIGN',
    hint: 'use the share of the key that the request names',
  });
}

function assertOwnNonces(share: KeyShare, { suite, commitment }: SigningNonces): void {
  if (suite === share.public.suite && commitment.party === share.party) return;
  throw new UsageError('these nonces were made for another party or suite', {
    code: 'NONCES_FOREIGN',
    hint: 'use nonces that were made with this share',
  });
}

function assertOwnCommitment(listed: Commitment | undefined, own: Commitment): void {
  if (listed === undefined) {
    throw new EncodingError('this party is not among the signers', {
      code: 'SIGNER_MISSING',
      hint: 'send the package to its signers only',
    });
  }
  if (equalBytes(listed.hiding, own.hiding) && equalBytes(listed.binding, own.binding)) return;
  throw new EncodingError('the package holds another commitment than this party made', {
    code: 'COMMITMENT_REPLACED',
    hint: 'ask for a new commitment and send it unchanged',
  });
}

function sameBytes(given: unknown, own: Uint8Array | undefined): boolean {
  return given instanceof Uint8Array && own !== undefined && equalBytes(given, own);
}
