import { decodeUtf8 } from '@ckm/foundation';
import type { RequestForm } from '../form.js';
import { buildBitcoinRequest } from './build.js';
import { BITCOIN_FIELDS } from './fields.js';

export const bitcoinForm: RequestForm = {
  fields: BITCOIN_FIELDS,
  takesAnyContent: false,
  // A PSBT in hex is twice as long as its bytes, and lines may be broken.
  mostContentBytes: 4_194_304,
  build: (content) => buildBitcoinRequest(binaryOrText(content)),
};

/** A PSBT starts with `psbt` and 0xff; anything else that is all ASCII is base64 or hex. */
function binaryOrText(bytes: Uint8Array): Uint8Array | string {
  return bytes.every((byte) => byte < 0x80) ? decodeUtf8(bytes) : bytes;
}
