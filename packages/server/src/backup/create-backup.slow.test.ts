import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBackups } from '../server/backups/back-up-server.js';
import { restoreServer } from '../server/backups/restore-server.js';
import { openStorage } from '../server/database/open-storage.js';
import { backupLog, noteBegun, noteOver } from '../server/database/backup-marks.js';
import { recordOf } from '../sessions/test/lost-database.js';
import { alice, createBareServers, makeKey, messageOf } from '../sessions/test/bare-servers.js';
import { type BareServer, testPerson } from '../sessions/test/bare-server.js';
import { writeKey } from '../sessions/keys/stored/write-key.js';
import { changeKey } from '../sessions/keys/change-key.js';
import { random } from '../test/rooms.js';
import { writePrivateFile } from '../vault/key-file.js';
import { type BackupMeans, createBackup } from './create-backup.js';
import { words } from './test/restores.js';
import { writeBackupFile } from './write-backup-file.js';

const NOTHING_ASKED = { asksOperator: false, delay: 0 };

const network = createBareServers();
const CHEAP = { logN: 10, r: 8, p: 1 };
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-walk-'));
});
afterEach(async () => {
  await network.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a bare server is backed up with; `between` happens after each slice. */
function meansOf(
  { context }: BareServer,
  { seed, storageKey }: { readonly seed: Uint8Array; readonly storageKey: Uint8Array },
  between: () => Promise<void>,
): BackupMeans {
  const config = JSON.stringify({ name: 'alpha', listen: { host: '127.0.0.1', port: 1 } });
  return {
    ...context,
    name: 'alpha',
    isSealed: false,
    wentBack: null,
    files: [
      { name: 'identity', content: context.vault.sealFile('identity', seed) },
      { name: 'config.json', content: encodeUtf8(config) },
    ],
    storageKey: { epoch: 1, key: secret(storageKey.slice()) },
    assertSameKey: () => undefined,
    noteBegun: (transaction, now) => noteBegun(transaction, context.vault, now),
    noteOver: (transaction, begun) => noteOver(transaction, context.vault, begun),
    rest: between,
  };
}

test('a backup that is made while accounts, keys, policies and requests come, change and go is whole, and restored as it is', async () => {
  const own = { seed: random(32), storageKey: random(32) };
  const alpha = await network.open({ name: 'alpha', ...own });
  const bravo = await network.open({ name: 'bravo' });
  const callers = [await alpha.as(alice), await bravo.as(alice)];
  const { keyId, signer } = await makeKey(callers);
  const record = await recordOf(alpha, keyId);
  const { context, sessions } = alpha;
  const people = await Promise.all(
    [0xb0, 0xc0].map(async (number) => (await alpha.as(testPerson(number)), testPerson(number).xid)),
  );
  const add = (owner: Uint8Array, id = random(32)) =>
    context.storage.transact((transaction) =>
      writeKey(context, transaction, null, { owner, keyId: id, state: 'pending' }, record),
    );
  const before = [alice.xid, ...people].flatMap((owner) => Array.from({ length: 40 }, () => owner));
  const keys = await Promise.all(before.map((owner) => add(owner)));
  let turn = 0;
  const between = async () => {
    turn++;
    const late = testPerson(turn % 200);
    await alpha.as(late);
    await add(late.xid);
    await add(people[turn % 2]!);
    const gone = keys[turn]!;
    await context.storage.transact((transaction) =>
      changeKey(context, transaction, gone, { kind: 'void', expected: gone.version }),
    );
    const changed = (await context.storage.read((reader) => reader.keys.find(alice.xid, keyId)))!;
    await context.storage.transact((transaction) =>
      sessions.noteTightened(transaction, changed, {
        version: 0,
        stoppedAt: null,
        weighty: NOTHING_ASKED,
        frozen: null,
      }),
    );
    await signer.sign(messageOf(`turn ${turn}`), [1, 2]);
  };
  const file = join(folder, 'backup');
  const contents = await writeBackupFile(
    file,
    createBackup(meansOf(alpha, own, between), choices()),
    words(),
  );
  expect(turn).toBeGreaterThan(3);
  expect(contents).toMatchObject({ damaged: 0, keysMissing: 0, logFault: null });
  expect(contents.rows.keys).toBeGreaterThanOrEqual(keys.length + 1 - turn);
  expect(contents.log.sequence).toBeGreaterThan(contents.from);
  const noted = await context.storage.read((reader) => backupLog(reader, context.vault));
  const { entry, over } = noted!.begun[0]!;
  expect(entry).toBe(contents.from);
  // What came while it was made came before its end.
  expect(over).toBeGreaterThanOrEqual(contents.log.sequence);

  const dataDir = join(folder, 'restored');
  const variables = { CKM_ALLOW_INSPECT: '1' };
  const nowMs = () => (context.clock() + 1) * 1_000;
  await restoreServer({ file, dataDir, passphrase: words(), variables, nowMs });
  const restored = await openStorage({ dataDir, databaseUrl: null });
  const found = await restored.read(async ({ keys: all, bytesOf }) => ({
    keys: await all.listAll(null, 1_000),
    bytes: await bytesOf(alice.xid),
  }));
  await restored.close();
  expect(found.keys).toHaveLength(contents.rows.keys);
  expect(found.bytes).toBeGreaterThan(0);
  const names = new Set(found.keys.map((row) => encodeHex(row.keyId)));
  const untouched = keys.slice(turn + 1);
  expect(untouched.every((row) => names.has(encodeHex(row.keyId)))).toBe(true);
});

/** The backups of a server that runs, whose key file is this one. */
async function openBackups(state: { isKeyChanging: boolean } = { isKeyChanging: false }) {
  const own = { seed: random(32), storageKey: random(32) };
  const { context, dataDir } = await network.open({ name: 'alpha', ...own });
  writePrivateFile(join(dataDir, 'identity'), context.vault.sealFile('identity', own.seed));
  writeFileSync(join(dataDir, 'config.json'), '{"name":"alpha"}', { mode: 0o600 });
  const key = () => ({ epoch: 1, key: secret(own.storageKey.slice()) });
  const source = { sealed: false, open: async () => ({ current: key(), earlier: null }) };
  return createBackups(context, { source, passphraseCost: CHEAP, isKeyChanging: () => state.isKeyChanging });
}
const choices = () => ({ passphrase: words(), passphraseCost: CHEAP, hasEpochKeys: true });

test('a second backup is refused while one is made, and not for ever when that one is given up', async () => {
  const backups = await openBackups();
  for (const giveUp of [async () => undefined, (pieces: AsyncIterator<Uint8Array>) => pieces.next()]) {
    const pieces = (await backups.begin(choices()))[Symbol.asyncIterator]();
    await expect(backups.begin(choices())).rejects.toThrow(code('BACKUP_UNDER_WAY'));
    await giveUp(pieces);
    await pieces.return!();
  }
  const whole = await writeBackupFile(join(folder, 'backup'), await backups.begin(choices()), words());
  expect(whole.name).toBe('alpha');
});

test('a backup is refused while the storage key is changed, ends when that begins in the middle, and leaves no file', async () => {
  const state = { isKeyChanging: false };
  const backups = await openBackups(state);
  const pieces = await backups.begin(choices());
  state.isKeyChanging = true;
  await expect(writeBackupFile(join(folder, 'backup'), pieces, words())).rejects.toThrow(
    code('BACKUP_KEY_CHANGING'),
  );
  expect(readdirSync(folder)).toEqual([]);
  await expect(backups.begin(choices())).rejects.toThrow(code('BACKUP_KEY_CHANGING'));
  state.isKeyChanging = false;
  const whole = await writeBackupFile(join(folder, 'backup'), await backups.begin(choices()), words());
  expect(whole.damaged).toBe(0);
});

test('rows that somebody has changed in the database are backed up as they are, counted, and said', async () => {
  const own = { seed: random(32), storageKey: random(32) };
  const alpha = await network.open({ name: 'alpha', ...own });
  const { context } = alpha;
  await alpha.as(alice);
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.accounts.find(alice.xid))!;
    await transaction.accounts.update({ ...row, version: row.version + 1 });
  });
  const means = meansOf(alpha, own, () => Promise.resolve());
  const contents = await writeBackupFile(join(folder, 'backup'), createBackup(means, choices()), words());
  expect(contents).toMatchObject({ damaged: 1, rows: { accounts: 1 } });
});

