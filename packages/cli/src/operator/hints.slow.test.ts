import { initServer, startServer } from '@ckm/server';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Scratch, scratchFolder } from '../test/run-ckm.js';

let scratch: Scratch;
let folder: string;
let close: () => Promise<void>;

beforeAll(async () => {
  scratch = scratchFolder();
  folder = join(scratch.path, 'alpha');
  const settings = { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } };
  await initServer({ dataDir: folder, settings });
  const variables = { CKM_ALLOW_INSPECT: '1' };
  const logDestination = { write: () => undefined };
  ({ close } = await startServer({ dataDir: folder, variables, logDestination }));
});
afterAll(async () => {
  await close();
  scratch.remove();
});

const hintOf = async (...args: readonly string[]) => errorOf(await callCkm(['server', ...args])).hint;

test('the help of a backup and of a restore says whose passphrase the file holds', async () => {
  const helpOf = async (...args: readonly string[]) => (await callCkm(['server', ...args, '--help'])).stdout;
  expect(await helpOf('restore')).toMatch(
    /--passphrase-file <file> +first line is the passphrase of the backup/,
  );
  expect(await helpOf('backup')).toMatch(/first line is the passphrase of the backup; of a\s+sealed server/);
  expect(await helpOf('unseal')).toMatch(/first line opens the storage key of the server/);
});

test('a restore into a folder that holds something is refused before anybody types a passphrase', async () => {
  const outcome = await callCkm(['server', 'restore', scratch.file('any.backup', ''), folder, '--no-input']);
  expect(errorOf(outcome).code).toBe('DATA_DIR_USED');
});

describe('a hint of an operator’s command runs as it stands', () => {
  test.each([
    [['start', 'alpha'], 'ckm server stop alpha'],
    [['approve', 'alpha', 'abcd'], 'ckm server requests alpha'],
    [['approve', 'alpha', 'x'], 'ckm server requests alpha'],
    [['policy', 'show', 'alpha', 'ffff'], 'ckm server keys alpha'],
    [['policy', 'show', 'alpha', 'x'], 'ckm server keys alpha'],
    [['accounts', 'suspend', 'alpha', 'ffff'], 'ckm server accounts list alpha'],
    [['reject', 'alpha', '--account', 'ffff', '--reason', 'no'], 'ckm server accounts list alpha'],
    [['invite', 'revoke', 'alpha', 'zzzz'], 'ckm server invite list alpha'],
    [['invite', 'revoke', 'alpha', 'ffff'], 'ckm server invite list alpha'],
  ])('%j', async (args, command) => {
    const hint = await hintOf(...args.map((word) => (word === 'alpha' ? folder : word)));
    expect(hint.endsWith(`: ${command.replace('alpha', folder)}`), hint).toBe(true);
  });

  test('where no server runs, or none was made there', async () => {
    const bravo = join(scratch.path, 'bravo');
    await initServer({ dataDir: bravo, settings: { name: 'bravo' } });
    expect(await hintOf('status', bravo)).toBe(
      `check the path, or start the server: ckm server start ${bravo}`,
    );
    const other = join(scratch.path, 'no such folder');
    mkdirSync(other, { mode: 0o700 });
    const expected = `check the path, or make a server there: ckm server init '${other}' --name NAME`;
    for (const command of ['status', 'start', 'keys']) expect(await hintOf(command, other)).toBe(expected);
  });
});
