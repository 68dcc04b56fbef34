// @module-tag long
import { initServer } from '@ckm/server';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CKM, type Scratch, scratchFolder } from '../test/run-ckm.js';
import { startServerProcess } from '../test/run-server.js';

let scratch: Scratch;
let folder: string;
beforeAll(async () => {
  scratch = scratchFolder();
  folder = join(scratch.path, 'alpha');
  await initServer({ dataDir: folder, settings: { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } } });
});
afterAll(() => scratch.remove());

test.each(['SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const)(
  'a server that %s ends stops as by SIGTERM, and says so',
  async (signal) => {
    const server = await startServerProcess(folder);
    expect(await server.stop(signal)).toBe(0);
    expect(server.stderr()).toMatch(/(^|\n)stopped\n$/);
  },
);

describe('a server whose log goes nowhere goes on answering:', () => {
  /** A server that logs to stdout, which is what this shell does with it. */
  async function start(redirected: string) {
    const words = ['sh', '-c', `exec "$@" ${redirected}`, '-', process.execPath, CKM];
    const child = spawn(words[0]!, [...words.slice(1), 'server', 'start', folder, '--log-json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: scratch.path },
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.stdout.resume();
    const url = await new Promise<string>((resolve, reject) => {
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        const [, found] = /listens on (http:\/\/[^,]+),/.exec(stderr) ?? [];
        if (found !== undefined) resolve(found);
      });
      void ended.then(() => reject(new Error(`the server ended: ${stderr}`)));
    });
    return { child, url, ended };
  }

  /** Each of these writes a line of the log. */
  async function refuse(url: string): Promise<void> {
    for (let i = 0; i < 5; i++) {
      const headers = { 'content-type': 'application/octet-stream' };
      await (await fetch(`${url}/v1/messages`, { method: 'POST', headers, body: 'rubbish' })).arrayBuffer();
    }
  }

  test('nobody reads stdout any more', async () => {
    const { child, url, ended } = await start('');
    child.stdout.destroy();
    await refuse(url);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test.skipIf(!existsSync('/dev/full'))('its disk is full (skipped without /dev/full)', async () => {
    const { child, url, ended } = await start('>/dev/full');
    await refuse(url);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    // It stopped in order; that the log is not whole is said by the status.
    expect(await ended).toBe(74);
  });
});
