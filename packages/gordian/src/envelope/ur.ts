import { formatUr, parseUr } from '../cbor/ur.js';
import { decodeUntaggedEnvelope } from './decode.js';
import { encodeUntaggedEnvelope } from './encode.js';
import type { Envelope } from './envelope.js';

/** `ur:envelope/…`. */
export function formatEnvelopeUr(envelope: Envelope): string {
  return formatUr({ type: 'envelope', cbor: encodeUntaggedEnvelope(envelope) });
}

/** @throws EncodingError `UR_…`, `CBOR_…`, `ENVELOPE_…`. */
export function parseEnvelopeUr(text: string): Envelope {
  return decodeUntaggedEnvelope(parseUr(text, 'envelope').cbor);
}
