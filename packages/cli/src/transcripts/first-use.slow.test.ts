import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { errorOf, treeHash } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const hasScript = hasProgram('script', '--version');
const SERVERS = 'alpha,bravo,charlie';

let setup: Setup;
let home: string;

beforeAll(async () => {
  setup = await openSetup({ settings: { quota: { keys: 3 } } });
  home = setup.environment['CKM_HOME']!;
  await createKey(setup, 'notes', '--for', 'message');
  await createKey(setup, 'treasury', '--for', 'bitcoin');
}, 120_000);
afterAll(() => setup.close());

test('ckm requests, with none, says which signatures leave none', async () => {
  const none = await setup.ckm(['requests']);
  expect([none.stdout, none.stderr]).toEqual([
    'no requests\n',
    expect.stringContaining('what servers signed at once is not kept'),
  ]);
});

describe('a passphrase that does not open the seed', () => {
  test.each([['status'], ['doctor']])(
    'ends ckm %s at once, with the status of an access error, and blames no server',
    async (command) => {
      const wrong = setup.scratch.file('wrong', 'not the right one\n');
      const outcome = await setup.ckm([command, '--passphrase-file', wrong]);
      expect([outcome.status, errorOf(outcome).code, outcome.stdout]).toEqual([77, 'PASSPHRASE_WRONG', '']);
      expect(outcome.stderr).not.toContain('alpha');
    },
  );

  test.skipIf(!hasScript)('is asked for again, and one slip ends nothing (needs script)', async () => {
    const environment = { CKM_HOME: home };
    const seen = await runOnTerminal(
      ['key', 'list'],
      [
        [/Passphrase of the owner seed/, 'river lamp\r'],
        [/does not open the owner seed: try again \(2 more\)[\s\S]*Passphrase/, 'river lamp seven onions\r'],
      ],
      environment,
    );
    expect([seen.status, seen.screen]).toEqual([0, expect.stringMatching(/notes +message +2 of 3/)]);
  });

  test.skipIf(!hasScript)(
    'can be corrected while it is typed, and is never shown (needs script)',
    async () => {
      const keys = 'no such word\u0015river lamp sevenXé\u007f\u007f onions\r';
      const prompt = /Passphrase of the owner seed/;
      const seen = await runOnTerminal(['key', 'list'], [[prompt, keys]], { CKM_HOME: home });
      expect([seen.status, seen.screen]).toEqual([0, expect.stringMatching(/notes +message +2 of 3/)]);
      // A likeness on the screen may have any word of its list, but no two with a space between.
      for (const typed of ['river lamp', 'sevenX', 'onions', 'no such'])
        expect(seen.raw).not.toContain(typed);
    },
  );

  test.skipIf(!hasScript)(
    'is not asked for again when somebody leaves with Ctrl-C (needs script)',
    async () => {
      const prompt = /Passphrase of the owner seed/;
      const seen = await runOnTerminal(['key', 'list'], [[prompt, 'river\u0003']], { CKM_HOME: home });
      expect([seen.status, seen.screen]).toEqual([75, expect.stringContaining('you left the question')]);
    },
  );

  test.skipIf(!hasScript)(
    'a new one says its rule first, and is asked for again when it is too short or mistyped (needs script)',
    async () => {
      const environment = { CKM_HOME: join(setup.scratch.path, 'fresh') };
      const good = 'window tiger eleven pears\r';
      const seen = await runOnTerminal(
        ['init'],
        [
          [/Passphrase for the owner seed/, 'short\r'],
          [/at least 12 characters: try again \(2 more\)[\s\S]*Passphrase for/, good],
          [/The same again/, 'another one altogether\r'],
          [/the two passphrases differ: try again \(1 more\)[\s\S]*Passphrase for/, good],
          [/The same again/, good],
          [/Words \d+ and \d+ of what you wrote down/, 'not these\r'],
          [/not what was shown: try again \(2 more\)[\s\S]*Words/, '\u0003'],
        ],
        environment,
      );
      expect(seen.screen.replace(/\s+/g, ' ')).toContain(
        '(12 characters or more; five random words are good; Tab shows it, and then once is enough)',
      );
      expect(seen.screen).toContain('Write these 24 words down');
      expect(seen.screen.replace(/\s+/g, ' ')).toContain('they are shown again by: ckm seed backup');
      expect(seen.screen).toContain('owner seed made in');
    },
  );
});

