import { concatBytes, encodeUtf8, reveal, secret, type Secret } from '@ckm/foundation';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { randomBytes } from 'node:crypto';
import { LEAST_LOG_N, MOST_LOG_N, SEED_COST, stretch } from './stretch.js';

/** A secret under a passphrase, as its file was read. */
export interface SealedFile {
  /** The lines before, with their line breaks: what it is. */
  readonly begins: string;
  /** All lines but the last, with their line breaks. */
  readonly head: string;
  readonly logN: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

const FORM =
  /^(((?:[a-z-]+: [a-z0-9]+\n)+)kdf: scrypt ([0-9]{2}) 8 1\nsalt: ([0-9a-f]{64})\nnonce: ([0-9a-f]{48})\n)sealed: ((?:[0-9a-f]{2})+)\n$/;

/**
 * Seals a secret under a passphrase, text or its UTF-8 in NFC. A text file of `name: value` lines (ASCII, LF): `begins`, then
 *
 *     kdf: scrypt 17 8 1            log2 N, r, p
 *     salt: 32 bytes, hex
 *     nonce: 24 bytes, hex
 *     sealed: hex                   XChaCha20-Poly1305 of the secret
 *
 * Key: scrypt(passphrase as UTF-8 NFC, salt, N, r, p) → 32 bytes. Associated data: all lines but the last with their line breaks. Nothing else is in the
 * file. Source: RFC 7914; draft-irtf-cfrg-xchacha-03.
 * @param begins lines of small letters and digits, with their line breaks
 */
export async function sealUnder(
  begins: string,
  plain: Secret<Uint8Array>,
  passphrase: Secret<string | Uint8Array>,
  logN: number,
): Promise<Uint8Array> {
  const salt = new Uint8Array(randomBytes(32));
  const nonce = new Uint8Array(randomBytes(24));
  const { r, p } = SEED_COST;
  const head = `${begins}kdf: scrypt ${logN} ${r} ${p}\nsalt: ${hex(salt)}\nnonce: ${hex(nonce)}\n`;
  const key = await stretch(passphrase, salt, logN);
  try {
    const bytes = reveal(plain, 'sealing it under a passphrase');
    return encodeUtf8(
      `${head}sealed: ${hex(xchacha20poly1305(key, nonce, encodeUtf8(head)).encrypt(bytes))}\n`,
    );
  } finally {
    key.fill(0);
  }
}

/** Null: it is not what {@link sealUnder} writes, or longer than that. */
export function readSealed(file: Uint8Array, maxBytes: number): SealedFile | null {
  const text = file.length > maxBytes ? '' : Buffer.from(file).toString('latin1');
  const match = FORM.exec(text);
  const logN = Number(match?.[3]);
  if (match === null || logN < LEAST_LOG_N || logN > MOST_LOG_N) return null;
  const [, head, begins, , salt, nonce, sealed] = match;
  return {
    begins: begins!,
    head: head!,
    logN,
    salt: unhex(salt!),
    nonce: unhex(nonce!),
    sealed: unhex(sealed!),
  };
}

/** Null: another passphrase, or the file was changed. The caller wipes it. */
export async function openSealed(
  { head, logN, salt, nonce, sealed }: SealedFile,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array> | null> {
  const key = await stretch(passphrase, salt, logN);
  try {
    return secret(xchacha20poly1305(key, nonce, encodeUtf8(head)).decrypt(sealed));
  } catch {
    return null;
  } finally {
    key.fill(0);
  }
}

/** Bytes as such files have them. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function unhex(text: string): Uint8Array {
  return concatBytes(Buffer.from(text, 'hex'));
}
