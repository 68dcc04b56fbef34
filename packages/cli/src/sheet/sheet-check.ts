import { EncodingError, encodeUtf8, equalBytes, reveal, type Secret } from '@ckm/foundation';
import { primitives } from '@ckm/gordian';
import { checkedLines, type ReadSheet, type SheetCheck } from './sheet.js';

const SALT = encodeUtf8('ckm/recovery-sheet/v1');
const NAME_BYTES = 8;
const MAC_BYTES = 32;

/**
 * The check of a sheet's lines under the owner seed: HMAC-SHA-256 over the lines, one line feed between two of them, with the
 * key HKDF-SHA-256(seed, salt `ckm/recovery-sheet/v1`, info `mac`); info `name` gives the name of the seed. Both are printed:
 * they say nothing about the 256 random bits of the seed.
 */
export function createSheetCheck(seed: Secret<Uint8Array>, lines: readonly string[]): SheetCheck {
  const material = reveal(seed, 'checking a recovery sheet of the owner');
  const derived = (info: string, length: number) =>
    primitives.hkdfSha256(material, SALT, encodeUtf8(info), length);
  const key = derived('mac', MAC_BYTES);
  const mac = primitives.hmacSha256(key, encodeUtf8(lines.join('\n')));
  key.fill(0);
  return { seedName: derived('name', NAME_BYTES), mac };
}

/**
 * Whether the owner of a seed made a sheet, and nobody changed it since; `unknown`: it has no check. An earlier sheet of the same
 * owner is good too.
 * @throws EncodingError `SHEET_OF_ANOTHER_SEED`, `SHEET_CHANGED`
 */
export function checkSheet(seed: Secret<Uint8Array>, sheet: ReadSheet): 'good' | 'unknown' {
  if (sheet.check === null) return 'unknown';
  const own = createSheetCheck(seed, checkedLines(sheet));
  if (!equalBytes(own.seedName, sheet.check.seedName)) throw ofAnotherSeed();
  if (!equalBytes(own.mac, sheet.check.mac)) throw changed();
  return 'good';
}

function ofAnotherSeed(): EncodingError {
  return new EncodingError('this recovery sheet was made under another owner seed than these words', {
    code: 'SHEET_OF_ANOTHER_SEED',
    hint: 'use the sheet that belongs to these words, or add the servers by hand: ckm server add NAME ADDRESS',
  });
}

function changed(): EncodingError {
  return new EncodingError('this recovery sheet is not as its owner made it: its check is wrong', {
    code: 'SHEET_CHANGED',
    hint: 'use another copy, or compare it with the paper if it was typed; or add the servers by hand: ckm server add NAME ADDRESS',
  });
}
