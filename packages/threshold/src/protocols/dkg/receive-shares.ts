import { BugError, EncodingError } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { feldmanVerify } from '../../sharing/index.js';
import type { AssembledKey } from './assemble-key.js';
import type { CheckedDealing } from './check-dealings.js';
import { pointAt } from './dealing.js';
import type { CocktailSuite } from '../../key/cocktail/suite.js';

/** What one party needs to take its shares out of checked dealings. */
export interface ReceiverInput {
  readonly suite: CocktailSuite;
  readonly me: PartyIndex;
  /** By the party's static secret. */
  readonly agreement: Agreement;
  /** Static keys of all dealers, encoded, in the order of the dealings. */
  readonly senderKeys: readonly Uint8Array[];
  /** The party's own, encoded. */
  readonly receiverKey: Uint8Array;
  /** Of the senders, from `staticPointsOf`. */
  readonly staticPoints: Uint8Array;
  readonly context: Uint8Array;
  readonly dealings: readonly CheckedDealing[];
  readonly key: Pick<AssembledKey, 'verifyingShares' | 'finishShare'>;
}

/**
 * Decrypts the shares that all dealers gave to one party and adds them up: the last checks of docs/dkg.md, "What is checked".
 *
 * Only the sum is compared with the sum of the commitments; dealer by dealer only to name who was wrong. Two dealers
 * whose errors cancel pass, and that is harmless: (1) the share of the key is the sum, which was checked against the
 * same public value that everybody derives; no single share is used for anything afterwards; (2) recovery from a
 * certificate runs this same function, so that whoever could finish can recover; (3) every other receiver checks its
 * own sum against the same commitments; (4) the errors are chosen by the dealers alone, so that passing or failing
 * tells them nothing. We differ here from the published text, which checks each share: another tool that follows it to
 * the letter would refuse to recover from such an archive, and ours would not.
 *
 * Secrecy: on failure nothing derived from the static secret leaves; the fault is what this party alone can see.
 * @returns the party's share of the key, or who is suspected: the n-th dealer as party n
 */
export function receiveShares(input: ReceiverInput): SecretScalar | Fault {
  const { group } = input.suite;
  const shares = input.dealings.map((dealing, i) => openShare(input, dealing, i));
  const received = shares.filter((share) => share !== undefined);
  try {
    if (received.length < shares.length) return suspects(shares.map((share) => share === undefined));
    const sum = addShares(input.suite, received);
    const share = input.key.finishShare(sum);
    if (share !== sum) sum.fill(0);
    const expected = input.key.verifyingShares[input.me - 1]!;
    if (group.equal(group.mulBase(share), expected)) return share;
    share.fill(0);
    return suspects(
      input.dealings.map(
        ({ coefficients }, i) => !feldmanVerify(group, coefficients, input.me, received[i]!),
      ),
    );
  } finally {
    for (const share of received) share.fill(0);
  }
}

function openShare(input: ReceiverInput, dealing: CheckedDealing, i: number): SecretScalar | undefined {
  const { suite, me } = input;
  const { scalars } = suite.group;
  const ephemeralPoint = dealing.ephemeralPoint ?? input.agreement.pointWith(dealing.ephemeralKey);
  const { key, nonce } = suite.deriveKeyAndNonce({
    ephemeralPoint,
    staticPoint: pointAt(suite, input.staticPoints, i),
    ephemeralKey: dealing.ephemeralKey,
    senderKey: input.senderKeys[i]!,
    receiverKey: input.receiverKey,
    context: input.context,
  });
  const plaintext = suite.aead.open(key, nonce, dealing.ciphertexts[me - 1]!);
  for (const spent of [ephemeralPoint, key, nonce]) spent.fill(0);
  if (plaintext === undefined) return undefined;
  try {
    return scalars.parseSecret(plaintext);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  } finally {
    plaintext.fill(0);
  }
}

function addShares(suite: CocktailSuite, shares: readonly SecretScalar[]): SecretScalar {
  const { scalars } = suite.group;
  let sum = scalars.parseSecret(scalars.zero);
  for (const share of shares) {
    const next = scalars.add(sum, share);
    sum.fill(0);
    sum = next;
  }
  return sum;
}

function suspects(isWrong: readonly boolean[]): Fault {
  const culprits = isWrong.flatMap((wrong, i) => (wrong ? [(i + 1) as PartyIndex] : []));
  if (culprits.length === 0) {
    throw new BugError('the shares are right one by one, but not their sum', {
      code: 'DKG_SUM_INCONSISTENT',
      hint: 'report this',
    });
  }
  return { code: 'SUSPECT_SHARE', round: 1, culprits };
}
