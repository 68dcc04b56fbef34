/**
 * Integers below 2^264 as eleven 24-bit limbs, least significant first: int32 where they are added and compared,
 * doubles where they are multiplied.
 *
 * Why not bigint: its running time depends on the value. Here every multiplication, carry and selection runs the same
 * instructions whatever the operands are, as far as a JavaScript engine lets one say so. 24 bits, because 22 products
 * of 48 bits still fit the 53 bits of a double, and because a limb is then exactly three bytes. Int32 and bit
 * operations for carries, because an engine guards small doubles with branches that depend on them.
 */
const LIMBS = 11;
const MASK = 0xffffff;
const BASE = 2 ** 24;
const INVERSE_BASE = 2 ** -24;

/** An odd modulus q below 2^256 with what Montgomery reduction by R = 2^264 needs. */
export interface Modulus {
  readonly limbs: Int32Array;
  /** The same limbs, to multiply with. */
  readonly factors: Float64Array;
  /** −q⁻¹ mod 2^24 */
  readonly negatedInverse: number;
  /** R² mod q */
  readonly squaredRadix: Float64Array;
}

/** Prepares a modulus; public, done once for each group. */
export function createModulus(value: bigint): Modulus {
  let inverse = 1n;
  for (let i = 0; i < 5; i++) inverse = BigInt.asUintN(24, inverse * (2n - value * inverse));
  const radix = 1n << BigInt(24 * LIMBS);
  const limbs = limbsOf(value);
  return {
    limbs,
    factors: Float64Array.from(limbs),
    negatedInverse: Number(BigInt.asUintN(24, -inverse)),
    squaredRadix: Float64Array.from(limbsOf((radix * radix) % value)),
  };
}

function limbsOf(value: bigint): Int32Array {
  return Int32Array.from({ length: LIMBS }, (_, i) => Number((value >> BigInt(24 * i)) & 0xffffffn));
}

// Scratch space, wiped after each use: nothing here is re-entrant, and nothing here waits.
const left = new Int32Array(LIMBS);
const right = new Int32Array(LIMBS);
const spare = new Int32Array(LIMBS);
const first = new Float64Array(LIMBS);
const second = new Float64Array(LIMBS);
const wide = new Float64Array(2 * LIMBS + 1);

function wipeScratch(): void {
  for (const scratch of [left, right, spare, first, second, wide]) scratch.fill(0);
}

/** Bytes into limbs: 32 of them into eleven limbs, up to 64 into `wide`. The rest of `out` is zero already. */
function load(out: Int32Array | Float64Array, bytes: Uint8Array, littleEndian: boolean): void {
  const { length } = bytes;
  const last = length - 1;
  for (let at = 0, limb = 0; at < length; at += 3, limb++) {
    const b0 = bytes[littleEndian ? at : last - at]!;
    const b1 = at + 1 < length ? bytes[littleEndian ? at + 1 : last - at - 1]! : 0;
    const b2 = at + 2 < length ? bytes[littleEndian ? at + 2 : last - at - 2]! : 0;
    out[limb] = b0 | (b1 << 8) | (b2 << 16);
  }
}

/** The 32 bytes of `left`. */
function store(littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let at = 0, limb = 0; at < 32; at += 3, limb++) {
    const digits = left[limb]!;
    bytes[littleEndian ? at : 31 - at] = digits;
    bytes[littleEndian ? at + 1 : 30 - at] = digits >>> 8;
    if (at + 2 < 32) bytes[littleEndian ? at + 2 : 29 - at] = digits >>> 16;
  }
  return bytes;
}

/** left − q into `spare`; 1 when left < q, else 0. */
function borrowAfterSubtraction(q: Int32Array): number {
  let borrow = 0;
  for (let i = 0; i < LIMBS; i++) {
    const difference = (left[i]! - q[i]! - borrow) | 0;
    borrow = difference >>> 31;
    spare[i] = difference & MASK;
  }
  return borrow;
}

