import { CkmError, encodeUtf8, reveal, type Secret } from '@ckm/foundation';
import { readLayout } from '@ckm/threshold';
import { cbc, ctr } from '@noble/ciphers/aes.js';
import { materialInvalid, materialLocked, materialUnsupported } from './key-material.js';
import { looksLikeOpenssh, openedText, parseOpenssh } from './openssh.js';

const KEY_BYTES = 32;
const IV_BYTES = 16;
/** What `ssh-keygen` takes by itself, and took before. */
const CIPHERS = {
  'aes256-ctr': (key: Uint8Array, iv: Uint8Array) => ctr(key, iv),
  'aes256-cbc': (key: Uint8Array, iv: Uint8Array) => cbc(key, iv, { disablePadding: true }),
} as const;
/** Some ten times what `ssh-keygen` takes by itself; a file with more costs minutes. */
const MOST_ROUNDS = 256;

/** Whether a key file has a passphrase. What is no whole file of OpenSSH has none: `readMaterial` says what is wrong with it. */
export function isLockedKeyFile(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes).trim();
  if (!looksLikeOpenssh(text)) return false;
  try {
    const { cipher, secrets } = parseOpenssh(text);
    secrets.fill(0);
    return cipher !== 'none';
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/**
 * The same key file without its passphrase, for `readMaterial`; the caller wipes it. Takes a second or two of one core.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_LOCKED` for a wrong passphrase, `KEY_MATERIAL_UNSUPPORTED`
 * Source: OpenSSH, PROTOCOL.key
 */
export async function unlockKeyFile(bytes: Uint8Array, passphrase: Secret<Uint8Array>): Promise<Uint8Array> {
  const file = parseOpenssh(new TextDecoder().decode(bytes).trim());
  const { cipher, kdf, kdfOptions, shown, secrets } = file;
  if (kdf !== 'bcrypt' || !isKnown(cipher))
    throw materialUnsupported(
      `the passphrase of this key file is kept in a way that is not known here (${cipher}, ${kdf})`,
      'give a copy of it a passphrase as ssh-keygen does by itself: ssh-keygen -p -f COPY',
    );
  if (secrets.length === 0 || secrets.length % IV_BYTES !== 0) throw cut();
  const { salt, rounds } = readOptions(kdfOptions);
  const derived = await bcryptKey(passphrase, salt, rounds);
  try {
    const plain = CIPHERS[cipher](derived.subarray(0, KEY_BYTES), derived.subarray(KEY_BYTES)).decrypt(
      secrets,
    );
    try {
      if (!isOpen(plain)) throw materialLocked('this is not the passphrase of the key file');
      return encodeUtf8(openedText(shown, plain));
    } finally {
      plain.fill(0);
    }
  } finally {
    derived.fill(0);
  }
}

function isKnown(cipher: string): cipher is keyof typeof CIPHERS {
  return Object.hasOwn(CIPHERS, cipher);
}

function readOptions(bytes: Uint8Array): { readonly salt: Uint8Array; readonly rounds: number } {
  try {
    const reader = readLayout(bytes, 'how the passphrase of a key file is kept', 256);
    const salt = reader.block(64);
    const rounds = reader.uint32be();
    reader.end();
    if (salt.length === 0 || rounds === 0) throw cut();
    if (rounds <= MOST_ROUNDS) return { salt, rounds };
  } catch {
    throw cut();
  }
  throw materialUnsupported(
    `opening this key file would take too long: it asks for more than ${MOST_ROUNDS} rounds`,
    'give a copy of it fewer: ssh-keygen -p -a 24 -f COPY',
  );
}

/** Key and initialisation vector. */
async function bcryptKey(
  passphrase: Secret<Uint8Array>,
  salt: Uint8Array,
  rounds: number,
): Promise<Uint8Array> {
  const { pbkdf } = (await import('bcrypt-pbkdf')).default;
  const derived = new Uint8Array(KEY_BYTES + IV_BYTES);
  const typed = reveal(passphrase, 'open a key file of OpenSSH');
  const failed = pbkdf(typed, typed.length, salt, salt.length, derived, derived.length, rounds) !== 0;
  if (failed) throw materialLocked('this key file has a passphrase');
  return derived;
}

/** Two numbers that are equal show that it was the right one. */
function isOpen(plain: Uint8Array): boolean {
  const view = new DataView(plain.buffer, plain.byteOffset);
  return plain.length >= 8 && view.getUint32(0) === view.getUint32(4);
}

function cut() {
  return materialInvalid('this private key of OpenSSH is cut or changed');
}
