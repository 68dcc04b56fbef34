import { EncodingError, equalBytes, type Secret, UsageError } from '@ckm/foundation';
import type { Element, Scalar, SecretScalar } from '../../group/index.js';
import { type DerivedKey, viewOfKey } from '../../hd/derived-key.js';
import { parsePartyIndex } from '../../sharing/index.js';
import type { KeyShare } from '../../key/public-package.js';
import { computeGroupCommitment, lagrangeWeight, type GroupCommitment } from './group-commitment.js';
import { type Commitment, type SigningNonces, spendNonces } from './round-1-commit.js';
import { isOwnShare, openOwnShare, shareWrong } from './own-share.js';
import { openPackage, type SigningPackage, type SigningRun } from './signing-package.js';

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
  const secrets: Uint8Array[] = [nonces.hidingNonce, nonces.bindingNonce];
  const keep = <T extends Uint8Array>(bytes: T): T => {
    secrets.push(bytes);
    return bytes;
  };
  try {
    assertSameKey(args.key, args.share);
    assertOwnNonces(args.share, nonces);
    const run = openPackage(args.key, args.package);
    const place = run.parties.indexOf(args.share.party);
    assertOwnCommitment(run.commitments[place], nonces.commitment);
    const { scalars } = run.suite.group;
    const share = keep(openOwnShare(run.key, args.share));
    const nonce = keep(boundNonce(run, place, nonces));
    // From the nonces instead of D and E: one constant-time base multiplication, where ρE would be a general one.
    const element = run.suite.group.mulBase(nonce);
    const committed = computeGroupCommitment(run, { place, share: element });
    const weight = lagrangeWeight(run, place);
    const z = respond(run, weight, committed, nonce, share);
    const nonceAgain = keep(boundNonce(run, place, nonces));
    const again = keep(respondAgain(run, weight, committed, nonceAgain, share));
    // Last, when everything that was used has been used: what is right now was right then.
    const isRight =
      scalars.equal(z, again) &&
      isOwnShare(run.key, args.share, share) &&
      areOwnNonces(run, nonces, nonceAgain, element);
    if (!isRight || scalars.isZero(nonce)) {
      z.fill(0);
      throw shareWrong();
    }
    return scalars.publish(z, 'a checked signature share');
  } finally {
    for (const bytes of secrets) bytes.fill(0);
  }
}

/** d + ρe */
function boundNonce({ suite, bindingFactors }: SigningRun, place: number, own: SigningNonces): SecretScalar {
  const { scalars } = suite.group;
  const bound = scalars.multiply(own.bindingNonce, bindingFactors[place]!);
  const nonce = scalars.add(own.hidingNonce, bound);
  bound.fill(0);
  return nonce;
}

/**
 * Whether d and e are those behind D and E, and the part of R that was made of them is right, in one go:
 * (d + e + nonce)·G = D + E + element. One constant-time base multiplication, where comparing the element with D + ρE
 * would need a general one. Each of the four counts once, so that a fault in any one of them shows; two faults that cancel
 * each other pass, and so do d and e that changed places, of which a share tells nothing more.
 */
function areOwnNonces(
  { suite: { group } }: SigningRun,
  own: SigningNonces,
  nonce: SecretScalar,
  element: Element,
): boolean {
  const { scalars } = group;
  const committed = scalars.add(own.hidingNonce, own.bindingNonce);
  const sum = scalars.add(committed, nonce);
  const expected = group.sum([own.hidingElement, own.bindingElement, element]);
  const areOwn = group.equal(group.mulBase(sum), expected);
  committed.fill(0);
  sum.fill(0);
  return areOwn;
}

/** z = ±(d + ρe) + λ·c·share' */
function respond(
  run: SigningRun,
  weight: Scalar,
  { negate, challenge }: GroupCommitment,
  nonce: SecretScalar,
  share: SecretScalar,
): SecretScalar {
  const { scalars } = run.suite.group;
  const weighted = scalars.multiply(share, scalars.multiply(weight, challenge));
  const z = negate ? scalars.subtract(weighted, nonce) : scalars.add(weighted, nonce);
  weighted.fill(0);
  return z;
}

/** The same z on another way, so that a fault on either way shows. */
function respondAgain(
  run: SigningRun,
  weight: Scalar,
  { negate, challenge }: GroupCommitment,
  nonce: SecretScalar,
  share: SecretScalar,
): SecretScalar {
  const { scalars } = run.suite.group;
  const challenged = scalars.multiply(challenge, share);
  const weighted = scalars.multiply(challenged, weight);
  const signed = negate ? scalars.negate(nonce) : nonce;
  const z = scalars.add(signed, weighted);
  for (const bytes of negate ? [challenged, weighted, signed] : [challenged, weighted]) bytes.fill(0);
  return z;
}

function assertSameKey(key: DerivedKey, share: KeyShare): void {
  viewOfKey(key);
  const mine = share.public;
  const { parent } = key;
  if (mine === parent) return;
  // The verifying share too: after a refresh the same key has other shares. The chain code, because a path leads
  // wherever it says; whoever could choose it would choose the tweak.
  const place = parsePartyIndex(share.party) - 1;
  const same =
    mine.suite === parent.suite &&
    mine.quorum.needed === parent.quorum.needed &&
    mine.quorum.of === parent.quorum.of &&
    sameBytes(mine.chainCode, parent.chainCode) &&
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
