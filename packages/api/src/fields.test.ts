import { expect, test } from 'vitest';
import { label } from './fields/fields.js';

test.each([
  ['a space of no width', 'alpha\u200b'],
  ['a line separator', 'alpha\u2028approved'],
  ['an Arabic letter mark', 'alpha\u061c'],
  ['an override that turns words around', '\u202eahpla'],
  ['an escape of the terminal', '\u001b[2J'],
  ['a letter that another machine may not know', '\u0378'],
])('label refuses %s', (_, text) => {
  expect(label(64).safeParse(text).success).toBe(false);
});

test('label takes what people write', () => {
  for (const text of ['', 'Zoë’s savings', '家族の鍵', 'laptop ❤️'])
    expect(label(64).safeParse(text).success).toBe(true);
});
