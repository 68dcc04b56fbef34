import { concatBytes } from '@ckm/foundation';
import { isBytes } from '../../key/params.js';
import type { Codec } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import { MAX_DEALING_BYTES } from '../dkg/messages.js';

/** Round 0, of a dealer: its dealing. */
export interface DealMessage {
  readonly round: 0;
  /** 32 bytes: echo of the parameters. */
  readonly sessionId: Uint8Array;
  /** COCKTAIL-DKG msg1. */
  readonly dealing: Uint8Array;
}

/** Round 1, of a receiver: it holds its new share, and signs what it saw. Its part of the certificate. */
export interface PrepareMessage {
  readonly round: 1;
  /** 32 bytes: echo of the parameters and of all dealings. */
  readonly view: Uint8Array;
  readonly signature: Uint8Array;
}

export type ReshareMessage = DealMessage | PrepareMessage;

/** Longest encoding of a message. */
export const MAX_RESHARE_MESSAGE_BYTES = 1 + 32 + 4 + MAX_DEALING_BYTES;
const WHAT = 'a message of a change';

export const reshareMessageCodec: Codec<ReshareMessage> = {
  maxBytes: MAX_RESHARE_MESSAGE_BYTES,
  encode: encodeMessage,
  decode: decodeMessage,
};

function encodeMessage(message: ReshareMessage): Uint8Array {
  if (isOfRound(0)(message)) return concatBytes(uint8(0), message.sessionId, block(message.dealing));
  if (isOfRound(1)(message)) return concatBytes(uint8(1), message.view, block(message.signature));
  throw layoutInvalid(WHAT);
}

function decodeMessage(bytes: Uint8Array): ReshareMessage {
  const reader = readLayout(bytes, WHAT, MAX_RESHARE_MESSAGE_BYTES);
  const round = reader.uint8();
  let message: ReshareMessage;
  if (round === 0) message = { round, sessionId: reader.bytes(32), dealing: reader.block(MAX_DEALING_BYTES) };
  else if (round === 1) message = { round, view: reader.bytes(32), signature: reader.block(65) };
  else throw layoutInvalid(WHAT);
  reader.end();
  return message;
}

/** @throws EncodingError `LAYOUT_INVALID` for anything but a dealing */
export function decodeDeal(bytes: Uint8Array): DealMessage {
  const message = decodeMessage(bytes);
  if (isOfRound(0)(message)) return message;
  throw layoutInvalid(WHAT);
}

/** A message as one block of a larger layout. */
export function frameReshareMessage(message: ReshareMessage): Uint8Array {
  return block(encodeMessage(message));
}

/** A check for `sortInbox`: a body that the codec can write, of this round; of a value that may be anything. */
export function isOfRound<R extends ReshareMessage['round']>(round: R) {
  return (message: ReshareMessage): message is Extract<ReshareMessage, { readonly round: R }> => {
    if (typeof message !== 'object' || message === null || message.round !== round) return false;
    if (message.round === 0)
      return isBytes(message.sessionId, 32) && isBytesUpTo(message.dealing, MAX_DEALING_BYTES);
    return isBytes(message.view, 32) && isBytesUpTo(message.signature, 65);
  };
}

function isBytesUpTo(value: unknown, maxLength: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= maxLength;
}
