/** Crockford's alphabet: no letter that is read as another. Source: https://www.crockford.com/base32.html */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LETTERS = 20;
const CODE = /^[0-9A-HJKMNP-TV-Z]{20}$/;

/** A code of 100 random bits in four groups: `7QK2M-0X9ZC-…`. */
export function createInviteCode(random: (length: number) => Uint8Array): string {
  const letters = Array.from(random(LETTERS), (byte) => ALPHABET[byte & 31]!);
  return letters.join('').replace(/(.{5})(?!$)/g, '$1-');
}

/** The code without the ways people write it: case, spaces, dashes, O for 0, I and L for 1. Null: not a code. */
export function normalInviteCode(text: string): string | null {
  const letters = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  return CODE.test(letters) ? letters : null;
}
