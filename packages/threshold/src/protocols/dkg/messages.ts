import { concatBytes, EncodingError } from '@ckm/foundation';
import type { Codec } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import { isBytes } from '../../key/params.js';

/** Round 0: a commitment to what round 1 opens. */
export interface CommitMessage {
  readonly round: 0;
  /** 32 bytes, fresh: the party's part of the session id. */
  readonly nonce: Uint8Array;
  /** 32 bytes */
  readonly commitment: Uint8Array;
}

/** Round 1: the dealing, and the opening of round 0. */
export interface ShareMessage {
  readonly round: 1;
  /** 32 bytes: echo of round 0. */
  readonly sessionId: Uint8Array;
  /** COCKTAIL-DKG msg1. */
  readonly dealing: Uint8Array;
  /** 32 bytes */
  readonly salt: Uint8Array;
}

/** Round 2: the party's signature of the transcript, its part of the certificate. */
export interface CertifyMessage {
  readonly round: 2;
  /** 32 bytes: echo of rounds 0 and 1. */
  readonly view: Uint8Array;
  readonly signature: Uint8Array;
}

export type DkgMessage = CommitMessage | ShareMessage | CertifyMessage;

/** Longest dealing: 32 of 32 in a group with 33-byte elements. */
export const MAX_DEALING_BYTES = 32 * 33 + 65 + 33 + 32 * (8 + 48);
/** Longest encoding of a message. */
export const MAX_MESSAGE_BYTES = 1 + 32 + 4 + MAX_DEALING_BYTES + 32;

const WHAT = 'a key generation message';

export const dkgMessageCodec: Codec<DkgMessage> = {
  maxBytes: MAX_MESSAGE_BYTES,
  encode: encodeMessage,
  decode: decodeMessage,
};

function encodeMessage(message: DkgMessage): Uint8Array {
  if (!isWellFormed(message)) throw layoutInvalid(WHAT);
  if (message.round === 0) return concatBytes(uint8(0), message.nonce, message.commitment);
  if (message.round === 1) {
    return concatBytes(uint8(1), message.sessionId, block(message.dealing), message.salt);
  }
  return concatBytes(uint8(2), message.view, block(message.signature));
}

function decodeMessage(bytes: Uint8Array): DkgMessage {
  const reader = readLayout(bytes, WHAT, MAX_MESSAGE_BYTES);
  const round = reader.uint8();
  let message: DkgMessage;
  if (round === 0) message = { round, nonce: reader.bytes(32), commitment: reader.bytes(32) };
  else if (round === 1) {
    message = {
      round,
      sessionId: reader.bytes(32),
      dealing: reader.block(MAX_DEALING_BYTES),
      salt: reader.bytes(32),
    };
  } else if (round === 2) message = { round, view: reader.bytes(32), signature: reader.block(65) };
  else throw layoutInvalid(WHAT);
  reader.end();
  return message;
}

/** @throws EncodingError `LAYOUT_INVALID` for a message of another round. */
export function decodeRound<R extends DkgMessage['round']>(
  round: R,
  bytes: Uint8Array,
): Extract<DkgMessage, { readonly round: R }> {
  const message = decodeMessage(bytes);
  if (!isOfRound(round)(message)) {
    throw new EncodingError(`a message of round ${round} is needed here`, {
      code: 'LAYOUT_INVALID',
      hint: 'put each message where its round belongs',
    });
  }
  return message;
}

/** A check for `sortInbox`: a body that the codec can write, of this round. */
export function isOfRound<R extends DkgMessage['round']>(round: R) {
  return (message: DkgMessage): message is Extract<DkgMessage, { readonly round: R }> =>
    isWellFormed(message) && message.round === round;
}

/** Types and lengths, of a value that may be anything. */
function isWellFormed(message: DkgMessage): boolean {
  if (typeof message !== 'object' || message === null) return false;
  if (message.round === 0) return isBytes(message.nonce, 32) && isBytes(message.commitment, 32);
  if (message.round === 1) {
    return (
      isBytes(message.sessionId, 32) &&
      isBytesUpTo(message.dealing, MAX_DEALING_BYTES) &&
      isBytes(message.salt, 32)
    );
  }
  if (message.round === 2) return isBytes(message.view, 32) && isBytesUpTo(message.signature, 65);
  return false;
}

function isBytesUpTo(value: unknown, maxLength: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= maxLength;
}

/** A message as one block of a larger layout; {@link decodeRound} reads it. */
export function frameMessage(message: DkgMessage): Uint8Array {
  return block(encodeMessage(message));
}
