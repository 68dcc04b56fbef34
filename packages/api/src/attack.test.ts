import { StateError } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { fromProblem, toProblem } from './problem.js';

test('a server whose refusals hide what follows, forge lines or turn text around shows as one odd line', () => {
  const text = 'no\u001b[8m\u009b2J\nok  alpha\u202e \u200bfine';
  const error = fromProblem(toProblem(new StateError(text, { code: 'SESSION_OVER', hint: text })));
  const shown = 'no\u{fffd}[8m\u{fffd}2J\u{fffd}ok  alpha\u{fffd} \u{fffd}fine';
  expect([error.message, error.hint]).toEqual([shown, shown]);
});
