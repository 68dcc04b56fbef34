import { encodeUtf8, reveal, type Secret } from '@ckm/foundation';
import { scrypt } from 'node:crypto';

/** What it costs to try a passphrase of a file with secrets of an owner. */
export const SEED_COST = { logN: 17, r: 8, p: 1 } as const;
/** A file that asks for more memory than this (1 GiB) is refused: it could be somebody else's. */
export const MOST_LOG_N = 20;
export const LEAST_LOG_N = 14;
const KEY_BYTES = 32;

/** The key of a file: scrypt of a passphrase, text in NFC or its UTF-8. 32 bytes; the caller wipes them. Source: RFC 7914 */
export async function stretch(
  passphrase: Secret<string | Uint8Array>,
  salt: Uint8Array,
  logN: number,
): Promise<Uint8Array> {
  const given = reveal(passphrase, 'deriving the key of a file of the owner');
  const password = typeof given === 'string' ? encodeUtf8(given.normalize('NFC')) : given.slice();
  const { r, p } = SEED_COST;
  const cost = { N: 2 ** logN, r, p, maxmem: 2 ** logN * r * 128 + (1 << 20) };
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password, salt, KEY_BYTES, cost, (error, key) => {
        if (error === null) resolve(new Uint8Array(key));
        else reject(error);
      });
    });
  } finally {
    password.fill(0);
  }
}
