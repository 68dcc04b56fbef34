import { concatBytes } from '@ckm/foundation';
import { layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import { isBytes } from '../../key/params.js';
import type { LockCertificate } from './lock-certificate.js';
import { encodeName, encodeSigners, MAX_SIGNERS_BYTES, readLocks, readName } from './statement-layout.js';
import { isAttempt } from './statements.js';

/** Longest encoding of a lock certificate. */
export const MAX_LOCK_CERTIFICATE_BYTES = 1 + 4 + 32 + MAX_SIGNERS_BYTES;
const LAYOUT_VERSION = 1;
const WHAT = 'a lock certificate';

/**
 * The canonical bytes of a lock certificate; whether it holds is another question.
 * @throws EncodingError `LAYOUT_INVALID`, `PARTY_INDEX_INVALID`
 */
export function encodeLockCertificate(certificate: LockCertificate): Uint8Array {
  const { attempt, next, locks } = certificate;
  if (!isAttempt(attempt) || !isBytes(next, 32)) throw layoutInvalid(WHAT);
  return concatBytes(
    uint8(LAYOUT_VERSION),
    encodeName({ attempt, next }),
    encodeSigners('lock', certificate, locks),
  );
}

/**
 * Reads what {@link encodeLockCertificate} wrote, and nothing else.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, `PARTY_INDEX_INVALID`
 */
export function parseLockCertificate(bytes: Uint8Array): LockCertificate {
  const reader = readLayout(bytes, WHAT, MAX_LOCK_CERTIFICATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const name = readName(reader);
  const locks = readLocks(reader, name);
  reader.end();
  return { ...name, locks };
}
