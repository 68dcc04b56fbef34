// @module-tag long
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Parameters } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { createCeremony, type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { alice, type KeyedServers, messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { backUpStoppedServer } from '../server/backups/back-up-server.js';
import { openStorage } from '../server/database/open-storage.js';
import { previewRestore, restoreServer } from '../server/backups/restore-server.js';
import { random } from '../test/rooms.js';
import { CHEAP, type TestServer } from '../test/test-server.js';
import { createRestores, type Restores, words } from './test/restores.js';
import { writeBackupFile } from './write-backup-file.js';

const servers: TestServer[] = [];
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const VARIABLES = { CKM_ALLOW_INSPECT: '1' };
const alpha = () => servers[0]!;

let keyed: KeyedServers;
/** What every test begins with: backups of alpha under their names, and what had been sent to it before they were made. */
let made: {
  readonly folder: string;
  /** A message that was dated ahead, and answered. */
  readonly ahead: Uint8Array;
  /** A request that the operator had approved. */
  readonly approved: Parameters<'request.ask'>;
};
let restores: Restores;

beforeAll(async () => {
  keyed = await startWithKey(servers, { approval: 'operator' });
  await oldCeremony();
  const approved = await approvedRequest();
  const ahead = await messageAhead();
  const folder = mkdtempSync(join(tmpdir(), 'ckm-backups-'));
  await alpha().server.close();
  for (const name of ['alpha.backup', 'other']) await backUp(join(folder, name));
  await withSettings(REACHING_OUT, () => backUp(join(folder, 'settings')));
  await alpha().restart();
  made = { folder, ahead, approved };
}, 60_000);
afterAll(async () => {
  for (const server of servers) await server.remove();
  rmSync(made.folder, { recursive: true });
});
beforeEach(() => {
  restores = createRestores(servers, () => keyed.keyId);
  cpSync(made.folder, restores.folder, { recursive: true });
});
afterEach(() => restores.remove());

async function backUp(file: string): Promise<void> {
  const nowMs = () => alpha().now * 1_000;
  const how = { passphraseCost: CHEAP, hasEpochKeys: true, variables: VARIABLES, nowMs };
  const options = { passphrase: words(), ...how };
  await writeBackupFile(file, await backUpStoppedServer(alpha().dataDir, options), words());
}

const REACHING_OUT = {
  tls: { certificateFile: '/etc/a.pem', keyFile: '/etc/a.key' },
  notify: { command: ['/bin/tell', 'me'], webhook: { url: 'https://example.org/secret-path' } },
};

async function withSettings(more: object, work: () => Promise<void>): Promise<void> {
  const path = join(alpha().dataDir, 'config.json');
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(before) as object), ...more }));
  await work();
  writeFileSync(path, before);
}

/** A ceremony at alpha whose memory has lain in the folder for two hours. */
async function oldCeremony(): Promise<void> {
  const callees = servers.map((server, i) => ({ name: ['alpha', 'bravo'][i]!, call: server.as(alice).ask }));
  const ceremony = createCeremony({ servers: callees, needed: 2, expiresAt: alpha().now + 600 });
  while (ceremony.packets.length < 2) await ceremony.next();
  const twoHoursAgo = Date.now() / 1_000 - 7_200;
  for (const name of sessionFiles()) utimesSync(join(liveFolder(), name), twoHoursAgo, twoHoursAgo);
}

const sessionFiles = () => readdirSync(liveFolder()).filter((name) => name.startsWith('session-'));

async function approvedRequest(): Promise<Parameters<'request.ask'>> {
  const requestId = random(32);
  const rest = { keyId: keyed.keyId, epoch: 0, attempt: null, wanted: null, expiresAt: alpha().now + 600 };
  const asked = { ...messageOf('approved before'), ...rest, requestId };
  await alpha().as(alice).ask('request.ask', asked);
  await keyed.operator.approve({ requestId: encodeHex(requestId) });
  return asked;
}

