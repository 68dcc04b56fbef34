import type { OperatorKeyPolicy } from '@ckm/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { foldLines } from '../terminal/fold-lines.js';
import { createTerminal } from '../terminal/terminal.js';
import { formatPolicy } from './format-policy.js';

const terminal = createTerminal({
  json: false,
  quiet: false,
  color: false,
  trueColor: false,
  input: false,
  direct: false,
});
const DAY = 86_400;
const NOON = 1_795_953_600;
beforeEach(() => void vi.useFakeTimers({ now: NOON * 1_000, toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const HEADS = ['its owner', 'you', 'this server (strict)'];
const LABELS = ['kinds', 'rate', 'until', 'blind signing', 'approval', 'delay of changes'];

function policyOf(tightening: Partial<OperatorKeyPolicy['tightening']>): OperatorKeyPolicy {
  return {
    keyId: '2a'.repeat(32),
    owner: '3b'.repeat(32),
    purpose: 'ssh',
    suite: 'ed25519',
    quorum: { needed: 2, of: 3 },
    slot: 1,
    state: 'active',
    createdAt: NOON,
    stoppedAt: null,
    exportedAt: null,
    isExportedElsewhere: false,
    frozen: null,
    transcriptHash: null,
    owned: {
      kinds: ['ssh', 'git'],
      rateLimit: { count: 10, perSeconds: 3_600 },
      expiresAt: NOON + 365 * DAY,
      blindAllowed: false,
      approval: 'automatic',
    },
    terms: [],
    thawWaits: null,
    tightening: {
      kinds: null,
      rateLimit: null,
      expiresAt: null,
      blindAllowed: true,
      approval: 'automatic',
      changeDelay: 0,
      stoppedAt: null,
      ...tightening,
    },
    server: {
      kinds: null,
      rateLimit: null,
      blindAllowed: true,
      approval: 'automatic',
      changeDelay: 0,
      name: 'strict',
    },
  };
}

/** Without the lines around it, as a terminal of so many columns shows it. */
function tableOn(columns: number, policy: OperatorKeyPolicy): string[] {
  const lines = foldLines(formatPolicy({ ...terminal, columns }, policy), columns).split('\n');
  const start = lines.findIndex((line) => /^ {2}\S/.test(line));
  return lines.slice(start, lines.indexOf('', start));
}

const LONG = policyOf({ expiresAt: NOON + 183 * DAY, kinds: ['git'], approval: 'operator' });

test('what is allowed stands under the head of who allows it, where there is room', () => {
  const [heads, ...rows] = tableOn(120, LONG);
  const at = HEADS.map((head) => heads!.indexOf(head));
  expect(at.every((column) => column > 0)).toBe(true);
  expect(rows.map((row) => row.slice(2, at[0]).trim())).toEqual(LABELS);
  const cells = rows.map((row) => at.map((column, i) => row.slice(column, at[i + 1]).trim()));
  expect(cells[0]).toEqual(['ssh, git', 'git', 'all']);
  expect(cells[2]).toEqual(['2027-11-29 12:00 UTC (in 365 d)', '2027-05-31 12:00 UTC (in 183 d)', 'always']);
  expect(cells[4]).toEqual(['automatic', 'operator', 'automatic']);
});

test.each([60, 80])('and behind it on %i columns, in rows of which none is broken', (columns) => {
  const lines = tableOn(columns, LONG);
  const expected = LABELS.flatMap((label) => [label, ...HEADS]);
  expect(lines.map((line, i) => line.trim().slice(0, expected[i]!.length))).toEqual(expected);
  expect(lines.slice(8, 12)).toEqual([
    '  until',
    '      its owner             2027-11-29 12:00 UTC (in 365 d)',
    '      you                   2027-05-31 12:00 UTC (in 183 d)',
    '      this server (strict)  always',
  ]);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
});

test('a short one stands side by side on 60 columns too', () => {
  const short = policyOf({ rateLimit: { count: 1, perSeconds: 3_600 } });
  const usual = {
    ...short,
    owned: { ...short.owned, expiresAt: null },
    server: { ...short.server, name: null },
  };
  expect(tableOn(60, usual)[0]).toBe('  allowed by        its owner  you        this server');
});
