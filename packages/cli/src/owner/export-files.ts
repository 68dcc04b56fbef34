import { createPrivateKey, ECDH } from 'node:crypto';
import { encodeHex, encodeUtf8, reveal, type Secret, UsageError } from '@ckm/foundation';
import type { CertifiedKey } from '@ckm/client';

/** In which form an exported key is written. */
export const EXPORT_FORMATS = ['scalar', 'pem'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What OpenSSL calls the curve of a suite, and its order of bytes in the scalar. */
const CURVES: Readonly<Record<string, { readonly jwk: string; readonly openssl: string }>> = {
  'P-256': { jwk: 'P-256', openssl: 'prime256v1' },
  secp256k1: { jwk: 'secp256k1', openssl: 'secp256k1' },
  'secp256k1-tr': { jwk: 'secp256k1', openssl: 'secp256k1' },
};

/** @throws UsageError `EXPORT_FORMAT_UNKNOWN` for a form that this key has not */
export function assertFormat({ public: { suite } }: CertifiedKey, format: ExportFormat): void {
  if (format === 'scalar' || CURVES[suite] !== undefined) return;
  throw new UsageError(`a key of suite ${suite} has no form ${format}`, {
    code: 'EXPORT_FORMAT_UNKNOWN',
    hint: 'leave --format out: such a file holds the seed that a key is made from, and this key has only its scalar',
  });
}

/** The whole key as it is written to a file. The caller overwrites it. */
export function exportedKeyFile(
  key: CertifiedKey,
  scalar: Secret<Uint8Array>,
  format: ExportFormat,
): Uint8Array {
  const { suite, groupKey } = key.public;
  const bytes = reveal(scalar, 'write an exported key to the file that its owner named');
  if (format === 'pem') return pemOf(suite, groupKey, bytes);
  return encodeUtf8(
    [
      'CKM exported key 1',
      `suite: ${suite}`,
      `public key: ${encodeHex(groupKey)}`,
      `scalar (${orderOf(suite)}): ${encodeHex(bytes)}`,
      '',
    ].join('\n'),
  );
}

/** One share as it is written to a file: with as many as are needed, `docs/recovery-without-us.md` makes the key. */
export function exportedShareFile(
  key: CertifiedKey,
  { slot, share }: { readonly slot: number; readonly share: Secret<Uint8Array> },
): Uint8Array {
  const { suite, groupKey, quorum } = key.public;
  const bytes = reveal(share, 'write a share of an exported key to a file of its owner');
  return encodeUtf8(
    [
      'CKM exported share 1',
      `suite: ${suite}`,
      `public key: ${encodeHex(groupKey)}`,
      `epoch: ${key.newest.params.epoch}`,
      `quorum: ${quorum.needed} of ${quorum.of}`,
      `index: ${slot}`,
      `share (${orderOf(suite)}): ${encodeHex(bytes)}`,
      '',
    ].join('\n'),
  );
}

/** Which byte of a scalar comes first: RFC 9496 and RFC 8032 write the least one first, SEC 1 the highest. */
function orderOf(suite: string): string {
  return suite === 'ed25519' || suite === 'ristretto255' ? 'little-endian' : 'big-endian';
}

/** PKCS #8, as OpenSSL reads it. */
function pemOf(suite: string, groupKey: Uint8Array, scalar: Uint8Array): Uint8Array {
  const { jwk, openssl } = CURVES[suite]!;
  const point = ECDH.convertKey(groupKey, openssl, undefined, undefined, 'uncompressed') as Buffer;
  const part = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: jwk,
      x: part(point.subarray(1, 33)),
      y: part(point.subarray(33)),
      d: part(scalar),
    },
  });
  return encodeUtf8(key.export({ type: 'pkcs8', format: 'pem' }).toString());
}
