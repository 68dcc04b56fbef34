import type { ContactKind } from '@ckm/api';
import { concatBytes, encodeUtf8, reveal, type Secret } from '@ckm/foundation';
import { primitives } from '@ckm/gordian';

/** What a name is hashed for: nothing that is counted for one is counted for another. */
type HandleUse = ContactKind | 'sending' | 'account' | 'asker';

/**
 * A keyed hash of what names a contact: whoever reads the database alone learns no address from it, and cannot try any.
 * @param name UTF-8 as typed, or bytes
 */
export function handleOf(key: Secret<Uint8Array>, use: HandleUse, name: string | Uint8Array): Uint8Array {
  const bytes = typeof name === 'string' ? encodeUtf8(name) : name;
  return hashed(key, concatBytes(encodeUtf8(`handle/${use}/`), bytes));
}

/** How long one code is sent; it is taken for as long again. Seconds. */
export const CODE_SECONDS = 900;
const CODE_DIGITS = 8;
/** A whole number that a double holds without loss. */
const CODE_BYTES = 6;

/**
 * The code of a contact that is sent one: it is not stored, but made of what it is for, so that nothing in the database gives it away, it is of use
 * to the one key or contact that asked for it, and nobody's asking makes another's code worthless.
 * @param about 32 bytes: the key that is to be let in, or the id of a contact that is verified
 * @param step quarters of an hour since 1970
 */
export function codeFor(
  key: Secret<Uint8Array>,
  { handle, about }: { readonly handle: Uint8Array; readonly about: Uint8Array },
  step: number,
): string {
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(step));
  const hash = hashed(key, concatBytes(encodeUtf8('code/'), handle, about, place));
  const number = hash.slice(0, CODE_BYTES).reduce((sum, byte) => sum * 256 + byte, 0);
  return String(number % 10 ** CODE_DIGITS).padStart(CODE_DIGITS, '0');
}

export function codeStep(now: number): number {
  return Math.floor(now / CODE_SECONDS);
}

function hashed(key: Secret<Uint8Array>, message: Uint8Array): Uint8Array {
  return primitives.hmacSha256(reveal(key, 'hash the name of a contact'), message);
}
