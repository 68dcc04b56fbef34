import { JOB_STEPS, type ProgressEvent } from '@ckm/client';
import { describe, expect, test } from 'vitest';
import { progressLine } from './progress-line.js';
import { textWidth } from './wrap-text.js';

const THREE = ['helsinki', 'frankfurt', 'basement'];
const SEVEN = [...THREE, 'amsterdam', 'backup-2', 'hosting-co', 'mothers'];
/** More than anybody has: the most that a key takes. */
const MOST = Array.from({ length: 32 }, (_, i) => `server-${i + 1}`);

const STEPS = Object.entries(JOB_STEPS).flatMap(([job, steps]) =>
  steps.map((text, i): Pick<ProgressEvent, 'job' | 'round' | 'of' | 'text'> => ({
    job: job as ProgressEvent['job'],
    round: i + 1,
    of: steps.length,
    text,
  })),
);

/** States of a step in which nobody is done, one is, all but one are, and all. */
function statesOf(step: (typeof STEPS)[number], names: readonly string[]): ProgressEvent[] {
  return [0, 1, names.length - 1, names.length].map((done) => ({
    ...step,
    id: '00bdea2a',
    stage: 'exchange',
    have: names.slice(0, done),
    waiting: names.slice(done),
  }));
}

describe.each([60, 80, 100])('on %i columns', (columns) => {
  test.each([
    ['three', THREE],
    ['seven', SEVEN],
    ['thirty-two', MOST],
  ])('every step of every job has its name, its number and its words, with %s servers', (_many, names) => {
    const states = STEPS.flatMap((step) => statesOf(step, names));
    for (const event of states) {
      const { job, round, of, text, have } = event;
      const line = progressLine(event, columns);
      const id = columns < 80 ? '' : ' 00bdea2a';
      expect(line.startsWith(`  ${job}${id} · ${round} of ${of} · ${text} · `), line).toBe(true);
      // Who is done or awaited stands there by name, or how many are.
      expect(line).toMatch(new RegExp(` (?:waiting: \\S.*|\\S+ ✓|${have.length} of ${names.length} ✓)$`));
      expect(textWidth(line)).toBeLessThan(columns);
    }
  });

  test('whoever is awaited last of seven is named', () => {
    const [step] = STEPS;
    const line = progressLine(statesOf(step!, SEVEN).at(-2)!, columns);
    expect(line.endsWith(' · waiting: mothers')).toBe(true);
  });
});

describe('a request', () => {
  const event = (have: readonly string[], waiting: readonly string[]): ProgressEvent => ({
    job: 'request',
    id: '00bdea2a',
    stage: 'sign',
    round: 1,
    of: 2,
    have,
    waiting,
    text: 'asking for shares',
  });

  test.each([
    [[], ['alpha', 'bravo', 'charlie'], 'waiting for 2 of alpha, bravo, charlie'],
    [['alpha'], ['bravo', 'charlie'], 'alpha ✓ · waiting for 1 of bravo, charlie'],
    [['alpha'], ['charlie'], 'alpha ✓ · waiting: charlie'],
    // Two tries at once, of which none is whole.
    [['alpha', 'bravo'], ['charlie'], 'alpha ✓ bravo ✓ · waiting: charlie'],
    [['alpha', 'charlie'], [], 'alpha ✓ charlie ✓'],
  ])('says how many of those asked have to sign: %j, %j', (have, waiting, said) => {
    expect(progressLine(event(have, waiting), 100)).toBe(`  request 00bdea2a · asking for shares · ${said}`);
  });

  test('counts shares against those needed where names have no room', () => {
    const long = MOST.map((name) => `${name}.example.org`);
    expect(progressLine(event(long.slice(0, 1), long.slice(1)), 60)).toBe(
      '  request · asking for shares · 1 of 2 ✓',
    );
  });
});

test('a line that fits nowhere is cut, and no name of a server moves the cursor', () => {
  const [event] = statesOf(STEPS[0]!, ['a\u001b[2Jb']);
  expect(progressLine(event!, 30)).toHaveLength(29);
  expect(progressLine(event!, 100)).not.toContain('\u001b');
});
