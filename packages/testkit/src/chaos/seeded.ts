import { createHash } from 'node:crypto';

/** Choices and bytes that follow from a seed alone, so that a schedule can be run again. Never for anything secret. */
export interface Seeded {
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** True once in `times` draws, on average. */
  oneIn(times: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** So many of them, in any order. */
  some<T>(items: readonly T[], count: number): readonly T[];
  bytes(length: number): Uint8Array;
  /** Another source, whose draws do not move this one. */
  fork(name: string): Seeded;
}

/** SHA-256 of seed and counter, block after block. */
export function createSeeded(seed: string): Seeded {
  let counter = 0;
  let block = Buffer.alloc(0);
  let at = 0;
  const byte = (): number => {
    if (at === block.length) {
      block = createHash('sha256').update(`${seed} ${counter++}`).digest();
      at = 0;
    }
    return block[at++]!;
  };
  const bytes = (length: number) => Uint8Array.from({ length }, byte);
  // Six bytes: a whole number that a double holds exactly; the bias of the remainder is below 2^-32.
  const whole = () => bytes(6).reduce((sum, next) => sum * 256 + next, 0);
  const below = (bound: number) => whole() % bound;
  const some = <T>(items: readonly T[], count: number): readonly T[] => {
    const left = [...items];
    return Array.from({ length: count }, () => left.splice(below(left.length), 1)[0]!);
  };
  return {
    below,
    bytes,
    oneIn: (times) => below(times) === 0,
    pick: (items) => items[below(items.length)]!,
    some,
    fork: (name) => createSeeded(`${seed}/${name}`),
  };
}
