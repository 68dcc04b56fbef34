import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JOB_STEPS } from '@ckm/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { createKey, openSetup, type ServerProcess, type Setup } from '../test/run-server.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/drills.md'), 'utf8');
/** The command lines of docs/drills.md that begin a line of an example, without their remarks. */
const LINES = [...PAGE.matchAll(/^(?:0 3 \* \* \* {2})?(ckm .*?)(?: {2,}.*)?$/gm)].map(([, line]) => line!);

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup({ asProcesses: true });
  await createKey(setup, 'notes', '--for', 'message');
}, 120_000);
afterAll(() => setup.close());

/** As typed on the page. */
const ckm = (line: string, more: readonly string[] = [], timeout = '10'): Promise<Outcome> =>
  callCkm([...line.split(' ').slice(1), ...more, '--timeout', timeout], { environment: setup.environment });

const keysAt = (name: string) => setup.json<readonly object[]>(['server', 'keys', setup.folderOf(name)]);

test('every command of docs/drills.md is one of those run here', () => {
  expect(LINES).toEqual([
    'ckm drill restore notes --lost bravo',
    'ckm drill restore notes --lost bravo --preview',
    'ckm drill restore notes --lost bravo --due',
    'ckm drill restore notes --every 90d',
    'ckm drill restore notes --every never',
    'ckm drill clear',
    'ckm status',
    'ckm key show notes',
    'ckm drill restore notes --lost bravo --due --no-input',
  ]);
});

test('ckm drill restore says what was shown and what was not, and nothing of it is left but its date', async () => {
  const planned = await ckm('ckm drill restore notes --lost bravo --preview');
  expect(planned.stdout).toBe('nothing was sent or written\n');
  expect(planned.stderr).toMatch(
    /Drill +bravo is lost, and is made again\n.*With +a key made for this drill by alpha, bravo, charlie/,
  );
  const done = await ckm('ckm drill restore notes --lost bravo', ['--no-input']);
  const told = done.stderr.split('\n').filter((line) => line.startsWith('  drill · '));
  const steps = JOB_STEPS.drill.map((text, i) => `  drill · ${i + 1} of ${JOB_STEPS.drill.length} · ${text}`);
  expect(told.map((line) => line.split(' · ').slice(0, 3).join(' · '))).toEqual(steps);
  expect(done.stdout).toMatch(
    new RegExp(
      [
        '^notes: bravo was made again by the others, and signed',
        'ok +made +a key for this drill, 2 of 3, by every server of notes',
        'ok +lost +bravo forgot its share of it, as if its disk had died',
        'ok +given back +by alpha and charlie; the share that came is the one that was certified',
        'ok +signed +by .*, with that share; the signature was checked here',
        'ok +forgotten +at every server',
        '- +not touched +any share of notes',
        '- +not shown +that every server still has its share of notes: ckm key check notes',
        '- +not shown +that the backup of bravo can be read: its operator, with ckm server drill FOLDER --backup FILE',
        'next drill .* \\(in 1(79|80) d\\)',
      ].join('\\n +'),
    ),
  );
  expect(done.status).toBe(0);
  for (const name of ['alpha', 'bravo', 'charlie']) expect(await keysAt(name)).toHaveLength(1);
  expect(await setup.json(['key', 'list'])).toHaveLength(1);
  expect((await ckm('ckm status')).stdout).toMatch(
    /notes .*\n +epoch 0 since [\d-]{10}, never refreshed; never checked; drilled [\d-]{10} \(bravo\)/,
  );
  expect((await ckm('ckm key show notes')).stdout).toMatch(/^ +Drilled +bravo was made again, /m);
  const { drills } = await setup.json<{ drills: readonly object[] }>(['key', 'show', 'notes']);
  expect(drills).toEqual([{ at: expect.any(Number), epoch: 0, server: 'bravo', way: 'peers', code: null }]);
  const log = await callCkm(['server', 'audit', 'show', setup.folderOf('bravo')], {
    environment: setup.environment,
  });
  expect(log.stdout).toContain('Forget a key (ed25519) of a drill, share and all.');
});

test('a calendar drills only what is due, and its owner says how often that is', async () => {
  for (const line of [
    'ckm drill restore notes --lost bravo --due',
    'ckm drill restore notes --lost bravo --due --no-input',
  ]) {
    const early = await ckm(line);
    expect(early.stdout).toMatch(/^notes: next drill /);
    expect(early.status).toBe(0);
  }
  expect((await ckm('ckm drill restore notes --every never')).stdout).toBe('notes: is not to be drilled\n');
  expect((await ckm('ckm drill restore notes --lost bravo --due')).stdout).toBe(
    'notes: is not to be drilled\n',
  );
  expect((await ckm('ckm drill restore notes --every 90d')).stdout).toMatch(
    /^notes: next drill .*in (89|90) d/,
  );
  for (const line of ['ckm drill restore notes', 'ckm drill restore notes --lost bravo --every 9d'])
    expect(errorOf(await ckm(line)).code).toBe('OPTION_INVALID');
});

test('a server that does not answer is waited for, and the same command goes on with the drill', async () => {
  const { pid } = setup.servers['charlie'] as unknown as ServerProcess;
  process.kill(pid, 'SIGSTOP');
  const cut = await ckm('ckm drill restore notes --lost bravo', [], '2');
  expect(errorOf(cut)).toMatchObject({ code: 'DRILL_NOT_OVER' });
  expect(cut.stderr).toContain('ckm drill restore notes --lost bravo');
  expect(cut.status).toBe(69);
  expect((await ckm('ckm status', [], '2')).stdout).toContain(
    'drill of bravo not over: ckm drill restore notes --lost bravo',
  );
  process.kill(pid, 'SIGCONT');
  const done = await ckm('ckm drill restore notes --lost bravo');
  expect(done.stderr).toContain('bravo is lost, and is made again (under way)');
  expect(done.stdout).toMatch(/^notes: bravo was made again by the others, and signed/);
  expect(done.status).toBe(0);
});

test('ckm drill clear says at which servers how many keys of drills were forgotten', async () => {
  expect((await ckm('ckm drill clear', ['--preview'])).stdout).toMatch(
    /alpha +would forget 0 keys of drills/,
  );
  const done = await ckm('ckm drill clear');
  expect(done.stdout).toMatch(
    /alpha +forgot 0 keys of drills\n.*bravo +forgot 0 keys[^]*charlie +forgot 0 keys/,
  );
  expect(done.status).toBe(0);
});

test('where every server is needed there is nothing to rehearse, and it says what to do instead', async () => {
  await setup.json([
    'key',
    'create',
    'pair',
    '--for',
    'message',
    '--quorum',
    '2of2',
    '--servers',
    'alpha,bravo',
    '--yes',
  ]);
  const outcome = await ckm('ckm drill restore pair --lost bravo');
  expect(errorOf(outcome)).toMatchObject({ code: 'DRILL_IMPOSSIBLE' });
  expect(outcome.status).toBe(75);
});
