import { concatBytes } from '@ckm/foundation';
import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { FieldReader } from './agent-wire.js';

/** Whether a server signed something: `unknown` when its kind of key cannot be checked here. */
export type HostVerdict = 'good' | 'false' | 'unknown';

const CERTIFICATE = '-cert-v01@openssh.com';
/** A curve of ECDSA: as JWK names it, its hash, and the bytes of a number on it. */
interface Curve {
  readonly crv: string;
  readonly hash: string;
  readonly bytes: number;
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['ecdsa-sha2-nistp256', { crv: 'P-256', hash: 'sha256', bytes: 32 }],
  ['ecdsa-sha2-nistp384', { crv: 'P-384', hash: 'sha384', bytes: 48 }],
  ['ecdsa-sha2-nistp521', { crv: 'P-521', hash: 'sha512', bytes: 66 }],
]);
const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);

/** Keys on a security key, and what they are without one. Source: OpenSSH PROTOCOL.u2f. */
const ON_SECURITY_KEY: ReadonlyMap<string, string> = new Map([
  ['sk-ssh-ed25519@openssh.com', 'ssh-ed25519'],
  ['sk-ecdsa-sha2-nistp256@openssh.com', 'ecdsa-sha2-nistp256'],
]);

/** What a signature is checked with. */
interface Checked {
  readonly key: JsonWebKey;
  /** Null: the algorithm brings its own. */
  readonly hash: string | null;
  readonly signature: Uint8Array;
}

/** A signature as it came: the algorithm that it names, and its bytes. */
interface Named {
  readonly by: string;
  readonly bytes: Uint8Array | null;
}

/**
 * Whether `signature` is that of the server with this key over `data`, each as SSH writes it. Keys in a certificate count
 * as they are: who certified them is for ssh(1) to know.
 * Source: RFC 8709 §4 and §6, RFC 5656 §3.1, RFC 8332 §3, OpenSSH PROTOCOL.certkeys and PROTOCOL.u2f.
 */
export function checkHostSignature(
  hostKey: Uint8Array,
  signature: Uint8Array,
  data: Uint8Array,
): HostVerdict {
  const key = new FieldReader(hostKey);
  const named = textOf(key.string());
  const algorithm = withoutCertificate(named);
  if (algorithm !== named) key.string();
  const signed = new FieldReader(signature);
  const checked = readChecked(algorithm, key, { by: textOf(signed.string()), bytes: signed.string() });
  if (checked === 'unknown' || checked === 'false') return checked;
  const over = ON_SECURITY_KEY.has(algorithm) ? signedOnSecurityKey(key.string(), signed, data) : data;
  return over === null || !signed.isAtEnd() ? 'false' : verdictOf(checked, over);
}

function withoutCertificate(named: string): string {
  if (!named.endsWith(CERTIFICATE)) return named;
  const bare = named.slice(0, -CERTIFICATE.length);
  return bare.startsWith('sk-') ? `${bare}@openssh.com` : bare;
}

/** What a security key signs in the place of `data`; null: the rest of the signature is missing. */
function signedOnSecurityKey(
  application: Uint8Array | null,
  signed: FieldReader,
  data: Uint8Array,
): Uint8Array | null {
  const flagsAndCounter = signed.take(5);
  if (application === null || flagsAndCounter === null) return null;
  return concatBytes(sha256(application), flagsAndCounter, sha256(data));
}

function readChecked(
  algorithm: string,
  key: FieldReader,
  { by, bytes }: Named,
): Checked | 'false' | 'unknown' {
  const kind = ON_SECURITY_KEY.get(algorithm) ?? algorithm;
  if (kind === 'ssh-ed25519') {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(key.string()) };
    return by === algorithm && bytes !== null ? { key: jwk, hash: null, signature: bytes } : 'false';
  }
  if (kind === 'ssh-rsa') {
    const [e, n] = [unsigned(key.string()), unsigned(key.string())];
    const hash = RSA_HASHES.get(by);
    // Signatures of RSA with SHA-1 are those of servers that are too old.
    if (hash === undefined) return 'unknown';
    if (bytes === null) return 'false';
    return { key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, hash, signature: bytes };
  }
  const curve = CURVES.get(kind);
  // Those that browsers make of a security key are written otherwise.
  if (curve === undefined || by.startsWith('webauthn-')) return 'unknown';
  return by === algorithm && bytes !== null ? readEcdsa(curve, key, bytes) : 'false';
}

function readEcdsa({ crv, hash, bytes }: Curve, key: FieldReader, signature: Uint8Array): Checked | 'false' {
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

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : String.fromCharCode(...bytes.subarray(0, 128));
}

function base64url(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString('base64url');
}