describe('a preview', () => {
  test('of ckm server remove refuses what the command refuses', async () => {
    const outcome = await setup.ckm(['server', 'remove', 'alpha', '--preview']);
    expect([outcome.status, errorOf(outcome).code]).toEqual([64, 'SERVER_IN_USE']);
  });

  test('of ckm sessions cancel refuses a session that is over', async () => {
    const [{ id }] = await setup.json<[{ id: string }]>(['sessions', 'list']);
    for (const act of ['cancel', 'resume']) {
      const outcome = await setup.ckm(['sessions', act, id, '--preview']);
      expect(errorOf(outcome).code).toBe('SESSION_OVER');
    }
  });
});

describe('an address', () => {
  const next = (...flags: string[]) =>
    setup.json<{ index: number; address: string }>(['address', 'treasury', ...flags]);

  test('is another one each time, and --index brings an old one back', async () => {
    const first = await next();
    const second = await next();
    expect([first.index, second.index]).toEqual([0, 1]);
    expect(second.address).not.toBe(first.address);
    expect((await next('--index', '0')).address).toBe(first.address);
    expect((await setup.ckm(['address', 'treasury'])).stderr).toMatch(
      /^ {2}receive #2 {3}bc1p( \w{1,4})+\n {15}never handed out here before$/m,
    );
  });

  test('previewed is not handed out', async () => {
    const before = treeHash(home);
    const { index } = await next('--preview');
    expect(treeHash(home)).toBe(before);
    expect((await next()).index).toBe(index);
  });
});

test('a key that expired says so in status, key list and doctor', async () => {
  await createKey(setup, 'brief', '--for', 'message', '--expires', '2s');
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  expect((await setup.ckm(['status'])).stdout).toMatch(
    /brief +message +2 of 3 +expired \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
  );
  expect((await setup.ckm(['key', 'list'])).stdout).toMatch(/brief.* expired \d{4}/);
  expect((await setup.ckm(['doctor'])).stdout).toMatch(/warn +brief +has expired by its policy/);
  const refused = await setup.ckm(['sign', 'brief', '--message', 'late', '--yes']);
  expect(errorOf(refused).code).toBe('POLICY_KEY_EXPIRED');
});

test('a key that a server has no room for leaves no session behind', async () => {
  const create = ['key', 'create', 'fourth', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS];
  const outcome = await setup.ckm([...create, '--yes']);
  expect(errorOf(outcome).code).toBe('QUOTA_KEYS');
  expect(await setup.json(['sessions', 'list', '--open'])).toEqual([]);
});

test('with --quiet and --yes nothing but the signature is said, unless there is something to hesitate at', async () => {
  const outcome = await setup.ckm(['sign', 'notes', '--message', 'hello', '--yes', '--quiet']);
  expect([outcome.status, outcome.stderr]).toEqual([0, '']);
  expect(outcome.stdout).toMatch(/^[0-9a-f]{128}\n$/);
});

test('with -q an address is the one line on stdout, and nothing is said beside it', async () => {
  const outcome = await setup.ckm(['address', 'treasury', '-q']);
  expect([outcome.status, outcome.stderr]).toEqual([0, '']);
  expect(outcome.stdout).toMatch(/^bc1p[0-9a-z]{58}\n$/);
});

test('what is said of a patience of nothing names the limits, and its hint runs as it stands', async () => {
  const refused = errorOf(await setup.ckm(['status', '--timeout', '0']));
  expect(refused.message).toBe('--timeout is not a number of seconds above 0 and up to 3600');
  const [, flag, seconds] = /^write for example (--timeout) (\d+)$/.exec(refused.hint)!;
  expect((await setup.ckm(['status', flag!, seconds!])).status).toBe(0);
});

describe.skipIf(!hasScript)('on a terminal (needs script)', () => {
  test('that is dumb there is not one escape sequence, and on a narrow one no word is broken', async () => {
    const dumb = await runOnTerminal(['status'], [], { ...setup.environment, TERM: 'dumb' });
    expect(dumb.raw).not.toContain('\u001b');
    const { screen } = await runOnTerminal(['server', 'list'], [], setup.environment, 60);
    const lines = screen.trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(screen).toMatch(/^ +(?:[a-z]+-){5}[a-z]+ [0-9a-f]{8}$/m);
  });

  test('without COLORTERM a picture keeps to 256 colours', async () => {
    const { raw } = await runOnTerminal(['key', 'show', 'notes'], [], setup.environment);
    expect(raw).toContain('\u001b[48;5;');
    expect(raw).not.toContain('\u001b[48;2;');
  });
});
