import { joinBytes } from '@ckm/foundation';
import { cbor, encodeCanonical, MAJOR, taggedValue, type Cbor } from '../cbor/dcbor.js';
import { encodeByteString, encodeHead, encodeList, encodeTagged, encodeUnsigned } from '../cbor/writer.js';
import { digestCbor, type EncryptedMessage, type Envelope } from './envelope.js';
import { TAG } from '../cbor/tags.js';

const ENVELOPE_HEAD = new Uint8Array([0xd8, TAG.envelope]);
const LEAF_HEAD = new Uint8Array([0xd8, TAG.leaf]);
const ASSERTION_HEAD = new Uint8Array([0xa1]);
const DIGEST_HEAD = new Uint8Array([0x58, 32]);

/** The envelope as tagged CBOR (200): what is sent, stored and sealed. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const parts: Uint8Array[] = [ENVELOPE_HEAD];
  collect(envelope, parts);
  return joinBytes(parts);
}

/** Without tag 200: what a UR carries. */
export function encodeUntaggedEnvelope(envelope: Envelope): Uint8Array {
  const parts: Uint8Array[] = [];
  collect(envelope, parts);
  return joinBytes(parts);
}

/** Leaves keep their encoding, so that an envelope is written without building a CBOR tree first. */
function collect(envelope: Envelope, parts: Uint8Array[]): void {
  switch (envelope.kind) {
    case 'leaf':
      parts.push(LEAF_HEAD, envelope.bytes);
      return;
    case 'knownValue':
      parts.push(encodeUnsigned(envelope.value));
      return;
    case 'wrapped':
      parts.push(ENVELOPE_HEAD);
      collect(envelope.envelope, parts);
      return;
    case 'assertion':
      parts.push(ASSERTION_HEAD);
      collect(envelope.predicate, parts);
      collect(envelope.object, parts);
      return;
    case 'node':
      parts.push(encodeHead(MAJOR.array, envelope.assertions.length + 1));
      collect(envelope.subject, parts);
      for (const one of envelope.assertions) collect(one, parts);
      return;
    case 'encrypted':
      parts.push(encodeTagged([TAG.encrypted], encodeEncryptedMessage(envelope.message)));
      return;
    case 'compressed':
      parts.push(encodeCompressed(envelope));
      return;
    case 'elided':
      parts.push(DIGEST_HEAD, envelope.digest);
  }
}

/** As {@link encodeEncryptedMessage}, to be put inside something else. */
export function encryptedMessageCbor(message: EncryptedMessage): Cbor {
  const items = [message.ciphertext, message.nonce, message.tag];
  if (message.aad.length > 0) items.push(message.aad);
  return cbor(items);
}

/** The untagged array of an encrypted message: ciphertext, nonce, tag and, unless empty, additional data. */
export function encodeEncryptedMessage({ ciphertext, nonce, tag, aad }: EncryptedMessage): Uint8Array {
  const items = aad.length > 0 ? [ciphertext, nonce, tag, aad] : [ciphertext, nonce, tag];
  return encodeList(items.map(encodeByteString));
}

function encodeCompressed(envelope: Extract<Envelope, { kind: 'compressed' }>): Uint8Array {
  const { checksum, inflatedLength, deflated, digest } = envelope;
  return encodeCanonical(
    taggedValue(TAG.compressed, [checksum, inflatedLength, deflated, digestCbor(digest)]),
  );
}