async function messageAhead(): Promise<Uint8Array> {
  const client = alpha().as(alice);
  const date = alpha().now + 59;
  const bytes = client.seal('key.list', { after: null }, { date, expiresAt: alpha().now + 290 });
  expect((await client.post(bytes)).status).toBe(200);
  return bytes;
}

const dataDir = () => join(restores.folder, 'restored');
const liveFolder = () => join(alpha().dataDir, 'epoch-keys');

function snapshotOf(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('hex')]),
  );
}

describe('a folder of epoch keys that a live server uses', () => {
  test('is written into by no restore: it is refused before anything is written, in its preview too', async () => {
    const before = snapshotOf(liveFolder());
    const variables = { ...VARIABLES, CKM_EPOCH_KEYS: liveFolder() };
    for (const restore of [restoreServer, previewRestore]) {
      await expect(restore(restores.options({ variables }))).rejects.toThrow(code('BACKUP_KEYS_USED'));
    }
    expect(snapshotOf(liveFolder())).toEqual(before);
    expect(existsSync(dataDir())).toBe(false);
  });

  test('is refused also while there is no key in it yet, by its mark', async () => {
    const folder = join(restores.folder, 'keys');
    mkdirSync(folder, { mode: 0o700 });
    cpSync(join(liveFolder(), 'mark'), join(folder, 'mark'));
    const variables = { ...VARIABLES, CKM_EPOCH_KEYS: folder };
    await expect(restoreServer(restores.options({ variables }))).rejects.toThrow(code('BACKUP_KEYS_USED'));
    expect(readdirSync(folder)).toEqual(['mark']);
  });

  test('is used by no server that was restored elsewhere: it does not start, and destroys no ceremony’s memory', async () => {
    await restoreServer(restores.options());
    const before = snapshotOf(liveFolder());
    expect(sessionFiles().length).toBeGreaterThan(0);
    const started = restores.start(async ({ server }) => server.sweep(), {
      variables: { CKM_EPOCH_KEYS: liveFolder() },
    });
    await expect(started).rejects.toThrow(code('EPOCH_KEYS_OF_OTHERS'));
    expect(snapshotOf(liveFolder())).toEqual(before);
  });
});

