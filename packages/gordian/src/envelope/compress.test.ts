import { encodeHex } from '@ckm/foundation';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressEnvelope, compressSubject, decompressEnvelope, decompressSubject } from './compress.js';
import { decodeEnvelope } from './decode.js';
import { encodeEnvelope } from './encode.js';
import { elided, leaf, withAssertion, type CompressedEnvelope, type Envelope } from './envelope.js';
import { formatEnvelope } from './format/notation.js';

const long = leaf('Lorem ipsum dolor sit amet, consectetur adipiscing elit. '.repeat(20));
const alice = withAssertion(long, leaf('knows'), leaf('Bob'));

/** A compressed part as another implementation writes it. */
function packed(envelope: Envelope, change: Partial<CompressedEnvelope> = {}): CompressedEnvelope {
  const plain = encodeEnvelope(envelope);
  return {
    kind: 'compressed',
    checksum: crc32(plain),
    inflatedLength: plain.length,
    deflated: new Uint8Array(deflateRawSync(plain, { level: 9 })),
    digest: envelope.digest,
    ...change,
  };
}

describe('compression', () => {
  it('makes an envelope shorter, leaves its digest, and is undone byte for byte', async () => {
    const compressed = await compressEnvelope(alice);
    expect(encodeEnvelope(compressed).length).toBeLessThan(encodeEnvelope(alice).length / 4);
    expect(compressed.digest).toEqual(alice.digest);
    const carried = decodeEnvelope(encodeEnvelope(compressed));
    expect(encodeEnvelope(await decompressEnvelope(carried))).toEqual(encodeEnvelope(alice));
    expect(await compressEnvelope(compressed)).toBe(compressed);
  });

  it('of the subject leaves the assertions readable', async () => {
    const compressed = await compressSubject(alice);
    expect(formatEnvelope(compressed)).toBe('COMPRESSED [\n    "knows": "Bob"\n]');
    expect(compressed.digest).toEqual(alice.digest);
    expect(encodeHex(encodeEnvelope(await decompressSubject(compressed)))).toBe(
      encodeHex(encodeEnvelope(alice)),
    );
  });

  it('keeps what would not become shorter as it is', async () => {
    const compressed = (await compressEnvelope(leaf('hi'))) as CompressedEnvelope;
    expect(compressed.deflated).toEqual(encodeEnvelope(leaf('hi')));
    expect(await decompressEnvelope(compressed)).toEqual(leaf('hi'));
  });

  it('opens what another DEFLATE wrote', async () => {
    expect(encodeEnvelope(await decompressEnvelope(packed(alice)))).toEqual(encodeEnvelope(alice));
  });
});

describe('a compressed part that', () => {
  const zeros = new Uint8Array(deflateRawSync(Buffer.alloc(1_000_000)));
  it.each<[string, CompressedEnvelope]>([
    ['would inflate to more than a decoder takes', packed(alice, { inflatedLength: 1_048_577 })],
    ['inflates to more than it says', packed(alice, { deflated: zeros, inflatedLength: zeros.length + 1 })],
    ['inflates to less than it says', packed(alice, { inflatedLength: 100_000 })],
    ['is not DEFLATE', packed(alice, { deflated: new Uint8Array(20).fill(0xff) })],
    ['is cut off', packed(alice, { deflated: packed(alice).deflated.subarray(0, -4) })],
    ['has another checksum', packed(alice, { checksum: 1 })],
    ['holds another envelope', packed(alice, { digest: leaf('other').digest })],
  ])('%s is refused', async (_what, part) => {
    await expect(decompressEnvelope(part)).rejects.toMatchObject({ code: 'ENVELOPE_COMPRESSION_INVALID' });
  });

  it('is none, or is hidden, is said to be', async () => {
    await expect(decompressEnvelope(alice)).rejects.toMatchObject({ code: 'ENVELOPE_NOT_COMPRESSED' });
    await expect(compressEnvelope(elided(alice.digest))).rejects.toMatchObject({
      code: 'ENVELOPE_ALREADY_HIDDEN',
    });
  });
});
