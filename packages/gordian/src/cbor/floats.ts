const LOWEST_INTEGER = -(2 ** 63);
const ABOVE_INTEGERS = 2 ** 64;
/** Below this, halves are subnormal: multiples of 2^−24. */
const SMALLEST_NORMAL_HALF = 2 ** -14;
const LARGEST_HALF = 65_504;
const SUBNORMALS_IN_ONE = 2 ** 24;
const HALF_NAN = 0x7e00;
const HALF_INFINITY = 0x7c00;
const HALF_SIGN = 0x8000;
/** A single has 13 bits more of a fraction than a half, and its exponent is 112 higher. */
const FURTHER_BITS = 13;
const HIGHER_EXPONENT = 112 << 10;

const scratch = new DataView(new ArrayBuffer(4));

function singleBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/**
 * Whether dCBOR writes this number as an integer: no fraction, and from −2^63 to 2^64 − 1.
 * Source: draft-mcnally-deterministic-cbor, "Numeric Reduction".
 */
export function isInteger(value: number): boolean {
  return Number.isInteger(value) && value >= LOWEST_INTEGER && value < ABOVE_INTEGERS;
}

/** Bytes of the shortest IEEE 754 form that keeps the value: 2, 4 or 8. */
export function floatWidth(value: number): 2 | 4 | 8 {
  if (Number.isNaN(value) || isHalf(value)) return 2;
  return Math.fround(value) === value ? 4 : 8;
}

function isHalf(value: number): boolean {
  if (Math.fround(value) !== value) return false;
  const size = Math.abs(value);
  if (size < SMALLEST_NORMAL_HALF) return Number.isInteger(size * SUBNORMALS_IN_ONE);
  const hasFurtherBits = (singleBits(value) & ((1 << FURTHER_BITS) - 1)) !== 0;
  return size === Infinity || (size <= LARGEST_HALF && !hasFurtherBits);
}

/** Writes the shortest form, without its head. */
export function writeFloat(target: DataView, at: number, value: number): void {
  const width = floatWidth(value);
  if (width === 2) target.setUint16(at, halfBits(value));
  else if (width === 4) target.setFloat32(at, value);
  else target.setFloat64(at, value);
}

/** Of a number that is a half. */
function halfBits(value: number): number {
  if (Number.isNaN(value)) return HALF_NAN;
  const sign = value < 0 ? HALF_SIGN : 0;
  const size = Math.abs(value);
  if (size === Infinity) return sign | HALF_INFINITY;
  if (size < SMALLEST_NORMAL_HALF) return sign | (size * SUBNORMALS_IN_ONE);
  return sign | ((singleBits(size) >>> FURTHER_BITS) - HIGHER_EXPONENT);
}

/**
 * The float of 2, 4 or 8 bytes that stands at `at`; null unless it stands there as dCBOR writes it: shortest form, one NaN,
 * and no number that is an integer.
 */
export function readFloat(source: DataView, at: number, width: 2 | 4 | 8): number | null {
  const value = floatOf(source, at, width);
  if (Number.isNaN(value)) return width === 2 && source.getUint16(at) === HALF_NAN ? value : null;
  return isInteger(value) || floatWidth(value) !== width ? null : value;
}

function floatOf(source: DataView, at: number, width: 2 | 4 | 8): number {
  if (width === 8) return source.getFloat64(at);
  return width === 4 ? source.getFloat32(at) : halfFrom(source.getUint16(at));
}

function halfFrom(bits: number): number {
  const sign = bits & HALF_SIGN ? -1 : 1;
  const size = bits & (HALF_SIGN - 1);
  if (size > HALF_INFINITY) return Number.NaN;
  if (size === HALF_INFINITY) return sign * Infinity;
  const exponent = size >> 10;
  const fraction = size & 0x3ff;
  if (exponent === 0) return (sign * fraction) / SUBNORMALS_IN_ONE;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
