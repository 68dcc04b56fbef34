import { concatBytes } from '@ckm/foundation';

/**
 * Integers below 2^264 as eleven 24-bit limbs held in doubles, least significant first.
 *
 * Why not bigint: its running time depends on the value. Here every multiplication, carry and selection runs the same
 * instructions whatever the operands are, as far as a JavaScript engine lets one say so. 24 bits, because 22 products
 * of 48 bits still fit the 53 bits of a double, and because a limb is then exactly three bytes.
 */
export type Limbs = Float64Array;

const LIMBS = 11;
const BASE = 2 ** 24;
const INVERSE_BASE = 2 ** -24;

/** An odd modulus q below 2^256 with what Montgomery reduction by R = 2^264 needs. */
export interface Modulus {
  readonly value: bigint;
  readonly limbs: Limbs;
  /** −q⁻¹ mod 2^24 */
  readonly negatedInverse: number;
  /** R² mod q */
  readonly squaredRadix: Limbs;
}

/** Prepares a modulus; public, done once for each group. */
export function createModulus(value: bigint): Modulus {
  let inverse = 1n;
  for (let i = 0; i < 5; i++) inverse = BigInt.asUintN(24, inverse * (2n - value * inverse));
  const radix = 1n << BigInt(24 * LIMBS);
  return {
    value,
    limbs: limbsOf(value),
    negatedInverse: Number(BigInt.asUintN(24, -inverse)),
    squaredRadix: limbsOf((radix * radix) % value),
  };
}

function limbsOf(value: bigint): Limbs {
  const limbs = new Float64Array(LIMBS);
  for (let i = 0; i < LIMBS; i++) limbs[i] = Number((value >> BigInt(24 * i)) & 0xffffffn);
  return limbs;
}

// Scratch space, wiped after each use: nothing here is re-entrant, and nothing here waits.
const left = new Float64Array(2 * LIMBS);
const right = new Float64Array(LIMBS);
const wide = new Float64Array(2 * LIMBS + 1);
const spare = new Float64Array(LIMBS);

/** Little-endian bytes into limbs; the rest of `out` becomes zero. */
function load(out: Float64Array, bytes: Uint8Array, littleEndian: boolean): void {
  out.fill(0);
  const last = bytes.length - 1;
  for (let i = 0; i <= last; i++) {
    const limb = (i / 3) | 0;
    const byte = bytes[littleEndian ? i : last - i]!;
    out[limb] = out[limb]! + byte * (1 << (8 * (i - 3 * limb)));
  }
}

function store(limbs: Float64Array, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) {
    const limb = (i / 3) | 0;
    bytes[littleEndian ? i : 31 - i] = limbs[limb]! >>> (8 * (i - 3 * limb));
  }
  return bytes;
}

/** limbs − q into `spare`; 1 when limbs < q, else 0. */
function borrowAfterSubtraction(limbs: Float64Array, modulus: Float64Array): number {
  let borrow = 0;
  for (let i = 0; i < LIMBS; i++) {
    const difference = limbs[i]! - modulus[i]! - borrow;
    borrow = -Math.floor(difference * INVERSE_BASE);
    spare[i] = difference + borrow * BASE;
  }
  return borrow;
}

/** For limbs below 2q: the value modulo q, chosen without a branch. */
function subtractOnce(limbs: Float64Array, modulus: Float64Array): void {
  const keep = borrowAfterSubtraction(limbs, modulus);
  for (let i = 0; i < LIMBS; i++) limbs[i] = keep * limbs[i]! + (1 - keep) * spare[i]!;
}

/** wide·R⁻¹ mod q into `left`, below 2q, for wide < q·R. Source: Montgomery 1985, "REDC". */
function reduceWide(modulus: Modulus): void {
  const q = modulus.limbs;
  const { negatedInverse } = modulus;
  for (let i = 0; i < LIMBS; i++) {
    const digit = wide[i]! - Math.floor(wide[i]! * INVERSE_BASE) * BASE;
    const product = digit * negatedInverse;
    const factor = product - Math.floor(product * INVERSE_BASE) * BASE;
    for (let j = 0; j < LIMBS; j++) wide[i + j] = wide[i + j]! + factor * q[j]!;
    wide[i + 1] = wide[i + 1]! + wide[i]! * INVERSE_BASE;
  }
  let carry = 0;
  for (let i = 0; i < LIMBS; i++) {
    const sum = wide[LIMBS + i]! + carry;
    carry = Math.floor(sum * INVERSE_BASE);
    left[i] = sum - carry * BASE;
  }
}

