import { NO_TWEAK } from '@ckm/threshold';
import { forKeysMadeForIt } from '../fits.js';
import type { RequestKind } from '../kind.js';
import { theOneSignature } from '../verify/one-signature.js';
import { describeMessage } from './describe.js';
import { MESSAGE_MAX_BYTES, parseMessage, type MessageRequest } from './parse.js';
import { messageToSign } from './tasks.js';

/** A message, with a domain or as it is. The artefact is the signature itself. */
export const messageKind: RequestKind<MessageRequest> = forKeysMadeForIt({
  name: 'message',
  suites: ['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256'],
  maxBytes: MESSAGE_MAX_BYTES,
  parse: parseMessage,
  describe: describeMessage,
  tasks: (typed) => [{ message: messageToSign(typed), tweak: NO_TWEAK }],
  finish: (typed, key, signatures) => theOneSignature(key, messageToSign(typed), signatures).slice(),
});