describe('a restore into a folder of epoch keys elsewhere', () => {
  let folder: string;
  const options = (more = {}) =>
    restores.options({ variables: { ...VARIABLES, CKM_EPOCH_KEYS: folder }, ...more });
  beforeEach(async () => {
    folder = join(restores.folder, 'keys');
    mkdirSync(folder, { mode: 0o700 });
  });

  test('leaves nothing there when it fails, and keys that sign when it does not', async () => {
    const progress = () => {
      if (readdirSync(folder).some((name) => name.length === 64)) throw new Error('cut short');
    };
    await expect(restoreServer(options({ progress }))).rejects.toThrow('cut short');
    expect(existsSync(join(dataDir(), 'config.json'))).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
    await restoreServer(options());
    expect(readdirSync(folder)).toHaveLength(1);
    await restores.start(
      async ({ client }) =>
        expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] }),
      { variables: { CKM_EPOCH_KEYS: folder } },
    );
    expect(readdirSync(folder)).toContain('mark');
  });

  test('keeps a second one away while it writes, which removes nothing of the first', async () => {
    const second = join(restores.folder, 'second');
    let refused: Promise<unknown> | undefined;
    const progress = () => {
      if (readdirSync(folder).some((name) => name.length === 64))
        refused ??= restoreServer(options({ dataDir: second })).catch((error: unknown) => error);
    };
    await restoreServer(options({ progress }));
    expect(await refused).toMatchObject({ code: 'BACKUP_KEYS_USED' });
    expect(existsSync(second)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(1);
    await restores.start(
      async ({ client }) =>
        expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] }),
      { variables: { CKM_EPOCH_KEYS: folder } },
    );
  });

  test('keeps a second one away from its empty folder too, whose failure would empty it', async () => {
    const elsewhere = join(restores.folder, 'keys of the second');
    mkdirSync(elsewhere, { mode: 0o700 });
    const variables = { ...VARIABLES, CKM_EPOCH_KEYS: elsewhere };
    let refused: Promise<unknown> | undefined;
    const progress = () => {
      if (existsSync(join(folder, 'restoring')))
        refused ??= restoreServer(restores.options({ variables })).catch((error: unknown) => error);
    };
    await restoreServer(options({ progress }));
    expect(await refused).toMatchObject({ code: 'DATA_DIR_USED' });
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(readdirSync(dataDir())).toEqual(
      expect.arrayContaining(['config.json', 'identity', 'storage.key']),
    );
    expect(readdirSync(dataDir())).not.toContain('restoring');
  });

  test('that fails over what one left there that was cut short leaves that, and is repeated', async () => {
    const whole = await leaveAsKilled();
    for (const [name, content] of Object.entries(whole))
      writeFileSync(join(folder, name), Buffer.from(content, 'hex'), { mode: 0o600 });
    const progress = (step: string) => {
      if (step === 'write') throw new Error('cut short again');
    };
    await expect(restoreServer(options({ progress }))).rejects.toThrow('cut short again');
    for (const name of Object.keys(whole)) expect(readdirSync(folder)).toContain(name);
    await restoreServer(options());
    expect(snapshotOf(folder)).toMatchObject(whole);
  });

  test('that was cut short is repeated with the same backup, and with no other', async () => {
    const whole = await leaveAsKilled();
    const other = restoreServer(options({ file: join(restores.folder, 'other') }));
    await expect(other).rejects.toThrow(code('BACKUP_KEYS_USED'));
    await restoreServer(options());
    const { mark: _mark, ...restored } = snapshotOf(folder);
    for (const [name, content] of Object.entries(whole)) expect(restored[name]).toBe(content);
    expect(Object.keys(restored)).not.toContain('restoring');
  });

  /** What a restore leaves there that is killed while it writes: what it writes itself, and half a key. @returns the keys */
  async function leaveAsKilled(): Promise<Readonly<Record<string, string>>> {
    const kept = join(restores.folder, 'kept');
    const progress = () => {
      if (existsSync(join(folder, 'restoring'))) cpSync(folder, kept, { recursive: true });
    };
    await restoreServer(options({ progress }));
    const whole = snapshotOf(folder);
    rmSync(dataDir(), { recursive: true });
    rmSync(folder, { recursive: true });
    cpSync(kept, folder, { recursive: true });
    const [name] = Object.keys(whole);
    rmSync(join(folder, name!), { force: true });
    writeFileSync(join(folder, `${name}.0123456789abcdef.new`), 'half', { mode: 0o600 });
    return whole;
  }
});

