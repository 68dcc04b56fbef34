import { AccessError, type Secret, StorageError } from '@ckm/foundation';
import { openSealed, readSealed, type SealedFile, sealUnder } from './sealed-file.js';
import { SEED_COST } from './stretch.js';

/** The secret of an approver at rest, as {@link sealUnder} writes it behind this line: 32 bytes. */
const BEGINS = 'ckm-approver: 1\n';

export const APPROVER_FILE_MAX_BYTES = 1024;
/** With a tag of 16 bytes. */
const SEALED_BYTES = 48;

/** Seals the secret of an approver under a passphrase, text or its UTF-8 in NFC. `logN` is lowered in tests only. */
export async function sealApprover(
  approver: Secret<Uint8Array>,
  passphrase: Secret<string | Uint8Array>,
  logN: number = SEED_COST.logN,
): Promise<Uint8Array> {
  return sealUnder(BEGINS, approver, passphrase, logN);
}

/**
 * Opens it. The caller wipes it, or gives it to an approver's client, which does.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `APPROVER_FILE_CORRUPT`
 */
export async function openApprover(
  file: Uint8Array,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array>> {
  const opened = await openSealed(parseApproverFile(file), passphrase);
  if (opened !== null) return opened;
  throw new AccessError('the passphrase does not open this approver', {
    code: 'PASSPHRASE_WRONG',
    hint: 'try again; if it is lost, have the owners of your keys invite you anew',
  });
}

/** @throws StorageError `APPROVER_FILE_CORRUPT` */
export function parseApproverFile(file: Uint8Array): SealedFile {
  const read = readSealed(file, APPROVER_FILE_MAX_BYTES);
  if (read !== null && read.begins === BEGINS && read.sealed.length === SEALED_BYTES) return read;
  const what = file.length === 0 ? 'empty' : 'damaged or not one of ours';
  throw new StorageError(`the approver file is ${what}`, {
    code: 'APPROVER_FILE_CORRUPT',
    hint: 'bring it back from a copy of yours; without one, have the owners of your keys invite you anew',
  });
}
