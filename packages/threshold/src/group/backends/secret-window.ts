import { createModulus, subtractModulo } from '../limbs.js';

/** Bits of a scalar that one step of a multiplication takes. */
export const WINDOW_BITS = 5;

const STEPS = 51;
const ORDER = createModulus(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n);
const ZERO = new Uint8Array(32);

/** Points of 65 bytes: the multiples −31, −29 … 31 of one. */
export type WindowTable = readonly Uint8Array[];

/** A secret scalar of secp256k1 as 1·32^51 + Σ (2·digit − 31)·32^i, highest digit first; the caller wipes the digits. */
export interface OddDigits {
  /** 51 of 0 … 31: indexes into a {@link WindowTable}. */
  readonly digits: Uint8Array;
  /** 1 where the digits are those of −scalar, which is odd when the scalar is even. */
  readonly isNegated: number;
}

/**
 * Takes a scalar apart without a branch or an index that depends on it.
 * Source: Joye, Tunstall 2009, "Exponent recoding and regular exponentiation algorithms", with odd digits only
 */
export function oddDigits(scalar: Uint8Array): OddDigits {
  const isEven = 1 - (scalar[31]! & 1);
  const other = subtractModulo(ORDER, ZERO, scalar, false);
  const odd = scalar.map((byte, i) => (byte & ~-isEven) | (other[i]! & -isEven));
  const digits = new Uint8Array(STEPS);
  for (let i = 0; i < STEPS; i++) {
    // Bits 5i + 1 … 5i + 5, of which the last digit has 251 … 255.
    const bit = WINDOW_BITS * (STEPS - 1 - i) + 1;
    const low = odd[31 - (bit >> 3)]!;
    const high = bit >> 3 < 31 ? odd[30 - (bit >> 3)]! : 0;
    digits[i] = ((low | (high << 8)) >> (bit & 7)) & 31;
  }
  other.fill(0);
  odd.fill(0);
  return { digits, isNegated: isEven };
}

/** The entry of the table at a secret index: all are read, one is kept. */
export function selectPoint(table: WindowTable, index: number): Uint8Array {
  const chosen = new Uint8Array(65);
  for (let i = 0; i < table.length; i++) {
    const entry = table[i]!;
    // All ones where i is the index, else zero.
    const keep = ((i ^ index) - 1) >> 31;
    for (let at = 0; at < 65; at++) chosen[at] = chosen[at]! | (entry[at]! & keep);
  }
  return chosen;
}
