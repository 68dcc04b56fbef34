const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA4 = 0x4e;
const OP_1NEGATE = 0x4f;
const OP_1 = 0x51;
const OP_16 = 0x60;

/** What a script of nothing but pushes pushes. */
export interface Pushes {
  /** The first of them, as many as were asked for. */
  readonly first: readonly Uint8Array[];
  readonly count: number;
  /** Of all of them. */
  readonly bytes: number;
}

/** No script runs with more than this on its stack. Source: Bitcoin Core, MAX_STACK_SIZE */
const MOST_ON_STACK = 1_000;

/** All that a script pushes; `null` for a script of anything else, or of more than any script may push. */
export function readPushes(script: Uint8Array): readonly Uint8Array[] | null {
  const pushes = countPushes(script, MOST_ON_STACK);
  return pushes === null || pushes.count > MOST_ON_STACK ? null : pushes.first;
}

/**
 * What a script of nothing but pushes pushes, whichever opcodes it uses; `null` for any other script.
 * @param most so many become values of their own: a script of a megabyte may push a million times
 */
export function countPushes(script: Uint8Array, most: number): Pushes | null {
  const first: Uint8Array[] = [];
  let [count, bytes] = [0, 0];
  for (let at = 0; at < script.length; count++) {
    const opcode = script[at]!;
    at += 1;
    if (opcode > OP_PUSHDATA4) {
      const number = numberOf(opcode);
      if (number === null) return null;
      if (count < most) first.push(Uint8Array.of(number));
      bytes += 1;
      continue;
    }
    const width = opcode < OP_PUSHDATA1 ? 0 : 1 << (opcode - OP_PUSHDATA1);
    if (at + width > script.length) return null;
    const length = width === 0 ? opcode : lengthOf(script.subarray(at, at + width));
    at += width;
    if (length > script.length - at) return null;
    if (count < most) first.push(script.subarray(at, at + length));
    bytes += length;
    at += length;
  }
  return { first, count, bytes };
}

/** The one byte that an opcode for a small number pushes. */
function numberOf(opcode: number): number | null {
  if (opcode === OP_1NEGATE) return 0x81;
  return opcode >= OP_1 && opcode <= OP_16 ? opcode - OP_1 + 1 : null;
}

function lengthOf(littleEndian: Uint8Array): number {
  return littleEndian.reduceRight((sum, byte) => sum * 256 + byte, 0);
}
