import { concatBytes } from '@ckm/foundation';
import type { Codec } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import { TAG_LENGTH } from '../../key/cocktail/aead.js';
import { isBytes } from '../../key/params.js';
import { MOST_PARTIES } from '../../sharing/index.js';

/** Round 0, of each helper to everyone: a nonce and a key for this run alone. */
export interface OpenMessage {
  readonly round: 0;
  /** 32 bytes, fresh: the helper's part of the session id. */
  readonly nonce: Uint8Array;
  /** R, an element of the suite's group: what is sealed to this helper in this run. */
  readonly runKey: Uint8Array;
  /** That its secret is known. */
  readonly proof: Uint8Array;
}

/** Round 1, of each helper to everyone: its part of the lost share, split among the helpers. */
export interface SplitMessage {
  readonly round: 1;
  /** 32 bytes: echo of round 0. */
  readonly sessionId: Uint8Array;
  /** Δ of every helper in ascending order, its own among them, one after another. */
  readonly commitments: Uint8Array;
  /** δ of every other helper in ascending order, each sealed to it, one after another. */
  readonly sealed: Uint8Array;
}

/** Round 2, of each helper to the target. */
export interface AnswerMessage {
  readonly round: 2;
  /** 32 bytes: echo of rounds 0 and 1. */
  readonly view: Uint8Array;
  /** σ, sealed to the target. */
  readonly sealed: Uint8Array;
}

export type RepairMessage = OpenMessage | SplitMessage | AnswerMessage;

/** A sealed scalar, in bytes; scalars have 32 in every suite. */
export const SEALED_LENGTH = 32 + TAG_LENGTH;
const MAX_COMMITMENTS_BYTES = (MOST_PARTIES - 1) * 33;
const MAX_SEALED_BYTES = (MOST_PARTIES - 2) * SEALED_LENGTH;
/** Longest encoding of a message. */
export const MAX_MESSAGE_BYTES = 1 + 32 + 4 + MAX_COMMITMENTS_BYTES + 4 + MAX_SEALED_BYTES;

const WHAT = 'a repair message';

export const repairMessageCodec: Codec<RepairMessage> = {
  maxBytes: MAX_MESSAGE_BYTES,
  encode: encodeMessage,
  decode: decodeMessage,
};

/** @throws EncodingError `LAYOUT_INVALID` */
export function encodeMessage(message: RepairMessage): Uint8Array {
  if (!isWellFormed(message)) throw layoutInvalid(WHAT);
  if (message.round === 0)
    return concatBytes(uint8(0), message.nonce, block(message.runKey), block(message.proof));
  if (message.round === 1)
    return concatBytes(uint8(1), message.sessionId, block(message.commitments), block(message.sealed));
  return concatBytes(uint8(2), message.view, message.sealed);
}

function decodeMessage(bytes: Uint8Array): RepairMessage {
  const reader = readLayout(bytes, WHAT, MAX_MESSAGE_BYTES);
  const round = reader.uint8();
  let message: RepairMessage;
  if (round === 0) {
    message = { round, nonce: reader.bytes(32), runKey: reader.block(33), proof: reader.block(65) };
  } else if (round === 1) {
    message = {
      round,
      sessionId: reader.bytes(32),
      commitments: reader.block(MAX_COMMITMENTS_BYTES),
      sealed: reader.block(MAX_SEALED_BYTES),
    };
  } else if (round === 2) {
    message = { round, view: reader.bytes(32), sealed: reader.bytes(SEALED_LENGTH) };
  } else throw layoutInvalid(WHAT);
  reader.end();
  return message;
}

/** @throws EncodingError `LAYOUT_INVALID` for a message of another round */
export function decodeRound<R extends RepairMessage['round']>(
  round: R,
  bytes: Uint8Array,
): Extract<RepairMessage, { readonly round: R }> {
  const message = decodeMessage(bytes);
  if (!isOfRound(round)(message)) throw layoutInvalid(WHAT);
  return message;
}

/** A check for `sortInbox`: a body that the codec can write, of this round. */
export function isOfRound<R extends RepairMessage['round']>(round: R) {
  return (message: RepairMessage): message is Extract<RepairMessage, { readonly round: R }> =>
    isWellFormed(message) && message.round === round;
}

/** Types and lengths, of a value that may be anything. */
function isWellFormed(message: RepairMessage): boolean {
  if (typeof message !== 'object' || message === null) return false;
  if (message.round === 0)
    return isBytes(message.nonce, 32) && isBytesUpTo(message.runKey, 33) && isBytesUpTo(message.proof, 65);
  if (message.round === 1) {
    return (
      isBytes(message.sessionId, 32) &&
      isBytesUpTo(message.commitments, MAX_COMMITMENTS_BYTES) &&
      isBytesUpTo(message.sealed, MAX_SEALED_BYTES)
    );
  }
  return message.round === 2 && isBytes(message.view, 32) && isBytes(message.sealed, SEALED_LENGTH);
}

function isBytesUpTo(value: unknown, maxLength: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= maxLength;
}
