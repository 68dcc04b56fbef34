const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA4 = 0x4e;
const OP_1NEGATE = 0x4f;
const OP_1 = 0x51;
const OP_16 = 0x60;

/** What a script of nothing but pushes pushes, whichever opcodes it uses; `null` for any other script. */
export function readPushes(script: Uint8Array): readonly Uint8Array[] | null {
  const pushes: Uint8Array[] = [];
  for (let at = 0; at < script.length;) {
    const opcode = script[at]!;
    at += 1;
    if (opcode > OP_PUSHDATA4) {
      const number = numberOf(opcode);
      if (number === null) return null;
      pushes.push(Uint8Array.of(number));
      continue;
    }
    const width = opcode < OP_PUSHDATA1 ? 0 : 1 << (opcode - OP_PUSHDATA1);
    if (at + width > script.length) return null;
    const length = width === 0 ? opcode : lengthOf(script.subarray(at, at + width));
    at += width;
    if (length > script.length - at) return null;
    pushes.push(script.subarray(at, at + length));
    at += length;
  }
  return pushes;
}

/** The one byte that an opcode for a small number pushes. */
function numberOf(opcode: number): number | null {
  if (opcode === OP_1NEGATE) return 0x81;
  return opcode >= OP_1 && opcode <= OP_16 ? opcode - OP_1 + 1 : null;
}

function lengthOf(littleEndian: Uint8Array): number {
  return littleEndian.reduceRight((sum, byte) => sum * 256 + byte, 0);
}
