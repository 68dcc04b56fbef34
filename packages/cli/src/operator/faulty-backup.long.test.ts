// @module-tag long
import { DatabaseSync } from 'node:sqlite';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

/** A server with two keys, stopped. */
let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
  for (const name of ['notes', 'files']) await createKey(setup, name, '--for', 'message');
  await setup.servers['alpha']!.stop();
}, 60_000);
afterAll(() => setup.close());

const keysIn = (dataDir: string) =>
  readdirSync(join(dataDir, 'epoch-keys'))
    .filter((name) => name.length === 64)
    .map((name) => join(dataDir, 'epoch-keys', name)) as [string, string];

function inDatabase(dataDir: string, sql: string): void {
  const database = new DatabaseSync(join(dataDir, 'ckm.sqlite'));
  database.exec(sql);
  database.close();
}

test.each<[string, string, (dataDir: string) => void]>([
  ['an epoch key is missing', 'EPOCH_KEY_MISSING', (dataDir) => rmSync(keysIn(dataDir)[0])],
  ['an epoch key is that of another key', 'ROW_TAMPERED', (dataDir) => copyFileSync(...keysIn(dataDir))],
  [
    'a row was changed in the database',
    'ROW_TAMPERED',
    (dataDir) => inDatabase(dataDir, 'UPDATE accounts SET version = version + 1'),
  ],
])('a backup in which %s says so, and is set apart from the good ones', async (what, code, damage) => {
  const place = join(setup.scratch.path, what.replaceAll(' ', '-'));
  const [dataDir, backups] = [join(place, 'alpha'), join(place, 'backups')];
  cpSync(setup.folderOf('alpha'), dataDir, { recursive: true });
  mkdirSync(backups);
  damage(dataDir);
  const passphrase = setup.scratch.file('backup-passphrase', 'olive canyon ferret\n');
  const words = ['server', 'backup', dataDir, backups, '--passphrase-file', passphrase];
  const { status, stdout, stderr } = await callCkm(words);
  expect([status, stderr]).toEqual([74, expect.stringContaining(`ckm: code: ${code}`)]);
  const [name] = readdirSync(backups);
  expect(name).toMatch(/^alpha-20[-\dTZ]+\.faulty\.backup$/);
  expect(stdout).toContain(join(backups, name!));
});
