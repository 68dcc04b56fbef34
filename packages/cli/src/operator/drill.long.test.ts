// @module-tag long
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

let setup: Setup;
let passphrase: string;

beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo'] });
  passphrase = setup.scratch.file('backup-passphrase', 'olive canyon ferret\n');
  await createKey('notes');
}, 60_000);
afterAll(() => setup.close());

const createKey = (name: string) =>
  setup.json([
    'key',
    'create',
    name,
    '--for',
    'message',
    '--quorum',
    '2of2',
    '--servers',
    'alpha,bravo',
    '--yes',
  ]);
const fileOf = (name: string) => join(setup.scratch.path, `${name}.backup`);
const operate = (...args: readonly string[]) => callCkm(['server', ...args, '--passphrase-file', passphrase]);
const drill = (name: string, ...more: readonly string[]) =>
  operate('drill', setup.folderOf('alpha'), '--backup', fileOf(name), ...more);

async function backUp(server: string, name: string, ...more: readonly string[]): Promise<void> {
  const outcome = await operate('backup', setup.folderOf(server), fileOf(name), ...more);
  expect(outcome.status, outcome.stderr).toBe(0);
}

test('a drill says that a backup would bring every share back, dates that, and writes nothing else', async () => {
  await backUp('alpha', 'good');
  const { status, stdout, stderr } = await drill('good');
  expect(status, stderr).toBe(0);
  expect(stdout).toContain(
    'a restore would bring back every share: 1 key, each compared with its certificate',
  );
  const { stdout: now } = await callCkm(['server', 'status', setup.folderOf('alpha')]);
  expect(now).toMatch(/^last drill +(?!none)/m);
  const { stdout: log } = await callCkm(['server', 'audit', 'show', setup.folderOf('alpha'), '--json']);
  expect(log).toMatch(/operator\.drill.*backup [0-9a-f]{8} of .*: 1 whole/s);
});

test('a drill with a backup without epoch keys, of another server, cut short, or with another passphrase is told what is wrong with it', async () => {
  await backUp('alpha', 'archive', '--without-epoch-keys');
  const archive = await drill('archive');
  expect(archive.status).toBe(74);
  expect(archive.stdout).toContain('a restore would bring back 0 of 1 share');
  expect(archive.stdout).toContain('the key of its epoch is not in the backup');
  expect(archive.stderr).toContain('DRILL_NOT_WHOLE');

  await backUp('bravo', 'bravos');
  expect(await drill('bravos')).toMatchObject({ stderr: expect.stringContaining('DRILL_OTHER_SERVER') });
  writeFileSync(fileOf('cut'), readFileSync(fileOf('good')).subarray(0, -40));
  expect(await drill('cut')).toMatchObject({ stderr: expect.stringMatching(/BACKUP_(CUT_SHORT|CHANGED)/) });
  const other = setup.scratch.file('other-passphrase', 'ferret canyon olive\n');
  const args = [
    'server',
    'drill',
    setup.folderOf('alpha'),
    '--backup',
    fileOf('good'),
    '--passphrase-file',
    other,
  ];
  expect(await callCkm(args)).toMatchObject({ stderr: expect.stringContaining('PASSPHRASE_WRONG') });
});

test('a drill with a backup from before a key, or from before its last refresh, says which share it lacks', async () => {
  await createKey('later');
  const { status, stdout } = await drill('good', '--json');
  expect(status).toBe(74);
  const verdicts = (text: string) =>
    (JSON.parse(text) as { keys: { verdict: string }[] }).keys.map(({ verdict }) => verdict).toSorted();
  expect(verdicts(stdout)).toEqual(['missing', 'whole']);
  await setup.json(['key', 'refresh', 'notes', '--yes']);
  expect(verdicts((await drill('good', '--json')).stdout)).toEqual(['missing', 'otherEpoch']);
  await backUp('alpha', 'newest');
  expect(verdicts((await drill('newest', '--json')).stdout)).toEqual(['whole', 'whole']);
});
