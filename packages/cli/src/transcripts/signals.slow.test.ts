import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { CKM, errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const SIGNALS = [
  ['SIGALRM', 142],
  ['SIGHUP', 129],
  ['SIGQUIT', 131],
  ['SIGTERM', 143],
  ['SIGUSR2', 140],
] as const;

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;
/** Called when a server hears of something that it does not answer. */
let hear: () => void = () => undefined;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'behind-proxies') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  const what = ['key', 'create', 'k', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];
  expect(await callCkm([...what, '--yes'], { environment })).toMatchObject({ status: 0 });
  for (const proxy of proxies) {
    proxy.before = () => {
      hear();
      return 'hang';
    };
  }
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

/** Sends a signal to `ckm` once a server has heard of what it wants. */
async function signalled(signal: NodeJS.Signals, ...args: readonly string[]): Promise<Outcome> {
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, LANG: 'C.UTF-8', ...environment };
  const child = spawn(process.execPath, [CKM, ...args], { env, detached: true });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await heard;
  child.kill(signal);
  return { status: await ended, stdout, stderr };
}

describe.each(SIGNALS)('%s', (signal, status) => {
  test('ends a command in one line that names it', async () => {
    const { stdout, ...rest } = await signalled(signal, 'status');
    expect(rest).toEqual({ status, stderr: `ckm: ended by ${signal}\n` });
    // Its rows come one by one: the heading may be there, and of servers that do not answer no row.
    expect(['', 'Servers\n']).toContain(stdout);
  });

  test('leaves a signature as Ctrl-C does: it is kept, and the line says how to go on', async () => {
    const left = await signalled(signal, 'sign', 'k', '--message', 'x', '--yes');
    expect([left.status, errorOf(left).code]).toEqual([75, 'REQUEST_LEFT']);
    expect(errorOf(left).hint).toMatch(/ckm requests resume [0-9a-f]{8} /);
  });
});
