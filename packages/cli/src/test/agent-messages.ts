import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A string as SSH writes it; a whole message of an agent is one too. */
export function field(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return concatBytes(head, bytes);
}

/** The key of an SSH server. */
export interface HostKey {
  readonly blob: Uint8Array;
  /** The signature blob over `data`. */
  sign(data: Uint8Array): Uint8Array;
}

const fromBase64url = (text: string | undefined) => new Uint8Array(Buffer.from(text!, 'base64url'));

/** A positive number as SSH writes it. */
function mpint(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  return field(short[0]! < 0x80 ? short : concatBytes(Uint8Array.of(0), short));
}

export function ed25519Host(): HostKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    blob: concatBytes(field('ssh-ed25519'), field(fromBase64url(publicKey.export({ format: 'jwk' }).x))),
    sign: (data) => concatBytes(field('ssh-ed25519'), field(sign(null, data, privateKey))),
  };
}

export function rsaHost(): HostKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n, e } = publicKey.export({ format: 'jwk' });
  return {
    blob: concatBytes(field('ssh-rsa'), mpint(fromBase64url(e)), mpint(fromBase64url(n))),
    sign: (data) => concatBytes(field('rsa-sha2-512'), field(sign('sha512', data, privateKey))),
  };
}

export function ecdsaHost(bits: 256 | 384 | 521): HostKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: `P-${bits}` });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const point = concatBytes(Uint8Array.of(4), fromBase64url(x), fromBase64url(y));
  const algorithm = `ecdsa-sha2-nistp${bits}`;
  return {
    blob: concatBytes(field(algorithm), field(`nistp${bits}`), field(point)),
    sign: (data) => concatBytes(field(algorithm), field(ecdsaNumbers(bits, data, privateKey))),
  };
}

/** The same on a security key, as OpenSSH writes it. */
export function onSecurityKey(host: HostKey): HostKey {
  const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
  const nameOf = (blob: Uint8Array) => Buffer.from(blob.subarray(4, 4 + blob[3]!)).toString();
  const named = (blob: Uint8Array) => {
    const name = nameOf(blob);
    return concatBytes(field(`sk-${name}@openssh.com`), blob.subarray(4 + name.length));
  };
  const flagsAndCounter = Uint8Array.of(1, 0, 0, 0, 7);
  return {
    blob: concatBytes(named(host.blob), field('ssh:')),
    sign: (data) => {
      const over = concatBytes(sha256(encodeUtf8('ssh:')), flagsAndCounter, sha256(data));
      return concatBytes(named(host.sign(over)), flagsAndCounter);
    },
  };
}

function ecdsaNumbers(bits: 256 | 384 | 521, data: Uint8Array, key: KeyObject): Uint8Array {
  const hash = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }[bits];
  const both = new Uint8Array(sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }));
  return concatBytes(mpint(both.subarray(0, both.length / 2)), mpint(both.subarray(both.length / 2)));
}

/** What ssh(1) asks an agent to sign to log in. */
export function loginData(session: Uint8Array, host: Uint8Array, user: Uint8Array): Uint8Array {
  const words = ['bob', 'ssh-connection', 'publickey-hostbound-v00@openssh.com'].map(field);
  const named = [field('ssh-ed25519'), field(user), field(host)];
  return concatBytes(field(session), Uint8Array.of(50), ...words, Uint8Array.of(1), ...named);
}

export function signMessage(blob: Uint8Array, data: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(13), field(blob), field(data), new Uint8Array(4));
}

/** What ssh(1) says of a session before it asks for a signature. */
export function bindMessage(
  session: Uint8Array,
  { blob, signature }: { readonly blob: Uint8Array; readonly signature: Uint8Array },
  isForwarding = false,
): Uint8Array {
  const fields = [field('session-bind@openssh.com'), field(blob), field(session), field(signature)];
  return concatBytes(Uint8Array.of(27), ...fields, Uint8Array.of(isForwarding ? 1 : 0));
}
