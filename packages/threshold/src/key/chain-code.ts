/** The chain code of a key that has no children: no key that has some has this one. */
export const NO_CHAIN_CODE: Uint8Array = new Uint8Array(32);

/** Whether children may be derived from a key with this chain code. */
export function hasChildren(chainCode: Uint8Array): boolean {
  return chainCode.some((byte) => byte !== 0);
}
