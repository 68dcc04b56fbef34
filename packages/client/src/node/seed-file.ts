import { AccessError, type Secret, StorageError } from '@ckm/foundation';
import { openSealed, readSealed, type SealedFile, sealUnder } from './sealed-file.js';
import { SEED_COST } from './stretch.js';

/** The owner seed at rest, as {@link sealUnder} writes it behind this line: 32 bytes. */
const BEGINS = 'ckm-owner-seed: 1\n';

export const SEED_FILE_MAX_BYTES = 1024;
/** With a tag of 16 bytes. */
const SEALED_BYTES = 48;

/** Seals an owner seed under a passphrase, text or its UTF-8 in NFC. `logN` is lowered in tests only. */
export async function sealSeed(
  seed: Secret<Uint8Array>,
  passphrase: Secret<string | Uint8Array>,
  logN: number = SEED_COST.logN,
): Promise<Uint8Array> {
  return sealUnder(BEGINS, seed, passphrase, logN);
}

/**
 * Opens a sealed owner seed.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `SEED_FILE_CORRUPT`
 */
export async function openSeed(
  file: Uint8Array,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array>> {
  const opened = await openSealed(parseSeedFile(file), passphrase);
  if (opened !== null) return opened;
  throw new AccessError('the passphrase does not open the owner seed', {
    code: 'PASSPHRASE_WRONG',
    hint: 'try again; if it is lost, set a new one with the 24 words',
    remedy: { kind: 'replacePassphrase' },
  });
}

/** @throws StorageError `SEED_FILE_CORRUPT` */
export function parseSeedFile(file: Uint8Array): SealedFile {
  const read = readSealed(file, SEED_FILE_MAX_BYTES);
  if (read !== null && read.begins === BEGINS && read.sealed.length === SEALED_BYTES) return read;
  const what = file.length === 0 ? 'empty' : 'damaged or not one of ours';
  throw new StorageError(`the owner seed file is ${what}`, {
    code: 'SEED_FILE_CORRUPT',
    hint: 'restore it from the 24 words',
    remedy: { kind: 'replacePassphrase' },
  });
}