describe('a restored server', () => {
  test('asks its operator again for what he had approved and had not been answered: its owner may have taken it back', async () => {
    const { approved } = made;
    const live = await alpha().as(alice).ask('request.ask', approved);
    expect(live.state).toBe('ready');
    await restoreServer(restores.options());
    await restores.start(async ({ client, dataDir: folder, tellHead }) => {
      await tellHead();
      expect(await client.ask('request.ask', approved)).toMatchObject({ state: 'waiting' });
      const { requests } = await connectOperator(folder).requests();
      expect(requests).toMatchObject([{ requestId: encodeHex(approved.requestId) }]);
      expect(requests[0]!.shown).not.toBeNull();
    });
  });

  test('refuses a message that was dated ahead and answered before the restore, and says until when', async () => {
    await restoreServer(restores.options({ nowMs: () => (alpha().now + 20) * 1_000 }));
    await restores.start(
      async ({ server, client: restored, log }) => {
        const answer = await restored.post(made.ahead);
        expect(answer.status).toBe(410);
        expect(new TextDecoder().decode(answer.bytes)).toContain('wait 21 seconds');
        const ready = await server.app.fetch(new Request('http://alpha/readyz'));
        expect([ready.status, await ready.json()]).toEqual([
          503,
          { status: 'restored', refusesForSeconds: 21 },
        ]);
        expect(log()).toContain('messages are refused for 21 s');
      },
      { nowMs: () => (alpha().now + 60) * 1_000 },
    );
  });

  test('whose restore was made by a clock that was a day ahead answers again when its operator accepts the clock', async () => {
    await restoreServer(restores.options({ nowMs: () => (alpha().now + 86_400) * 1_000 }));
    const list = { after: null };
    await expect(restores.start(async () => undefined)).rejects.toThrow(code('CLOCK_BEHIND'));
    const accepting = { variables: { CKM_ACCEPT_CLOCK: '1' } };
    await restores.start(async ({ client }) => {
      await expect(client.ask('key.list', list)).rejects.toThrow('MESSAGE_BEFORE_RESTORE');
    }, accepting);
    await restores.start(
      async ({ client }) =>
        expect(await client.ask('key.list', list)).toMatchObject({ keys: [{ state: 'active' }] }),
      { nowMs: () => (alpha().now + 190) * 1_000 },
    );
  });

  test('is previewed with both clocks and every setting that reaches outside of its folder, without the path of a webhook', async () => {
    const file = join(restores.folder, 'settings');
    const nowMs = () => (alpha().now - 5) * 1_000;
    const preview = await previewRestore(restores.options({ file, nowMs }));
    expect(preview.now).toBe(alpha().now - 5);
    expect(preview.contents.takenAt).toBeGreaterThan(preview.now);
    expect(preview.settings).toEqual([
      { name: 'notify.command', value: '/bin/tell me' },
      { name: 'notify.webhook.url', value: 'https://example.org/…' },
      { name: 'tls.certificateFile', value: '/etc/a.pem' },
      { name: 'tls.keyFile', value: '/etc/a.key' },
    ]);
    expect(existsSync(dataDir())).toBe(false);
  });
});

describe.skipIf(postgresPrograms() === null)('with PostgreSQL (skipped when it is not installed)', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());

  test('a restore that was cut short between its commit and config.json is repeated with the same backup, and with no other', async () => {
    const url = await cluster.createDatabase();
    const variables = { ...VARIABLES, CKM_DATABASE_URL: url };
    await restoreServer(restores.options({ variables }));
    rmSync(dataDir(), { recursive: true });
    const other = join(restores.folder, 'other');
    const withOther = restoreServer(restores.options({ variables, file: other }));
    await expect(withOther).rejects.toThrow(code('BACKUP_DATABASE_USED'));
    // A minute later: the old server may have answered until then.
    const nowMs = () => (alpha().now + 120) * 1_000;
    await restoreServer(restores.options({ variables, nowMs }));
    const storage = await openStorage({ dataDir: dataDir(), databaseUrl: url });
    const head = await storage.read(({ audit }) => audit.head());
    await storage.close();
    await restores.start(
      async ({ client }) =>
        expect(client.ask('key.list', { after: null })).rejects.toThrow('MESSAGE_BEFORE_RESTORE'),
      { variables, nowMs: () => (alpha().now + 150) * 1_000 },
    );
    await restores.start(
      async ({ client, dataDir: folder }) => {
        expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] });
        const lines = await connectOperator(folder).audit({ from: head!.sequence });
        expect(lines.map(({ deed }) => deed)).toEqual(['server.restore', 'server.start', 'server.start']);
      },
      { variables, nowMs: () => (alpha().now + 190) * 1_000 },
    );
    rmSync(dataDir(), { recursive: true });
    const ofStarted = restoreServer(restores.options({ variables }));
    await expect(ofStarted).rejects.toThrow(code('BACKUP_DATABASE_USED'));
  });
});
