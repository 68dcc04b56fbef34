import { scrypt } from 'node:crypto';
import { concatBytes, encodeUtf8, equalBytes, reveal, type Secret, UsageError } from '@ckm/foundation';
import { cipher, NONCE_BYTES } from './cipher.js';
import { lostFile, passphraseWrong, type VaultCode } from './codes.js';
import { encodeKeyFile, parseKeyFile } from './key-file.js';
import type { StorageKey } from './storage-key.js';

/** Cost of trying one passphrase. Memory is 128 · r · 2^logN bytes: 128 MiB by default, given back afterwards. */
export interface PassphraseCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** Source: RFC 7914 §2; OWASP password storage (N = 2^17, r = 8, p = 1). */
export const DEFAULT_COST: PassphraseCost = { logN: 17, r: 8, p: 1 };
/** Short ones are refused: the file may be copied and searched elsewhere. UTF-8 bytes. */
const MIN_PASSPHRASE_BYTES = 12;
const MAX_PASSPHRASE_BYTES = 1024;
// Twice the memory of what is written. A file with a higher cost is damage, or an attack on the memory of who opens it.
const LIMIT: PassphraseCost = { logN: 18, r: 8, p: 1 };
const MAGIC = encodeUtf8('ckm storage key sealed 1\n');
const SALT_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 3 + SALT_BYTES + NONCE_BYTES;

/**
 * The storage key under a passphrase: `magic ‖ logN r p ‖ salt (16) ‖ nonce (24) ‖ sealed key file`; everything before
 * the ciphertext is bound to it.
 * @throws UsageError `PASSPHRASE_TOO_WEAK`.
 */
export async function sealKeyFile(
  storageKey: StorageKey,
  passphrase: Secret<Uint8Array>,
  random: (length: number) => Uint8Array,
  cost: PassphraseCost = DEFAULT_COST,
): Promise<Uint8Array> {
  const { length } = reveal(passphrase, 'measure the passphrase');
  if (length < MIN_PASSPHRASE_BYTES || length > MAX_PASSPHRASE_BYTES) {
    throw new UsageError(`a passphrase has ${MIN_PASSPHRASE_BYTES} to ${MAX_PASSPHRASE_BYTES} bytes`, {
      code: 'PASSPHRASE_TOO_WEAK' satisfies VaultCode,
      hint: 'use five or more random words',
    });
  }
  const costs = new Uint8Array([cost.logN, cost.r, cost.p]);
  const header = concatBytes(MAGIC, costs, random(SALT_BYTES), random(NONCE_BYTES));
  const key = await stretch(passphrase, header);
  const plain = encodeKeyFile(storageKey);
  const sealed = cipher.seal(key, nonceOf(header), header, plain);
  key.fill(0);
  plain.fill(0);
  return concatBytes(header, sealed);
}

/** @throws AccessError `PASSPHRASE_WRONG`; StorageError `KEY_FILE_DAMAGED`. */
export async function openKeyFile(bytes: Uint8Array, passphrase: Secret<Uint8Array>): Promise<StorageKey> {
  if (bytes.length <= HEADER_BYTES || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw damaged();
  const header = bytes.subarray(0, HEADER_BYTES);
  const key = await stretch(passphrase, header);
  const plain = cipher.open(key, nonceOf(header), header, bytes.subarray(HEADER_BYTES));
  key.fill(0);
  if (plain === null) throw passphraseWrong();
  try {
    return parseKeyFile(plain);
  } finally {
    plain.fill(0);
  }
}

/** What a sealed key file costs to open: the next one is to cost the same. */
export function costOf(bytes: Uint8Array): PassphraseCost {
  const at = MAGIC.length;
  return { logN: bytes[at]!, r: bytes[at + 1]!, p: bytes[at + 2]! };
}

function nonceOf(header: Uint8Array): Uint8Array {
  return header.subarray(HEADER_BYTES - NONCE_BYTES);
}

function stretch(passphrase: Secret<Uint8Array>, header: Uint8Array): Promise<Uint8Array> {
  const at = MAGIC.length;
  const [logN, r, p] = [header[at]!, header[at + 1]!, header[at + 2]!];
  if (logN < 10 || logN > LIMIT.logN || r < 1 || r > LIMIT.r || p < 1 || p > LIMIT.p)
    return Promise.reject(damaged());
  const salt = header.subarray(at + 3, at + 3 + SALT_BYTES);
  const cost = { N: 2 ** logN, r, p, maxmem: 256 * r * 2 ** logN };
  return new Promise((resolve, reject) => {
    scrypt(reveal(passphrase, 'stretch the passphrase'), salt, 32, cost, (error, key) => {
      if (error === null) resolve(new Uint8Array(key.buffer, key.byteOffset, key.length));
      else reject(error);
    });
  });
}

function damaged() {
  return lostFile('KEY_FILE_DAMAGED', 'the sealed storage key file is damaged');
}
