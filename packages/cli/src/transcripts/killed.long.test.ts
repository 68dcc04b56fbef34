// @module-tag long
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectOperator } from '@ckm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { CKM } from '../test/run-ckm.js';
import { type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
/** Offer, join, two rounds of packets, the signatures of the transcript: what each server is asked for one key. */
const STEPS = 5;
/** Until a request has reached the desk of an operator. */
const WAITING = { timeout: 30_000, interval: 50 };

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'killed') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

const owner = (args: readonly string[]) => callCkm(args, { environment });
const create = (name: string) => [
  'key',
  'create',
  name,
  '--for',
  'message',
  '--quorum',
  '2of3',
  '--servers',
  SERVERS.join(),
  '--yes',
];

type When = 'before' | 'after';

/** Starts a command, and kills it (SIGKILL) around its message of that number to that server. */
function startAndKill(
  args: readonly string[],
  proxy: Proxy,
  when: When,
  nth: number,
): Promise<NodeJS.Signals | null> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [CKM, ...args], {
    env: { PATH, ...environment },
    detached: true,
    // A stdout that is thrown away is refused before anybody is asked.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.resume();
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_status, signal) => resolve(signal)),
  );
  let seen = 0;
  proxy[when] = async () => {
    if (++seen < nth) return 'pass';
    child.kill('SIGKILL');
    await ended;
    return when === 'before' ? new Uint8Array(0) : 'pass';
  };
  return ended.finally(() => {
    proxy[when] = () => 'pass';
  });
}

describe('a client that is killed (SIGKILL) while it makes a key', () => {
  const moments = Array.from({ length: STEPS }, (_, i) => i + 1).flatMap((nth) =>
    (['before', 'after'] as const).map((when) => ({ nth, when, server: nth % SERVERS.length })),
  );

  test.each(moments)(
    '$when message $nth arrived at server $server: ckm sessions resume makes the key',
    async ({ nth, when, server }) => {
      const name = `k-${nth}-${when}`;
      expect(await startAndKill(create(name), proxies[server]!, when, nth)).toBe('SIGKILL');
      const open = JSON.parse((await owner(['sessions', 'list', '--open', '--json'])).stdout) as {
        key: string;
      }[];
      expect(open).toMatchObject([{ key: name, state: 'open' }]);
      const resumed = await owner(['sessions', 'resume']);
      expect({ status: resumed.status, stderr: resumed.status === 0 ? '' : resumed.stderr }).toEqual({
        status: 0,
        stderr: '',
      });
      const verified = JSON.parse((await owner(['key', 'verify', name, '--json'])).stdout) as {
        isSound: boolean;
      };
      expect(verified.isSound).toBe(true);
    },
  );

  test('leaves keys that sign, no session open, and not one key too many on any server', async () => {
    const keys = JSON.parse((await owner(['key', 'list', '--json'])).stdout) as { name: string }[];
    expect(keys.map((key) => key.name).sort()).toEqual(
      moments.map(({ nth, when }) => `k-${nth}-${when}`).sort(),
    );
    expect(await owner(['sign', keys[0]!.name, '--message', 'alive', '--yes'])).toMatchObject({ status: 0 });
    expect((await owner(['sessions', 'list', '--open', '--quiet'])).stdout).toBe('no sessions\n');
    for (const name of SERVERS) {
      const accounts = await setup.json<{ keys: number }[]>([
        'server',
        'accounts',
        'list',
        setup.folderOf(name),
      ]);
      expect(accounts.map((account) => account.keys).sort((a, b) => a - b)).toEqual([0, moments.length]);
    }
  });
});

/** The order, a promise, offer, join and two deliveries, lock, yield, certificate and the end of the old share. */
const CHANGE_STEPS = 10;

