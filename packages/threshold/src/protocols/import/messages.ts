import { concatBytes } from '@ckm/foundation';
import { isBytes } from '../../key/params.js';
import type { Codec } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';

/** The one message of a server: it holds its share, and signs what it saw. Its part of the certificate. */
export interface ImportMessage {
  readonly round: 0;
  /** 32 bytes: echo of parameters and dealing. */
  readonly view: Uint8Array;
  readonly signature: Uint8Array;
}

const LONGEST_SIGNATURE = 65;
const MAX_MESSAGE_BYTES = 1 + 32 + 4 + LONGEST_SIGNATURE;
const WHAT = 'a message of an import';

export const importMessageCodec: Codec<ImportMessage> = {
  maxBytes: MAX_MESSAGE_BYTES,
  encode(message) {
    if (!isImportMessage(message)) throw layoutInvalid(WHAT);
    return concatBytes(uint8(0), message.view, block(message.signature));
  },
  decode(bytes) {
    const reader = readLayout(bytes, WHAT, MAX_MESSAGE_BYTES);
    if (reader.uint8() !== 0) throw layoutInvalid(WHAT);
    const message = { round: 0 as const, view: reader.bytes(32), signature: reader.block(LONGEST_SIGNATURE) };
    reader.end();
    return message;
  },
};

/** Types and lengths, of a value that may be anything. */
export function isImportMessage(message: ImportMessage): message is ImportMessage {
  if (typeof message !== 'object' || message === null) return false;
  const { round, view, signature } = message;
  return (
    round === 0 &&
    isBytes(view, 32) &&
    signature instanceof Uint8Array &&
    signature.length <= LONGEST_SIGNATURE
  );
}
