import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../../control/connect-operator.js';
import { person, tamperWith } from '../../test/rooms.js';
import { CHEAP, PASSPHRASE, startTestServer, type TestServer } from '../../test/test-server.js';
import { backUpStoppedServer } from '../backups/back-up-server.js';
import { verifyAuditLog } from '../verify-audit-log.js';

const variables = { CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'debug' };

let alpha: TestServer;
const at = (...names: string[]) => join(alpha.dataDir, ...names);
const database = () => at('ckm.sqlite');

/** A server that ran, answered two people, and was stopped; two keys of shares lie beside its database. */
beforeEach(async () => {
  alpha = await startTestServer();
  await alpha.as(person(1)).join();
  await alpha.as(person(2)).join();
  await alpha.server.close();
  for (const digit of ['a', 'b']) writeFileSync(at('epoch-keys', digit.repeat(64)), 'x', { mode: 0o600 });
});
afterEach(() => alpha.remove());

interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly remedy: { readonly kind: string } | null;
}
const saidBy = (work: Promise<unknown>): Promise<Said> =>
  work.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: Said) => error,
  );

async function backUp(): Promise<void> {
  const passphrase = secret(encodeUtf8(PASSPHRASE));
  await backUpStoppedServer(alpha.dataDir, {
    passphrase,
    passphraseCost: CHEAP,
    hasEpochKeys: true,
    variables,
  });
}

function removeDatabase(): void {
  for (const name of readdirSync(alpha.dataDir).filter((one) => one.startsWith('ckm.sqlite')))
    rmSync(at(name));
}

describe('a database that is lost', () => {
  test.each([
    ['gone', 'STORAGE_MISSING', 'is gone, or empty', removeDatabase],
    ['emptied', 'STORAGE_MISSING', 'is gone, or empty', () => truncateSync(database(), 0)],
    ['cut to its first page', 'STORAGE_CORRUPT', 'cut short', () => truncateSync(database(), 4_096)],
    [
      'cut in the middle',
      'STORAGE_CORRUPT',
      'cut short',
      () => truncateSync(database(), Math.floor(statSync(database()).size / 2)),
    ],
    [
      'cut by a byte',
      'STORAGE_CORRUPT',
      'cut short',
      () => truncateSync(database(), statSync(database()).size - 1),
    ],
    ['something else', 'STORAGE_CORRUPT', 'damaged', () => writeFileSync(database(), 'x'.repeat(20_000))],
  ])(
    'because it is %s: start, backup and check say in one line what was in it, and that a backup brings it back',
    async (_, code, fault, lose) => {
      lose();
      for (const work of [
        () => alpha.restart(),
        backUp,
        () => verifyAuditLog({ dataDir: alpha.dataDir, variables }),
      ]) {
        const said = await saidBy(work());
        expect(said).toMatchObject({ code, remedy: { kind: 'restoreServer' } });
        expect(said.message).toContain(fault);
        expect(said.message).toMatch(
          /lost with it: its accounts, 2 shares .* and 3 entries of its audit log$/,
        );
      }
    },
  );

  test('whose tables were emptied is said aloud at the start, and the log never holds again as if nothing had been', async () => {
    tamperWith(database(), (open) => open.exec('delete from audit; delete from audit_head'));
    await alpha.restart();
    expect(alpha.log()).toMatch(/"level":50.*"data is lost: .*the log had 3 entries and has 0/);
    await alpha.restart();
    const gaps = [{ sequence: 2, at: alpha.now, detail: 'the log had 3 entries and has 0' }];
    expect(await connectOperator(alpha.dataDir).verifyAudit()).toMatchObject({ ok: true, entries: 3, gaps });
    await alpha.server.close();
    expect(await verifyAuditLog({ dataDir: alpha.dataDir, variables })).toMatchObject({ ok: true, gaps });
  });

  test('together with every note of it is still missed: keys of shares lie beside a new one', async () => {
    removeDatabase();
    for (const name of ['database.json', 'audit.head', 'audit.last']) rmSync(at(name));
    await alpha.restart();
    const detail = 'the database is new, and the keys of 2 shares of a former one lie beside it';
    expect(alpha.log()).toContain(detail);
    const gaps = [{ sequence: 2, at: alpha.now, detail }];
    expect(await connectOperator(alpha.dataDir).verifyAudit()).toMatchObject({ ok: true, gaps });
  });
});

describe('a file that is lost or damaged in the folder of a server', () => {
  const spoil = (name: string) => writeFileSync(at(name), 'x'.repeat(80), { mode: 0o600 });

  test.each([
    ['storage.key', 'gone', 'KEY_FILE_MISSING', () => rmSync(at('storage.key'))],
    ['storage.key', 'empty', 'KEY_FILE_DAMAGED', () => truncateSync(at('storage.key'), 0)],
    ['storage.key', 'damaged', 'KEY_FILE_DAMAGED', () => spoil('storage.key')],
    ['identity', 'gone', 'KEY_FILE_MISSING', () => rmSync(at('identity'))],
    ['identity', 'empty', 'FILE_TAMPERED', () => truncateSync(at('identity'), 0)],
    ['identity', 'damaged', 'FILE_TAMPERED', () => spoil('identity')],
    ['config.json', 'gone', 'CONFIG_MISSING', () => rmSync(at('config.json'))],
    ['config.json', 'empty', 'CONFIG_INVALID', () => truncateSync(at('config.json'), 0)],
  ])(
    '%s, %s: the start says what brings it back, and never to make a new server',
    async (name, _, code, lose) => {
      lose();
      const { message, hint, ...said } = await saidBy(alpha.restart());
      expect(said).toMatchObject({ code, remedy: { kind: 'restoreServer' } });
      expect(message).toMatch(name === 'storage.key' ? /storage key/ : new RegExp(name));
      expect(hint).toMatch(/out of its backup in a new folder$/);
    },
  );

  test('a damaged audit.head is in no backup: removed, as the hint says, the start goes on and the log tells of it', async () => {
    spoil('audit.head');
    const { code, hint } = await saidBy(alpha.restart());
    expect(code).toBe('FILE_TAMPERED');
    expect(hint).toContain('then remove audit.head and start');
    rmSync(at('audit.head'));
    await alpha.restart();
    const last = (await connectOperator(alpha.dataDir).audit()).at(-1)!;
    expect(last).toMatchObject({
      deed: 'server.rollback',
      detail: 'audit.head is missing and the log has 3 entries',
    });
  });

  test('a damaged database.json is in no backup: removed, as the hint says, it is made anew', async () => {
    spoil('database.json');
    const { code, hint } = await saidBy(alpha.restart());
    expect(code).toBe('FILE_TAMPERED');
    expect(hint).toContain('remove that file: the next start makes it anew');
    rmSync(at('database.json'));
    await alpha.restart();
    expect(readdirSync(alpha.dataDir)).toContain('database.json');
  });

  test('a folder in which something lies in the place of the control socket is named, not taken for a defect', async () => {
    mkdirSync(at('control.sock'));
    expect((await saidBy(alpha.restart())).code).toBe('FILE_IN_THE_WAY');
  });
});
