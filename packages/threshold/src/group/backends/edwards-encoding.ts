/** Encoding of the identity (0, 1) of Edwards25519. */
export const EDWARDS_IDENTITY: Uint8Array = Uint8Array.of(1, ...new Uint8Array(31));

/**
 * Whether 32 bytes are canonical as an encoding of y (smaller than p = 2^255 − 19) with y other than ±1: those are the
 * two points with x = 0, of which one encoding would be a second spelling.
 * Source: RFC 8032 §5.1.3
 */
export function isPlausibleEdwards(bytes: Uint8Array): boolean {
  const top = bytes[31]! & 0x7f;
  let middleOnes = top === 0x7f;
  let middleZeros = top === 0;
  for (let i = 1; i < 31; i++) {
    middleOnes &&= bytes[i] === 0xff;
    middleZeros &&= bytes[i] === 0;
  }
  // 0xec, ff…ff, 7f is p − 1; everything above is −1 or not canonical. 01, 00…00 is 1.
  return !(middleOnes && bytes[0]! >= 0xec) && !(middleZeros && bytes[0] === 1);
}

/** −(x, y) = (−x, y): the sign bit flipped, for a point other than the identity. */
export function negateEdwards(bytes: Uint8Array): Uint8Array {
  const negated = bytes.slice();
  negated[31] = negated[31]! ^ 0x80;
  return negated;
}
