import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { FieldReader } from './agent-wire.js';

/** Whether a server signed something: `unknown` when its kind of key cannot be checked here. */
export type HostVerdict = 'good' | 'false' | 'unknown';

const CERTIFICATE = '-cert-v01@openssh.com';
const CURVES: Readonly<
  Record<string, { readonly crv: string; readonly hash: string; readonly bytes: number }>
> = {
  nistp256: { crv: 'P-256', hash: 'sha256', bytes: 32 },
  nistp384: { crv: 'P-384', hash: 'sha384', bytes: 48 },
  nistp521: { crv: 'P-521', hash: 'sha512', bytes: 66 },
};
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/** What a signature is checked with. */
interface Checked {
  readonly key: JsonWebKey;
  /** Null: the algorithm brings its own. */
  readonly hash: string | null;
  readonly signature: Uint8Array;
}

/**
 * Whether `signature` is that of the server with this key over `data`, each as SSH writes it. Keys in a certificate count
 * as they are: who certified them is for ssh(1) to know.
 * Source: RFC 8709 §4 and §6, RFC 5656 §3.1, RFC 8332 §3, OpenSSH PROTOCOL.certkeys.
 */
export function checkHostSignature(
  hostKey: Uint8Array,
  signature: Uint8Array,
  data: Uint8Array,
): HostVerdict {
  const key = new FieldReader(hostKey);
  const named = textOf(key.string());
  const algorithm = named.endsWith(CERTIFICATE) ? named.slice(0, -CERTIFICATE.length) : named;
  if (algorithm !== named) key.string();
  const signed = new FieldReader(signature);
  const by = textOf(signed.string());
  const bytes = signed.string();
  if (bytes === null || !signed.isAtEnd()) return 'false';
  const checked = readChecked(algorithm, key, by, bytes);
  return checked === 'unknown' || checked === 'false' ? checked : verdictOf(checked, data);
}

function readChecked(
  algorithm: string,
  key: FieldReader,
  by: string,
  bytes: Uint8Array,
): Checked | 'false' | 'unknown' {
  if (algorithm === 'ssh-ed25519') {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(key.string()) };
    return by === algorithm ? { key: jwk, hash: null, signature: bytes } : 'false';
  }
  if (algorithm === 'ssh-rsa') {
    const [e, n] = [unsigned(key.string()), unsigned(key.string())];
    const hash = RSA_HASHES[by];
    // Signatures of RSA with SHA-1 are those of servers that are too old.
    if (hash === undefined) return 'unknown';
    return { key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, hash, signature: bytes };
  }
  const curve = algorithm.startsWith('ecdsa-sha2-')
    ? CURVES[algorithm.slice('ecdsa-sha2-'.length)]
    : undefined;
  if (curve === undefined) return 'unknown';
  return by === algorithm ? readEcdsa(curve, key, bytes) : 'false';
}

function readEcdsa(
  { crv, hash, bytes }: (typeof CURVES)[string],
  key: FieldReader,
  signature: Uint8Array,
): Checked | 'false' {
  key.string();
  const point = key.string();
  const numbers = new FieldReader(signature);
  const [r, s] = [unsigned(numbers.string()), unsigned(numbers.string())];
  const isWhole = point !== null && point.length === 1 + 2 * bytes && point[0] === 4;
  if (!isWhole || r === null || s === null || r.length > bytes || s.length > bytes) return 'false';
  const both = new Uint8Array(2 * bytes);
  both.set(r, bytes - r.length);
  both.set(s, 2 * bytes - s.length);
  const [x, y] = [base64url(point.subarray(1, 1 + bytes)), base64url(point.subarray(1 + bytes))];
  return { key: { kty: 'EC', crv, x, y }, hash, signature: both };
}

function verdictOf({ key, hash, signature }: Checked, data: Uint8Array): HostVerdict {
  try {
    const publicKey = createPublicKey({ key, format: 'jwk' });
    const isGood = verify(hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    return isGood ? 'good' : 'false';
  } catch {
    // A key that is none has signed nothing.
    return 'false';
  }
}

/** A number as SSH writes it, without the zero that keeps it from being negative. */
function unsigned(bytes: Uint8Array | null): Uint8Array | null {
  if (bytes === null) return null;
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array() : bytes.subarray(first);
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : String.fromCharCode(...bytes.subarray(0, 128));
}

function base64url(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString('base64url');
}
