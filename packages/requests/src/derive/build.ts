import { lengthPrefixed } from '../wire/bytes.js';
import { encodePayload } from '../wire/payload.js';
import { encodeLabel, type Label } from './label.js';

/** The payload of a request for a derived secret. @throws EncodingError `LABEL_INVALID` */
export function buildDeriveRequest(label: Label): Uint8Array {
  return encodePayload(lengthPrefixed(encodeLabel(label)));
}
