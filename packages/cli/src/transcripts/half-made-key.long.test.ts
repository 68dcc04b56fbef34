// @module-tag long
import { createClient, fileStore, openSeed } from '@ckm/client/node';
import { secret } from '@ckm/foundation';
import { sshPublicKeyLine } from '@ckm/requests';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf } from '../test/run-ckm.js';
import { type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

describe('a key that one server has not promised to have stored', () => {
  let setup: Setup;
  let proxy: Proxy;
  let owner: Record<string, string>;
  const asOwner = (args: readonly string[]) => callCkm([...args, '--timeout', '2'], { environment: owner });

  beforeAll(async () => {
    setup = await openSetup();
    proxy = await startProxy(setup.servers['alpha']!.url);
    owner = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'half-made') };
    const urlOf = (name: string) => (name === 'alpha' ? proxy : setup.servers[name]!).url;
    await makeOwner(owner, Object.fromEntries(SERVERS.map((name) => [name, urlOf(name)])));
    for (const [name, purpose] of [
      ['coins', 'bitcoin'],
      ['shell', 'ssh'],
    ] as const) {
      // Offer, join, two rounds; then alpha falls silent with the certificate in its hands.
      let asked = 0;
      proxy.after = () => (++asked > 4 ? 'hang' : 'pass');
      const quorum = ['--quorum', '2of3', '--servers', SERVERS.join()];
      const made = await asOwner(['key', 'create', name, '--for', purpose, ...quorum, '--yes']);
      expect(errorOf(made)).toMatchObject({
        code: 'SERVERS_MISSING',
        message: expect.stringContaining('alpha'),
      });
    }
  }, 120_000);
  afterAll(async () => {
    await proxy.close();
    await setup.close();
  });

  test.each<readonly string[]>([
    ['address', 'coins'],
    ['key', 'show', 'coins', '--public'],
    ['key', 'show', 'shell', '--public'],
    ['ssh-agent'],
    ['ssh-agent', '--key', 'shell'],
    ['sign', 'shell', import.meta.filename, '--ssh-namespace', 'file', '--preview'],
  ])('is not handed out: %s %s %s', async (...args) => {
    const outcome = await asOwner(args);
    expect(errorOf(outcome)).toMatchObject({
      code: 'KEY_NOT_USABLE',
      hint: expect.stringContaining('ckm sessions resume'),
    });
    expect([outcome.status, outcome.stdout]).toEqual([75, '']);
  });

  test('does not sign for git', async () => {
    const home = owner['CKM_HOME']!;
    const passphrase = secret(readFileSync(owner['CKM_PASSPHRASE_FILE']!, 'utf8').trimEnd());
    const client = createClient({
      store: fileStore(join(home, 'store')),
      seed: await openSeed(new Uint8Array(readFileSync(join(home, 'seed'))), passphrase),
    });
    const { groupKey } = (await client.showKey('shell')).public;
    await client.close();
    const named = setup.scratch.file('half-made.pub', sshPublicKeyLine(groupKey, 'taken from the record'));
    const text = setup.scratch.file('text', 'release\n');
    const outcome = await asOwner(['git-sign', '-Y', 'sign', '-n', 'file', '-f', named, text]);
    expect(errorOf(outcome).code).toBe('KEY_NOT_USABLE');
  });

  test('is shown and listed without anything that value could be sent to, until it is complete', async () => {
    const handed = /wpkh|tr\(|bc1|ssh-ed25519|[0-9a-f]{64}/;
    for (const name of ['coins', 'shell']) {
      const { stdout } = await asOwner(['key', 'show', name]);
      expect(stdout).toMatch(/State +not complete: go on with ckm sessions resume/);
      expect(stdout).not.toMatch(handed);
    }
    expect((await asOwner(['key', 'list'])).stdout).not.toMatch(handed);
    expect(JSON.parse((await asOwner(['key', 'list', '--json'])).stdout)).toMatchObject([
      { name: 'coins', isComplete: false, groupKey: null, public: null, address: null },
      { name: 'shell', isComplete: false, groupKey: null, public: null },
    ]);
    proxy.after = () => 'pass';
    const open = JSON.parse((await asOwner(['sessions', 'list', '--open', '--json'])).stdout) as {
      id: string;
    }[];
    expect(open).toHaveLength(2);
    for (const { id } of open) expect(await asOwner(['sessions', 'resume', id])).toMatchObject({ status: 0 });
    expect((await asOwner(['address', 'coins'])).stdout).toMatch(/^bc1p/);
    expect((await asOwner(['key', 'show', 'shell'])).stdout).toMatch(/SSH key +ssh-ed25519/);
  });
});
