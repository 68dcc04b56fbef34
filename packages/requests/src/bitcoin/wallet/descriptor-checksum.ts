import { UsageError } from '@ckm/foundation';

/** Every letter a descriptor may hold, in the order its checksum counts them. */
const INPUT =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

function polymod(state: bigint, value: number): bigint {
  const top = state >> 35n;
  const shifted = ((state & 0x7ffffffffn) << 5n) ^ BigInt(value);
  return GENERATOR.reduce((sum, word, bit) => ((top >> BigInt(bit)) & 1n ? sum ^ word : sum), shifted);
}

/**
 * The descriptor followed by `#` and its eight letters. @throws UsageError `DESCRIPTOR_INVALID`
 * Source: BIP-380, "Checksum"
 */
export function withChecksum(descriptor: string): string {
  let state = 1n;
  let group = 0;
  let inGroup = 0;
  for (const letter of descriptor) {
    const position = INPUT.indexOf(letter);
    if (position < 0) {
      throw new UsageError('a descriptor holds a letter it may not', {
        code: 'DESCRIPTOR_INVALID',
        hint: 'use the letters of BIP-380',
      });
    }
    state = polymod(state, position & 31);
    group = group * 3 + (position >> 5);
    if (++inGroup === 3) {
      state = polymod(state, group);
      group = 0;
      inGroup = 0;
    }
  }
  if (inGroup > 0) state = polymod(state, group);
  for (let i = 0; i < 8; i++) state = polymod(state, 0);
  state ^= 1n;
  const letters = Array.from(
    { length: 8 },
    (_, i) => CHECKSUM[Number((state >> BigInt(5 * (7 - i))) & 31n)]!,
  );
  return `${descriptor}#${letters.join('')}`;
}
