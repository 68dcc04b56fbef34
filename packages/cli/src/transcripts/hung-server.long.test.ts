// @module-tag long
import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CKM, plainEnvironment } from '../test/run-ckm.js';
import { createKey, openSetup, type ServerProcess, type Setup } from '../test/run-server.js';

/** What a command takes on a machine that has nothing else to do, in seconds. */
const AT_REST = 0.6;

let setup: Setup;
let stopped: number | null = null;
beforeAll(async () => {
  setup = await openSetup({ asProcesses: true });
  await createKey(setup, 'notes', '--for', 'message');
  await setup.ckm(['unlock', '--for', '10m']);
}, 180_000);
afterEach(() => {
  if (stopped !== null) process.kill(stopped, 'SIGCONT');
  stopped = null;
});
afterAll(async () => {
  await setup.ckm(['lock']);
  await setup.close();
});

/** It stands still with its connections open, as a machine does that has run out of memory. */
function hang(name: string): void {
  stopped = (setup.servers[name] as ServerProcess).pid;
  process.kill(stopped, 'SIGSTOP');
}

interface Timed {
  readonly status: number | null;
  readonly stdout: string;
  /** From its start to its end. */
  readonly seconds: number;
  /** When a line with these words came through the pipe. */
  seenAt(words: string): number;
}

/** `ckm` as a process of its own, with the seed open and pipes for its streams. */
function run(...args: readonly string[]): Promise<Timed> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1_000;
  const env = plainEnvironment({ CKM_HOME: setup.environment['CKM_HOME']! });
  const child = spawn(process.execPath, [CKM, ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen: { readonly text: string; readonly at: number }[] = [];
  child.stderr.resume();
  child.stdout.on('data', (part: Buffer) => seen.push({ text: part.toString(), at: seconds() }));
  return new Promise((resolve) => {
    child.once('close', (status) => {
      const stdout = seen.map(({ text }) => text).join('');
      const seenAt = (words: string) => seen.find(({ text }) => text.includes(words))?.at ?? Number.NaN;
      resolve({ status, stdout, seconds: seconds(), seenAt });
    });
  });
}

/** So many seconds on a machine at rest; more as far as the same command takes longer now while no server hangs. */
const within = (goal: number, { seconds }: Timed) => goal * Math.max(1, seconds / AT_REST);

describe('while one server of three stands still', () => {
  test('ckm status ends within five seconds, and has told of the others through a pipe long before', async () => {
    const healthy = await run('status');
    expect(healthy.status).toBe(0);
    hang('bravo');
    const { status, stdout, seconds, seenAt } = await run('status');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Servers\n(.*\n){2} {2}bravo +does not answer /);
    expect(seconds).toBeGreaterThan(3.5);
    expect(seconds).toBeLessThan(within(5, healthy));
    for (const name of ['alpha', 'charlie']) expect(seenAt(`  ${name} `)).toBeLessThan(within(1.5, healthy));
    expect(stdout).toMatch(/\n\nKeys\n {2}notes /);
  }, 120_000);

  test('ckm status --json is one document all the same', async () => {
    hang('bravo');
    const { stdout, seenAt } = await run('status', '--json', '--timeout', '1');
    const { servers } = JSON.parse(stdout) as { servers: { name: string; isReachable: boolean }[] };
    expect(servers.map(({ name, isReachable }) => [name, isReachable])).toEqual([
      ['alpha', true],
      ['bravo', false],
      ['charlie', true],
    ]);
    expect(seenAt('"alpha"')).toBeGreaterThan(1);
  }, 120_000);

  test('ckm sign with an open seed ends within two and a half seconds, whichever it is', async () => {
    const sign = () => run('sign', 'notes', '--message', 'x', '--yes');
    const healthy = await sign();
    expect(healthy.status).toBe(0);
    for (const name of ['alpha', 'bravo', 'charlie']) {
      hang(name);
      const { status, seconds } = await sign();
      process.kill(stopped!, 'SIGCONT');
      expect([name, status]).toEqual([name, 0]);
      expect(seconds).toBeLessThan(within(2.5, healthy));
    }
  }, 120_000);
});