/** For left below 2q: its value modulo q, chosen without a branch. */
function subtractOnce(q: Int32Array): void {
  const keep = ~(borrowAfterSubtraction(q) - 1);
  for (let i = 0; i < LIMBS; i++) left[i] = (left[i]! & keep) | (spare[i]! & ~keep);
}

/** first·second into `wide`. */
function multiplyLimbs(): void {
  wide.fill(0);
  for (let i = 0; i < LIMBS; i++) {
    const digit = first[i]!;
    for (let j = 0; j < LIMBS; j++) wide[i + j] = wide[i + j]! + digit * second[j]!;
  }
}

/** wide·R⁻¹ mod q into `first`, below 2q, for wide < q·R. Source: Montgomery 1985, "REDC". */
function reduceWide({ factors, negatedInverse }: Modulus): void {
  for (let i = 0; i < LIMBS; i++) {
    const digit = wide[i]! - Math.floor(wide[i]! * INVERSE_BASE) * BASE;
    const product = digit * negatedInverse;
    const factor = product - Math.floor(product * INVERSE_BASE) * BASE;
    for (let j = 0; j < LIMBS; j++) wide[i + j] = wide[i + j]! + factor * factors[j]!;
    wide[i + 1] = wide[i + 1]! + wide[i]! * INVERSE_BASE;
  }
  for (let i = 0; i < LIMBS; i++) {
    const carry = Math.floor(wide[LIMBS + i]! * INVERSE_BASE);
    first[i] = wide[LIMBS + i]! - carry * BASE;
    wide[LIMBS + i + 1] = wide[LIMBS + i + 1]! + carry;
  }
}

/** wide·R⁻¹, then times R² times R⁻¹: the plain value modulo q. */
function finishMultiplication(modulus: Modulus, littleEndian: boolean): Uint8Array {
  reduceWide(modulus);
  second.set(modulus.squaredRadix);
  multiplyLimbs();
  reduceWide(modulus);
  left.set(first);
  return finish(modulus, littleEndian);
}

/** left, below 2q, modulo q as bytes. */
function finish(modulus: Modulus, littleEndian: boolean): Uint8Array {
  subtractOnce(modulus.limbs);
  const result = store(littleEndian);
  wipeScratch();
  return result;
}

/** Whether 32 bytes, read as an integer, are below the modulus. */
export function isBelow(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): boolean {
  load(left, bytes, littleEndian);
  const below = borrowAfterSubtraction(modulus.limbs);
  wipeScratch();
  return below === 1;
}

/** a + b mod q; 32 canonical bytes each. */
export function addModulo(modulus: Modulus, a: Uint8Array, b: Uint8Array, littleEndian: boolean): Uint8Array {
  load(left, a, littleEndian);
  load(right, b, littleEndian);
  let carry = 0;
  for (let i = 0; i < LIMBS; i++) {
    const sum = (left[i]! + right[i]! + carry) | 0;
    carry = sum >> 24;
    left[i] = sum & MASK;
  }
  return finish(modulus, littleEndian);
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
  // a − b + q lies in 1 … 2q−1; single carries may be negative, the last is not.
  for (let i = 0; i < LIMBS; i++) {
    const sum = (left[i]! - right[i]! + q[i]! + carry) | 0;
    carry = sum >> 24;
    left[i] = sum & MASK;
  }
  return finish(modulus, littleEndian);
}

/** a·b mod q; 32 canonical bytes each. */
export function multiplyModulo(
  modulus: Modulus,
  a: Uint8Array,
  b: Uint8Array,
  littleEndian: boolean,
): Uint8Array {
  load(first, a, littleEndian);
  load(second, b, littleEndian);
  multiplyLimbs();
  return finishMultiplication(modulus, littleEndian);
}

/** bytes mod q, for up to 64 bytes. */
export function reduceModulo(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): Uint8Array {
  load(wide, bytes, littleEndian);
  return finishMultiplication(modulus, littleEndian);
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  let value = 0n;
  for (let i = 3; i >= 0; i--) {
    value =
      (value << 64n) | (littleEndian ? view.getBigUint64(8 * i, true) : view.getBigUint64(24 - 8 * i, false));
  }
  return value;
}