test('an epoch key that somebody made readable for others is in the backup, one that is no key file is not, and both are named', async () => {
  const own = { seed: random(32), storageKey: random(32) };
  const alpha = await network.open({ name: 'alpha', ...own });
  const bravo = await network.open({ name: 'bravo' });
  const callers = [await alpha.as(alice), await bravo.as(alice)];
  for (let i = 0; i < 3; i++) await makeKey(callers);
  const keys = join(alpha.dataDir, 'epoch-keys');
  const [exposed, swollen] = readdirSync(keys).toSorted();
  chmodSync(join(keys, exposed!), 0o644);
  writeFileSync(join(keys, swollen!), new Uint8Array(5_000));
  const means = meansOf(alpha, own, () => Promise.resolve());
  const contents = await writeBackupFile(join(folder, 'backup'), createBackup(means, choices()), words());
  expect(contents).toMatchObject({ keysMissing: 1, damaged: 0, rows: { shares: 3 } });
  expect(contents.keyFaults.count).toBe(2);
  expect(contents.keyFaults.some).toEqual(
    expect.arrayContaining([
      { name: `epoch-keys/${exposed}`, code: 'KEY_FILE_EXPOSED' },
      { name: `epoch-keys/${swollen}`, code: 'KEY_FILE_DAMAGED' },
    ]),
  );
});

test('a backup is never put over a file that was made under its name while it was written', async () => {
  const backups = await openBackups();
  const file = join(folder, 'backup');
  const pieces = await backups.begin(choices());
  const written = writeBackupFile(file, pieces, words(), (step) => {
    if (step === 'check') writeFileSync(file, 'of somebody else');
  });
  await expect(written).rejects.toThrow(code('BACKUP_EXISTS'));
  expect(readFileSync(file, 'utf8')).toBe('of somebody else');
  expect(readdirSync(folder)).toEqual(['backup']);
});
