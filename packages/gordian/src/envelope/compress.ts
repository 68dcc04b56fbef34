import { EncodingError, equalBytes, joinBytes, UsageError } from '@ckm/foundation';
import { DEFAULT_LIMITS, type DecodeLimits } from '../cbor/dcbor.js';
import { decodeEnvelope } from './decode.js';
import { encodeEnvelope } from './encode.js';
import { isObscured, nodeOfSorted, type CompressedEnvelope, type Envelope } from './envelope.js';
import { subjectOf } from './queries.js';

/** Fed to the platform at once: DEFLATE makes at most a thousand times as much of it before anybody can stop it. */
const SLICE_BYTES = 1_024;

/**
 * Packs the whole envelope, assertions included; the digest stays the same. Asynchronous, because the platform's own
 * DEFLATE is. What is compressed stays as it is. Bytes may differ from another implementation's; what they unpack to does not.
 * @throws UsageError `ENVELOPE_ALREADY_HIDDEN`
 * Source: BCR-2023-005; bc-components-rust, src/compressed.rs
 */
export async function compressEnvelope(envelope: Envelope): Promise<Envelope> {
  if (envelope.kind === 'compressed') return envelope;
  if (isObscured(envelope)) {
    throw new UsageError('this envelope is hidden already', {
      code: 'ENVELOPE_ALREADY_HIDDEN',
      hint: 'compress before you encrypt or elide',
    });
  }
  const plain = encodeEnvelope(envelope);
  const packed = await runThrough(new CompressionStream('deflate-raw'), plain, Infinity);
  // As the reference: what does not become shorter is kept as it is, which the lengths tell.
  const deflated = packed !== null && packed.length < plain.length ? packed : plain;
  return {
    kind: 'compressed',
    checksum: crc32(plain),
    inflatedLength: plain.length,
    deflated,
    digest: envelope.digest,
  };
}

/**
 * Unpacks what {@link compressEnvelope} packed. Never inflates to more than was announced, nor to more than `maxBytes`.
 * @throws UsageError `ENVELOPE_NOT_COMPRESSED`; EncodingError `ENVELOPE_COMPRESSION_INVALID`, or as `decodeEnvelope`
 */
export async function decompressEnvelope(
  envelope: Envelope,
  limits: DecodeLimits = DEFAULT_LIMITS,
): Promise<Envelope> {
  if (envelope.kind !== 'compressed') {
    throw new UsageError('this envelope is not compressed', {
      code: 'ENVELOPE_NOT_COMPRESSED',
      hint: 'open only compressed envelopes',
    });
  }
  if (envelope.inflatedLength > limits.maxBytes) throw invalid('it would grow too large');
  const plain = await inflate(envelope);
  if (plain.length !== envelope.inflatedLength) throw invalid('its length is another');
  if (crc32(plain) !== envelope.checksum) throw invalid('its checksum is another');
  const revealed = decodeEnvelope(plain, limits);
  if (!equalBytes(revealed.digest, envelope.digest)) throw invalid('it holds another envelope');
  return revealed;
}

/** Packs the subject; assertions stay readable. @throws as {@link compressEnvelope} */
export async function compressSubject(envelope: Envelope): Promise<Envelope> {
  return withSubject(envelope, await compressEnvelope(subjectOf(envelope)));
}

/** Unpacks a subject packed by {@link compressSubject}. @throws as {@link decompressEnvelope} */
export async function decompressSubject(envelope: Envelope, limits?: DecodeLimits): Promise<Envelope> {
  return withSubject(envelope, await decompressEnvelope(subjectOf(envelope), limits));
}

function withSubject(envelope: Envelope, subject: Envelope): Envelope {
  return envelope.kind === 'node' ? nodeOfSorted(subject, envelope.assertions) : subject;
}

async function inflate({ deflated, inflatedLength }: CompressedEnvelope): Promise<Uint8Array> {
  if (deflated.length >= inflatedLength) return deflated;
  const plain = await runThrough(new DecompressionStream('deflate-raw'), deflated, inflatedLength);
  if (plain === null) throw invalid('it does not unpack');
  return plain;
}

/** Null when the stream refuses the bytes, or gives more than `most`. */
async function runThrough(
  stream: DeflateStream,
  bytes: Uint8Array,
  most: number,
): Promise<Uint8Array | null> {
  const fed = feed(stream, bytes);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      length += value.length;
      if (length > most) {
        await reader.cancel();
        return null;
      }
      parts.push(value);
    }
    await fed;
    return joinBytes(parts);
  } catch {
    return null;
  }
}

async function feed({ writable }: DeflateStream, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  try {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      await writer.write(bytes.subarray(at, at + SLICE_BYTES));
    }
    await writer.close();
  } catch {
    // The reading end tells.
  }
}

/** Source: ISO 3309, the CRC of gzip and of URs: polynomial 0xEDB88320, reflected. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

function invalid(why: string): EncodingError {
  return new EncodingError(`a compressed part cannot be opened: ${why}`, {
    code: 'ENVELOPE_COMPRESSION_INVALID',
    hint: 'ask its sender for the envelope again',
  });
}
