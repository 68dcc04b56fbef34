import { expect, test } from 'vitest';
import { onlyOpen } from './only-open.js';

const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

test('the only one that is open is meant when none is named', () => {
  expect(onlyOpen('session', [one!])).toBe('01'.repeat(32));
});

test.each(['session', 'request'] as const)(
  'of two %ss the hint says to name one, and how to find its id',
  (noun) => {
    expect(() => onlyOpen(noun, [one!, other!])).toThrow(
      expect.objectContaining({
        code: `${noun.toUpperCase()}_AMBIGUOUS`,
        message: `2 ${noun}s are open`,
        hint: `name one of them: ckm ${noun}s resume ID; their ids are listed by: ckm ${noun}s list --open`,
      }),
    );
    expect(() => onlyOpen(noun, [])).toThrow(
      expect.objectContaining({ code: `${noun.toUpperCase()}_UNKNOWN` }),
    );
  },
);
