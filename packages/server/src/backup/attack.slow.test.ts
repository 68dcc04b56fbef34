import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backUpStoppedServer } from '../server/backups/back-up-server.js';
import { initServer } from '../server/setup/init-server.js';
import { restoreServer } from '../server/backups/restore-server.js';
import { startServer } from '../server/start-server.js';
import { openKeyFile } from '../vault/passphrase.js';
import { checkBackup } from './check-backup.js';
import { createFrameKey } from './frames.js';
import { openBackup } from './read-backup.js';
import { writeBackupFile } from './write-backup-file.js';

const VARIABLES = { CKM_ALLOW_INSPECT: '1' };
const CHEAP = { logN: 10, r: 8, p: 1 };
const words = (text = 'olive canyon ferret') => secret(encodeUtf8(text));
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-backup-attack-'));
  for (const name of ['alpha', 'bravo']) {
    const listen = { host: '127.0.0.1', port: 0 };
    await initServer({ dataDir: at(name), settings: { name, listen } });
    // Only a server that ran once has a database to back up.
    const logDestination = { write: () => undefined };
    await (await startServer({ dataDir: at(name), variables: VARIABLES, logDestination })).close();
  }
  await make('alpha', 'one');
  await make('alpha', 'two');
  await make('bravo', 'other');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function make(server: string, file: string): Promise<void> {
  const options = { passphrase: words(), passphraseCost: CHEAP, hasEpochKeys: true, variables: VARIABLES };
  await writeBackupFile(at(file), await backUpStoppedServer(at(server), options), words());
}

/** Where the frames of a backup are: from the length of one to the length of the next. */
function framesOf(bytes: Buffer): readonly (readonly [number, number])[] {
  const magic = 'CKM backup 1\n'.length;
  const frames: (readonly [number, number])[] = [];
  for (let start = magic + 4 + bytes.readUInt32BE(magic) + 16; start < bytes.length;) {
    const end = start + 4 + bytes.readUInt32BE(start);
    frames.push([start, end]);
    start = end;
  }
  return frames;
}

/** What a restore of these bytes says; nothing may be written. */
async function restoreOf(bytes: Uint8Array, passphrase = words()): Promise<unknown> {
  writeFileSync(at('changed'), bytes);
  const before = readdirSync(folder);
  try {
    return await restoreServer({
      file: at('changed'),
      dataDir: at('restored'),
      passphrase,
      variables: VARIABLES,
    });
  } finally {
    expect(readdirSync(folder)).toEqual(before);
  }
}

const read = (name: string) => readFileSync(at(name));
const piece = (bytes: Buffer, [start, end]: readonly [number, number]) => bytes.subarray(start, end);

test('whoever has the storage key, and not the passphrase, opens no part of a backup', async () => {
  const bytes = read('one');
  const [first] = framesOf(bytes);
  const backup = await openBackup(at('one'), words());
  const header = new Uint8Array(bytes.subarray(0, first![0]));
  const frame = new Uint8Array(bytes.subarray(first![0] + 4, first![1]));
  const frameKey = await openKeyFile(backup.header.frameKey, words());
  expect(createFrameKey(frameKey, header).open(frame, false).length).toBeGreaterThan(0);
  expect(() => createFrameKey(backup.storageKey, header).open(frame, false)).toThrow(code('BACKUP_CHANGED'));
  expect(reveal(frameKey.key, 'test')).not.toEqual(reveal(backup.storageKey.key, 'test'));
  await backup.close();
});

