// @module-tag long
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Proxy, startProxy } from '../test/proxy.js';
import { sealCheaply } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, treeHash } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;
const restored = (args: readonly string[], patience = '3') =>
  callCkm([...args, '--timeout', patience], { environment });
const addServer = (i: number) => restored(['server', 'add', SERVERS[i]!, proxies[i]!.url, '--yes']);

/** Somebody who has the seed, and nothing else any more. */
beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'treasury', '--for', 'bitcoin');
  await createKey(setup, 'notes', '--for', 'message');
  const backup = join(setup.scratch.path, 'words.txt');
  await setup.json(['seed', 'backup', '--out', backup]);
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'new-laptop') };
  expect((await restored(['seed', 'restore', '--from', backup])).status).toBe(0);
  await sealCheaply(environment);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

describe('an owner whose laptop is lost', () => {
  test('is told to add a server first, then where the other servers of each key are', async () => {
    expect(errorOf(await restored(['key', 'fetch', '--yes']))).toMatchObject({
      code: 'SERVER_UNKNOWN',
      hint: expect.stringContaining('ckm server add'),
    });
    await addServer(0);
    const outcome = await restored(['key', 'fetch', '--yes']);
    expect(errorOf(outcome)).toMatchObject({
      code: 'KEY_NOT_VOUCHED',
      hint: expect.stringMatching(/ckm server add NAME http:\/\/127\.0\.0\.1:\d+/),
    });
    expect(outcome.status).toBe(77);
    expect(outcome.stderr).toMatch(
      /warn +http\S+ +not among your servers: ask its operator whether it looks like [a-z]+-/,
    );
    expect(JSON.parse((await restored(['key', 'list', '--json'])).stdout)).toEqual([]);
  });

  test('sees in status and doctor that servers hold keys which are not on record', async () => {
    await addServer(1);
    await addServer(2);
    const { stdout } = await restored(['status']);
    expect(stdout.match(/2 keys of yours not on record: ckm key fetch/g)).toHaveLength(3);
    const lines = JSON.parse((await restored(['doctor', '--json'])).stdout) as {
      level: string;
      fix?: string;
    }[];
    expect(
      lines.filter(({ level, fix }) => level === 'warn' && fix === 'fetch them: ckm key fetch'),
    ).toHaveLength(3);
  });

  test('looks first: --preview writes nothing, and without a terminal a name is asked of nobody', async () => {
    const before = treeHash(environment['CKM_HOME']!);
    const { stdout, stderr, status } = await restored(['key', 'fetch', '--preview']);
    expect([stdout, status]).toEqual(['nothing was written\n', 0]);
    expect(stderr).toMatch(/bitcoin-[a-z]+ {3}(?:[a-z]+-){5}[a-z]+ {3}[0-9a-f]{8}\n/);
    expect(stderr).toMatch(/For +message \(ed25519\), 2 of 3/);
    expect(errorOf(await restored(['key', 'fetch'])).code).toBe('INPUT_NEEDED');
    expect(errorOf(await restored(['key', 'fetch', '--name', 'x'])).code).toBe('OPTION_INVALID');
    expect(errorOf(await restored(['key', 'fetch', 'nothing-like-it', '--yes'])).code).toBe('KEY_UNKNOWN');
    expect(treeHash(environment['CKM_HOME']!)).toBe(before);
  });

  test('gets keys that sign while a server is silent, and no address before it has promised', async () => {
    proxies[2]!.before = () => 'hang';
    // It is waited for five times.
    const outcome = await restored(['key', 'fetch', '--yes'], '2');
    expect(errorOf(outcome)).toMatchObject({
      code: 'SERVERS_MISSING',
      message: expect.stringContaining('charlie has not promised'),
      hint: expect.stringContaining('ckm key fetch'),
    });
    expect(outcome.status).toBe(69);
    const keys = JSON.parse((await restored(['key', 'list', '--json'])).stdout) as {
      name: string;
      purpose: string;
    }[];
    const [bitcoin, message] = ['bitcoin', 'message'].map(
      (purpose) => keys.find((key) => key.purpose === purpose)!.name,
    );
    expect(errorOf(await restored(['address', bitcoin!]))).toMatchObject({
      code: 'KEY_NOT_USABLE',
      hint: 'finish it first: ckm key fetch',
    });
    expect((await restored(['sign', message!, '--message', 'rescue', '--yes'])).status).toBe(0);
    proxies[2]!.before = () => 'pass';
    const { status, stdout } = await restored(['key', 'fetch', '--json']);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as { completed: string[] }).completed.sort()).toEqual([bitcoin, message]);
    expect((await restored(['address', bitcoin!, '--index', '0', '--quiet'])).stdout).toBe(
      (await setup.ckm(['address', 'treasury', '--index', '0', '--quiet'])).stdout,
    );
    expect((await restored(['doctor'])).stdout).not.toContain('ckm key fetch');
  });

  test('gets a fetched key back under the name it had before', async () => {
    const [key] = JSON.parse((await restored(['key', 'list', '--json'])).stdout) as { name: string }[];
    const args = ['key', 'rename', key!.name, 'treasury'];
    const preview = await restored([...args, '--preview', '--json']);
    expect(JSON.parse(preview.stdout)).toEqual({ preview: true, name: 'treasury', before: key!.name });
    expect((await restored(args)).status).toBe(0);
    expect(errorOf(await restored(args)).code).toBe('KEY_UNKNOWN');
    expect((await restored(['key', 'show', 'treasury'])).status).toBe(0);
  });
});
