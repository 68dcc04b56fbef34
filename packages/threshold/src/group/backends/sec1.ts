/** Whether an encoding of an element starts as SEC 1 §2.3.3 writes a compressed point; libraries read other forms too. */
export function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === 2 || bytes[0] === 3;
}

/** The compressed form (33 bytes) of an uncompressed point (65 bytes). */
export function compress(bytes: Uint8Array): Uint8Array {
  const compressed = bytes.slice(0, 33);
  compressed[0] = 2 + (bytes[64]! & 1);
  return compressed;
}