describe('a backup that somebody has changed is refused before anything is written:', () => {
  test('cut short at every place', async () => {
    const bytes = read('one');
    const frames = framesOf(bytes);
    const starts = frames.flatMap(([start, end]) => [start, start + 2, start + 4, end - 1]);
    for (const length of [1, 12, 13, 16, 17, 60, frames[0]![0] - 1, ...starts]) {
      await expect(restoreOf(bytes.subarray(0, length)), `${length} bytes`).rejects.toThrow(
        code('BACKUP_CUT_SHORT'),
      );
    }
    await expect(restoreOf(bytes.subarray(0, 0))).rejects.toThrow(code('BACKUP_NONE'));
  });

  test('with any byte of its beginning changed', async () => {
    const bytes = read('one');
    const end = framesOf(bytes)[0]![0];
    for (let i = 0; i < end; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1;
      // Its length too: then it is too long for the file, or its check fails.
      const codes = i < 13 ? ['BACKUP_NONE'] : ['BACKUP_CHANGED', 'BACKUP_CUT_SHORT'];
      const refused = await restoreOf(changed).catch((error: { code: string }) => error.code);
      expect(codes, `byte ${i}`).toContain(refused);
    }
  });

  test('with any byte behind its beginning changed', { tags: 'slow' }, async () => {
    const bytes = read('one');
    copyFileSync(at('one'), at('changed'));
    const backup = await openBackup(at('changed'), words());
    for (let i = framesOf(bytes)[0]![0]; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1 << (i % 8);
      writeFileSync(at('changed'), changed);
      const refused = await checkBackup(backup).catch((error: { code: string }) => error.code);
      expect(['BACKUP_CHANGED', 'BACKUP_CUT_SHORT'], `byte ${i}`).toContain(refused);
    }
    await backup.close();
  });

  test.each<readonly [string, (frames: readonly Buffer[], others: readonly Buffer[]) => readonly Buffer[]]>([
    ['two parts exchanged', ([a, b, ...rest]) => [b!, a!, ...rest]],
    ['one part left out', ([a, , ...rest]) => [a!, ...rest]],
    ['one part twice', ([a, b, ...rest]) => [a!, b!, b!, ...rest]],
    ['its last part left out', (frames) => frames.slice(0, -1)],
    ['its last part twice', (frames) => [...frames, frames.at(-1)!]],
    ['only its last part', (frames) => frames.slice(-1)],
    ['a part of an earlier backup of the same server', ([a, , ...rest], [, b]) => [a!, b!, ...rest]],
    [
      'the end of an earlier backup of the same server',
      (frames, others) => [...frames.slice(0, -1), others.at(-1)!],
    ],
    ['something behind its end', (frames) => [...frames, Buffer.from('more')]],
  ])('%s', async (_what, change) => {
    const [bytes, earlier] = [read('two'), read('one')];
    const header = bytes.subarray(0, framesOf(bytes)[0]![0]);
    const parts = (all: Buffer) => framesOf(all).map((frame) => piece(all, frame));
    const changed = Buffer.concat([header, ...change(parts(bytes), parts(earlier))]);
    const refused = await restoreOf(changed).catch((error: { code: string }) => error.code);
    expect(['BACKUP_CHANGED', 'BACKUP_CUT_SHORT']).toContain(refused);
  });

  test.each(['one', 'other'])(
    'the beginning of one backup before the parts of another (%s)',
    async (name) => {
      const [bytes, foreign] = [read('two'), read(name)];
      const header = foreign.subarray(0, framesOf(foreign)[0]![0]);
      const changed = Buffer.concat([header, bytes.subarray(framesOf(bytes)[0]![0])]);
      await expect(restoreOf(changed)).rejects.toThrow(code('BACKUP_CHANGED'));
    },
  );

  test('a file that is something else, a folder, or nothing', async () => {
    await expect(restoreOf(Buffer.from('SQLite format 3\0'))).rejects.toThrow(code('BACKUP_NONE'));
    const restore = (file: string) =>
      restoreServer({ file: at(file), dataDir: at('restored'), passphrase: words(), variables: VARIABLES });
    await expect(restore('alpha')).rejects.toThrow(code('BACKUP_NONE'));
    await expect(restore('nothing')).rejects.toThrow(code('BACKUP_UNREADABLE'));
    expect(existsSync(at('restored'))).toBe(false);
  });

  test('with another passphrase; it says that one set later is not the one', async () => {
    await expect(restoreOf(read('one'), words('olive canyon weasel'))).rejects.toMatchObject({
      code: 'PASSPHRASE_WRONG',
      message: expect.stringContaining('the one that it was made with') as string,
      hint: expect.stringContaining('the one that it had then') as string,
    });
  });
});
