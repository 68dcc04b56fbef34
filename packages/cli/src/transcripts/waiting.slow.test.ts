import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { interrupted } from '../test/interrupted.js';
import { errorOf } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'treasury', '--for', 'message', '--approval', 'operator');
}, 120_000);
afterAll(() => setup.close());

describe('a signature that waits for operators', () => {
  test('says once who is awaited, until when and how to leave; Ctrl-C leaves, and it can be gone on with', async () => {
    const args = ['sign', 'treasury', '--message', 'Pay the baker', '--yes'];
    const left = await interrupted(args, setup.environment, (stderr) =>
      stderr.includes('ckm requests resume'),
    );
    const told = left.stderr.replace(/\s+/g, ' ');
    expect(told).toMatch(
      /waiting for the operators of (\w+, ){2}\w+; the request expires \d{4}-\d\d-\d\d \d\d:\d\d UTC \(in [67] d\)/,
    );
    expect(told.match(/waiting for the operators/g)).toHaveLength(1);
    const [, id] = /you can close this \(Ctrl-C\), and go on with: ckm requests resume ([0-9a-f]{8})/.exec(
      told,
    )!;
    expect([left.status, errorOf(left).code, left.stdout]).toEqual([77, 'REQUEST_WAITING', '']);
    expect(errorOf(left).hint).toContain(`ckm requests resume ${id!}`);
    expect(await setup.json(['requests', 'list', '--open'])).toMatchObject([{ id, state: 'open' }]);
    const again = await setup.ckm(['requests', 'resume', id!, '--yes', '--wait', '1s']);
    expect(errorOf(again).code).toBe('REQUEST_WAITING');
    expect(again.stderr).toMatch(/this command waits until .* UTC/);
  });
});

describe('making a key', () => {
  let proxies: Proxy[];
  let environment: Record<string, string>;

  beforeAll(async () => {
    proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
    environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'interrupted') };
    await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  }, 60_000);
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())));

  test('that is left with Ctrl-C says how to go on, and going on makes the key', async () => {
    proxies[1]!.before = () => 'hang';
    const what = ['key', 'create', 'k', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];
    const left = await interrupted([...what, '--yes'], environment, (stderr) =>
      /making [0-9a-f]{8}/.test(stderr),
    );
    proxies[1]!.before = () => 'pass';
    expect([left.status, errorOf(left).code]).toEqual([75, 'SESSION_LEFT']);
    const [, id] = /ckm sessions resume ([0-9a-f]{8})/.exec(errorOf(left).hint)!;
    const made = await callCkm(['sessions', 'resume', id!], { environment });
    expect([made.status, made.stdout]).toEqual([0, expect.stringMatching(/State +stored by every server/)]);
    expect(made.stderr).not.toContain('SESSION_');
  });
});

describe('a signature that is left with Ctrl-C before it is there', () => {
  let proxies: Proxy[];
  let environment: Record<string, string>;

  beforeAll(async () => {
    proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
    environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'left') };
    await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
    const what = ['key', 'create', 'k', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];
    expect(await callCkm([...what, '--yes'], { environment })).toMatchObject({ status: 0 });
  }, 60_000);
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())));

  test('says how many had signed, how to go on and how to cancel it; going on gives the signature', async () => {
    // Two would be impatience: one server hears of it first.
    let hasHeard: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (hasHeard = resolve));
    for (const proxy of proxies) {
      proxy.before = () => {
        hasHeard();
        return 'hang';
      };
    }
    const left = await interrupted(['sign', 'k', '--message', 'hello', '--yes'], environment, heard);
    for (const proxy of proxies) proxy.before = () => 'pass';
    const { code, message, hint } = errorOf(left);
    expect([left.status, code]).toEqual([75, 'REQUEST_LEFT']);
    expect(message).toBe('you left before it was signed; 0 of 2 had signed');
    const [, id] = /ckm requests resume ([0-9a-f]{8}) +or cancel it: ckm requests cancel \1$/.exec(hint)!;
    const resumed = await callCkm(['requests', 'resume', id!, '--yes'], { environment });
    expect([resumed.status, resumed.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{128}\n$/)]);
  });

  test('and a server that hangs: status says so in seconds, and shows the others', async () => {
    proxies[1]!.before = () => 'hang';
    const began = performance.now();
    const seen = await callCkm(['status', '--timeout', '1'], { environment });
    proxies[1]!.before = () => 'pass';
    expect(seen.stdout).toMatch(/alpha +answers in/);
    expect(seen.stdout).toMatch(/bravo +does not answer in time +ckm explain SERVER_TIMEOUT/);
    expect(seen.stdout).toMatch(/k +message +2 of 3 +2 answer +none may fail: bring bravo back/);
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});

test('a key that was made tells its owner the command with which operators see its likeness', async () => {
  const what = ['key', 'create', 'mail', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];
  const made = await setup.ckm([...what, '--yes']);
  expect(made.stderr).toContain('ckm server keys FOLDER');
  const words = /mail {3}((?:[a-z]+-){5}[a-z]+)/.exec(made.stdout)![1]!;
  expect((await setup.ckm(['server', 'keys', setup.folderOf('alpha')])).stdout).toContain(words);
});