function multiplyInto(a: Float64Array, b: Float64Array): void {
  wide.fill(0);
  for (let i = 0; i < LIMBS; i++) {
    const digit = a[i]!;
    for (let j = 0; j < LIMBS; j++) wide[i + j] = wide[i + j]! + digit * b[j]!;
  }
}

function wipeScratch(): void {
  left.fill(0);
  right.fill(0);
  wide.fill(0);
  spare.fill(0);
}

/** Whether 32 bytes, read as an integer, are below the modulus. */
export function isBelow(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): boolean {
  load(right, bytes, littleEndian);
  const below = borrowAfterSubtraction(right, modulus.limbs);
  wipeScratch();
  return below === 1;
}

/** a + b mod q; 32 canonical bytes each. */
export function addModulo(modulus: Modulus, a: Uint8Array, b: Uint8Array, littleEndian: boolean): Uint8Array {
  load(left, a, littleEndian);
  load(right, b, littleEndian);
  let carry = 0;
  for (let i = 0; i < LIMBS; i++) {
    const sum = left[i]! + right[i]! + carry;
    carry = Math.floor(sum * INVERSE_BASE);
    left[i] = sum - carry * BASE;
  }
  subtractOnce(left, modulus.limbs);
  const result = store(left, littleEndian);
  wipeScratch();
  return result;
}

/** a − b mod q; 32 canonical bytes each. */
export function subtractModulo(
  modulus: Modulus,
  a: Uint8Array,
  b: Uint8Array,
  littleEndian: boolean,
): Uint8Array {
  load(left, a, littleEndian);
  load(right, b, littleEndian);
  const q = modulus.limbs;
  let carry = 0;
  // a − b + q lies in 1 … 2q−1, so the last carry is never negative.
  for (let i = 0; i < LIMBS; i++) {
    const sum = left[i]! - right[i]! + q[i]! + carry;
    carry = Math.floor(sum * INVERSE_BASE);
    left[i] = sum - carry * BASE;
  }
  subtractOnce(left, q);
  const result = store(left, littleEndian);
  wipeScratch();
  return result;
}

/** a·b mod q; 32 canonical bytes each. */
export function multiplyModulo(
  modulus: Modulus,
  a: Uint8Array,
  b: Uint8Array,
  littleEndian: boolean,
): Uint8Array {
  load(left, a, littleEndian);
  load(right, b, littleEndian);
  multiplyInto(left, right);
  return finishMultiplication(modulus, littleEndian);
}

/** bytes mod q, for up to 64 bytes. */
export function reduceModulo(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): Uint8Array {
  load(left, bytes, littleEndian);
  wide.fill(0);
  wide.set(left);
  return finishMultiplication(modulus, littleEndian);
}

/** wide·R⁻¹, then times R² times R⁻¹: the plain value modulo q. */
function finishMultiplication(modulus: Modulus, littleEndian: boolean): Uint8Array {
  reduceWide(modulus);
  multiplyInto(left, modulus.squaredRadix);
  reduceWide(modulus);
  subtractOnce(left, modulus.limbs);
  const result = store(left, littleEndian);
  wipeScratch();
  return result;
}

/** 32 bytes of a non-negative integer below 2^256; public data only. */
export function integerToBytes(value: bigint, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++) {
    const word = BigInt.asUintN(64, value >> BigInt(64 * i));
    if (littleEndian) view.setBigUint64(8 * i, word, true);
    else view.setBigUint64(24 - 8 * i, word, false);
  }
  return bytes;
}

/** The integer that 32 bytes stand for. Variable-time: public data, or a secret on its way into a bigint library. */
export function bytesToInteger(bytes: Uint8Array, littleEndian: boolean): bigint {
  const whole = bytes.byteLength === 32 ? bytes : concatBytes(bytes);
  const view = new DataView(whole.buffer, whole.byteOffset, 32);
  let value = 0n;
  for (let i = 3; i >= 0; i--) {
    value =
      (value << 64n) | (littleEndian ? view.getBigUint64(8 * i, true) : view.getBigUint64(24 - 8 * i, false));
  }
  return value;
}
