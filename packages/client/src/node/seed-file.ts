import {
  AccessError,
  concatBytes,
  encodeUtf8,
  reveal,
  secret,
  StorageError,
  type Secret,
} from '@ckm/foundation';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { randomBytes } from 'node:crypto';
import { LEAST_LOG_N, MOST_LOG_N, SEED_COST as COST, stretch } from './stretch.js';

/**
 * The owner seed at rest. A text file of `name: value` lines (ASCII, LF), in this order:
 *
 *     ckm-owner-seed: 1
 *     kdf: scrypt 17 8 1            log2 N, r, p
 *     salt: 32 bytes, hex
 *     nonce: 24 bytes, hex
 *     sealed: 48 bytes, hex         XChaCha20-Poly1305(seed of 32 bytes)
 *
 * Key: scrypt(passphrase as UTF-8 NFC, salt, N, r, p) → 32 bytes. Associated data: the first four lines with their
 * line breaks. Nothing else is in the file. Source: RFC 7914; draft-irtf-cfrg-xchacha-03.
 */
const TITLE = 'ckm-owner-seed: 1';

export const SEED_FILE_MAX_BYTES = 1024;

/** Seals an owner seed under a passphrase, text or its UTF-8 in NFC. `logN` is lowered in tests only. */
export async function sealSeed(
  seed: Secret<Uint8Array>,
  passphrase: Secret<string | Uint8Array>,
  logN: number = COST.logN,
): Promise<Uint8Array> {
  const salt = new Uint8Array(randomBytes(32));
  const nonce = new Uint8Array(randomBytes(24));
  const head = header(logN, salt, nonce);
  const key = await stretch(passphrase, salt, logN);
  try {
    const sealed = xchacha20poly1305(key, nonce, encodeUtf8(head)).encrypt(
      reveal(seed, 'sealing the owner seed'),
    );
    return encodeUtf8(`${head}sealed: ${hex(sealed)}\n`);
  } finally {
    key.fill(0);
  }
}

/**
 * Opens a sealed owner seed.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `SEED_FILE_CORRUPT`
 */
export async function openSeed(
  file: Uint8Array,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array>> {
  const { head, logN, salt, nonce, sealed } = parseSeedFile(file);
  const key = await stretch(passphrase, salt, logN);
  try {
    return secret(xchacha20poly1305(key, nonce, encodeUtf8(head)).decrypt(sealed));
  } catch {
    throw new AccessError('the passphrase does not open the owner seed', {
      code: 'PASSPHRASE_WRONG',
      hint: 'try again; if it is lost, set a new one with the 24 words',
      remedy: { kind: 'replacePassphrase' },
    });
  } finally {
    key.fill(0);
  }
}

interface SeedFile {
  readonly head: string;
  readonly logN: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

const FORM =
  /^(ckm-owner-seed: 1\nkdf: scrypt ([0-9]{2}) 8 1\nsalt: ([0-9a-f]{64})\nnonce: ([0-9a-f]{48})\n)sealed: ([0-9a-f]{96})\n$/;

/** @throws StorageError `SEED_FILE_CORRUPT` */
export function parseSeedFile(file: Uint8Array): SeedFile {
  const text = file.length > SEED_FILE_MAX_BYTES ? '' : Buffer.from(file).toString('latin1');
  const match = FORM.exec(text);
  const logN = Number(match?.[2]);
  if (match === null || logN < LEAST_LOG_N || logN > MOST_LOG_N) {
    const what = file.length === 0 ? 'empty' : 'damaged or not one of ours';
    throw new StorageError(`the owner seed file is ${what}`, {
      code: 'SEED_FILE_CORRUPT',
      hint: 'restore it from the 24 words',
      remedy: { kind: 'replacePassphrase' },
    });
  }
  return {
    head: match[1]!,
    logN,
    salt: unhex(match[3]!),
    nonce: unhex(match[4]!),
    sealed: unhex(match[5]!),
  };
}

function header(logN: number, salt: Uint8Array, nonce: Uint8Array): string {
  return `${TITLE}\nkdf: scrypt ${logN} ${COST.r} ${COST.p}\nsalt: ${hex(salt)}\nnonce: ${hex(nonce)}\n`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unhex(text: string): Uint8Array {
  return concatBytes(Buffer.from(text, 'hex'));
}