describe('a client that is killed (SIGKILL) while it changes who holds a key', () => {
  const moments = Array.from({ length: CHANGE_STEPS }, (_, i) => ({
    nth: i + 1,
    when: i % 2 === 0 ? ('before' as const) : ('after' as const),
    server: i % SERVERS.length,
  }));
  const NAME = 'moved';
  const sign = ['sign', NAME, '--message', 'alive', '--yes'];
  const requorum = (needed: number) =>
    `key requorum ${NAME} --quorum ${needed}of3 --servers ${SERVERS.join()} --key-name ${NAME}`.split(' ');

  beforeAll(async () => {
    const rules = ['--changes', 'automatic', '--change-delay', '0'];
    expect(await owner([...create(NAME), ...rules])).toMatchObject({ status: 0 });
  }, 60_000);

  test.each(moments)(
    '$when message $nth arrived at server $server: the key signs, and the same command finishes the change',
    async ({ nth, when, server }) => {
      const needed = nth % 2 === 1 ? 3 : 2;
      expect(await startAndKill(requorum(needed), proxies[server]!, when, nth)).toBe('SIGKILL');
      expect(await owner(sign)).toMatchObject({ status: 0 });
      const again = await owner(requorum(needed));
      expect({ status: again.status, stderr: again.status === 0 ? '' : again.stderr }).toEqual({
        status: 0,
        stderr: '',
      });
      expect(await owner(sign)).toMatchObject({ status: 0 });
      const shown = JSON.parse((await owner(['key', 'verify', NAME, '--json'])).stdout) as object;
      expect(shown).toMatchObject({ isSound: true });
      expect((await owner(['sessions', 'list', '--open', '--quiet'])).stdout).toBe('no sessions\n');
    },
    60_000,
  );
});

describe('a client that is killed (SIGKILL) while it asks for a signature', () => {
  interface Open {
    readonly id: string;
    readonly key: string;
    readonly sentence: string;
  }
  const open = async () =>
    JSON.parse((await owner(['requests', 'list', '--open', '--json'])).stdout) as Open[];
  const waitingAt = async (server: string) =>
    (await connectOperator(setup.folderOf(server)).requests()).requests;
  const sign = (key: string, text: string) => ['sign', key, '--message', text, '--yes'];

  beforeAll(async () => {
    const all = create('all').with(6, '3of3');
    expect(await owner(all)).toMatchObject({ status: 0 });
    expect(await owner([...create('slow'), '--approval', 'operator'])).toMatchObject({ status: 0 });
  }, 60_000);
  // With no commitments at hand each server is asked twice: for them, and for its share.
  beforeEach(() => rmSync(join(environment['CKM_HOME']!, 'store', 'pool'), { recursive: true, force: true }));

  const moments = [1, 2].flatMap((nth) => (['before', 'after'] as const).map((when) => ({ nth, when })));

  test.each(moments)(
    '$when message $nth arrived: ckm requests resume gets the signature',
    async ({ nth, when }) => {
      const text = `killed ${when} message ${nth}`;
      expect(await startAndKill(sign('all', text), proxies[nth]!, when, nth)).toBe('SIGKILL');
      const [request, ...more] = await open();
      expect(more).toEqual([]);
      expect(request).toMatchObject({ key: 'all', sentence: expect.stringContaining(text) });
      const resumed = await owner(['requests', 'resume', request!.id, '--yes']);
      expect(resumed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[0-9a-f]{128}\n$/) });
      expect(await open()).toEqual([]);
    },
  );

  test.each(['before', 'after'] as const)(
    '%s the first message arrived, with operators to say yes: it is withdrawn from every desk, or goes on',
    async (when) => {
      for (const then of ['cancel', 'resume'] as const) {
        const text = `${then} after ${when}`;
        expect(await startAndKill(sign('slow', text), proxies[0]!, when, 1)).toBe('SIGKILL');
        const [request] = await open();
        expect(request).toMatchObject({ key: 'slow', sentence: expect.stringContaining(text) });
        if (then === 'cancel') {
          expect(await owner(['requests', 'cancel', request!.id, '--yes'])).toMatchObject({ status: 0 });
        } else {
          const resumed = owner(['requests', 'resume', request!.id, '--yes']);
          for (const server of ['alpha', 'bravo']) await approveAt(server);
          expect(await resumed).toMatchObject({ status: 0 });
        }
        expect(await open()).toEqual([]);
        for (const server of SERVERS) expect(await waitingAt(server)).toEqual([]);
      }
    },
    60_000,
  );

  async function approveAt(server: string): Promise<void> {
    const [request] = await vi.waitUntil(async () => {
      const waiting = await waitingAt(server);
      return waiting.length > 0 && waiting;
    }, WAITING);
    await setup.json(['server', 'approve', setup.folderOf(server), request!.requestId, '--yes']);
  }
});
