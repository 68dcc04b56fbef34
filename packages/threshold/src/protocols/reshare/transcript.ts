import { concatBytes, reveal, type Secret, secret } from '@ckm/foundation';
import type { SecretScalar } from '../../group/group.js';
import { taggedHash } from '../../hash/index.js';
import { type CocktailSuite, cocktailSuite, sessionContext } from '../../key/cocktail/suite.js';
import { uint16be, uint32le } from '../../protocol/layout.js';
import type { Dealing } from '../dkg/dealing.js';
import { encodeTranscript, hashCiphertexts } from '../dkg/transcript.js';
import { type PublicEpoch, type ChangeParams, encodeChange } from './change.js';

/** What everybody knows of a run before anybody deals. */
export interface ChangeSession {
  readonly suite: CocktailSuite;
  /** 32 bytes: hash of the parameters, which hold a fresh nonce of every dealer and receiver, so that nobody chooses it. */
  readonly sessionId: Uint8Array;
  readonly context: Uint8Array;
  /** Static keys of the dealers in the old epoch, encoded, in their order. */
  readonly senderKeys: readonly Uint8Array[];
  /** Static keys of the receivers in the next one, encoded, in order of slots. */
  readonly receiverKeys: readonly Uint8Array[];
}

export function changeSession(before: PublicEpoch, change: ChangeParams): ChangeSession {
  const suite = cocktailSuite(change.next.suite);
  const sessionId = taggedHash('CKM/change/session/v1', encodeChange(change));
  const senderKeys = change.dealers.map(({ slot }) => before.params.roster[slot - 1]!.staticKey);
  const receiverKeys = change.next.roster.map((entry) => entry.staticKey);
  const context = sessionContext(suite, sessionId, [...senderKeys, ...receiverKeys]);
  return { suite, sessionId, context, senderKeys, receiverKeys };
}

/**
 * T′ of a change: what all receivers sign. The layout is that of a generation's T, with the dealers' entries and an extension
 * that begins with 2, so that a signature for one is none for the other.
 */
export function changeTranscript(
  before: PublicEpoch,
  change: ChangeParams,
  { suite, sessionId, context, receiverKeys }: ChangeSession,
  dealings: readonly Dealing[],
): Uint8Array {
  const { groupKey, chainCode } = before.public;
  const extension = concatBytes(uint32le(2), sessionId, groupKey, chainCode, hashCiphertexts(dealings));
  const { quorum } = change.next;
  return encodeTranscript(suite, { context, quorum, staticKeys: receiverKeys, dealings, extension });
}

/** The echo of the dealings, sent with the signature: tells another view from a bad signature. */
export function hashChangeView(sessionId: Uint8Array, transcript: Uint8Array): Uint8Array {
  return taggedHash('CKM/change/view/v1', sessionId, transcript);
}

/**
 * The root of all randomness of one dealing. In it are the share and the session, which names dealers and receivers, so
 * that a repeated seed gives another polynomial for another set of dealers. Were it the same, two dealings would differ
 * by (λ − λ′)·s alone, and one receiver who sees both would have the dealer's share.
 * @param seed 32 fresh bytes
 * @param slot the dealer's, in the old epoch
 */
export function deriveDealingRoot(
  seed: Uint8Array,
  share: SecretScalar,
  sessionId: Uint8Array,
  slot: number,
): Secret<Uint8Array> {
  return secret(taggedHash('CKM/change/root/v1', seed, share, sessionId, uint16be(slot)));
}

/** What makes the one-time scalar of a receiver's signature fresh; 32 bytes. @param seed 32 fresh bytes */
export function deriveHedge(
  seed: Uint8Array,
  staticSecret: Secret<Uint8Array>,
  sessionId: Uint8Array,
): Secret<Uint8Array> {
  const opened = reveal(staticSecret, 'hedge the signature of a transcript');
  return secret(taggedHash('CKM/change/hedge/v1', seed, opened, sessionId));
}
