import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf } from '../test/run-ckm.js';
import { type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;
const owner = (...args: string[]) => callCkm([...args, '--timeout', '3'], { environment });

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'verifier') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  const quorum = ['--quorum', '2of3', '--servers', SERVERS.join()];
  const made = await callCkm(['key', 'create', 'k', '--for', 'message', ...quorum, '--yes'], { environment });
  if (made.status !== 0) throw new Error(made.stderr);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

describe('key verify', () => {
  test('with a silent server warns, and ends with status 69', async () => {
    proxies[2]!.before = () => 'hang';
    const outcome = await owner('key', 'verify', 'k');
    proxies[2]!.before = () => 'pass';
    expect(outcome.stdout).toMatch(/ok +alpha[^]*ok +bravo[^]*warn +charlie/);
    expect(errorOf(outcome)).toMatchObject({
      code: 'KEY_NOT_VERIFIED',
      message: 'charlie does not answer about k',
    });
    expect(outcome.status).toBe(69);
  });

  test('accuses nobody whose operator has suspended the account: status 77, and doctor says it once', async () => {
    const accounts = await setup.json<{ xid: string; keys: number }[]>([
      'server',
      'accounts',
      'list',
      setup.folderOf('bravo'),
    ]);
    const { xid: account } = accounts.find(({ keys }) => keys === 1)!;
    await setup.json(['server', 'accounts', 'suspend', setup.folderOf('bravo'), account, '--yes']);
    const outcome = await owner('key', 'verify', 'k');
    const doctor = await owner('doctor');
    await setup.json(['server', 'accounts', 'resume', setup.folderOf('bravo'), account, '--yes']);
    expect(outcome.stdout).toMatch(/warn +bravo +server bravo: /);
    expect(outcome.stderr).not.toContain('does not hold this key');
    expect(errorOf(outcome).code).toBe('KEY_NOT_VERIFIED');
    expect(outcome.status).toBe(77);
    expect(doctor.stdout.match(/suspended/g)).toHaveLength(1);
    expect((await owner('key', 'verify', 'k')).status).toBe(0);
  });

  test('with a server that is not among the owner’s any more ends with status 75', async () => {
    const folder = join(environment['CKM_HOME']!, 'store', 'servers');
    expect(readdirSync(folder)).toContain('charlie');
    rmSync(join(folder, 'charlie'));
    const outcome = await owner('key', 'verify', 'k');
    expect(outcome.stdout).toMatch(/warn +[0-9a-f]{16} +not among your servers any more/);
    expect(errorOf(outcome).code).toBe('KEY_NOT_VERIFIED');
    expect(outcome.status).toBe(75);
  });
});
