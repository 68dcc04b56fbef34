import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BTCD } from './find-judges.js';

/** A node of a network of its own, on loopback. */
export interface BitcoinNode {
  /** @throws Error with what the node says against it */
  call<T>(method: string, ...parameters: readonly unknown[]): Promise<T>;
  stop(): Promise<void>;
}

/** It ends by itself after so many seconds, whatever becomes of the test. */
const LONGEST_SECONDS = 600;
const LOGIN = { user: 'alice', password: 'only-on-loopback' };

/** Starts btcd on regtest. @param payees whose addresses its blocks pay, by chance one of them */
export async function startBitcoinNode(payees: readonly string[]): Promise<BitcoinNode> {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-btcd-'));
  // Without a file to read it writes one of its own.
  const settings = join(folder, 'btcd.conf');
  writeFileSync(settings, '');
  const child = spawn(
    'timeout',
    [
      String(LONGEST_SECONDS),
      BTCD,
      '--regtest',
      '--nodnsseed',
      '--nolisten',
      '--notls',
      `--configfile=${settings}`,
      `--datadir=${folder}`,
      `--logdir=${folder}`,
      `--rpcuser=${LOGIN.user}`,
      `--rpcpass=${LOGIN.password}`,
      '--rpclisten=127.0.0.1:0',
      ...payees.map((address) => `--miningaddr=${address}`),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, where] = /RPC server listening on (127\.0\.0\.1:\d+)/.exec(said) ?? [];
      if (where !== undefined) resolve(`http://${where}/`);
    });
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error(`btcd ended: ${said}`));
    });
  });
  return { call: (method, ...parameters) => call(url, method, parameters), stop };
}

async function call<T>(url: string, method: string, parameters: readonly unknown[]): Promise<T> {
  const authorization = `Basic ${Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString('base64')}`;
  const body = JSON.stringify({ jsonrpc: '1.0', id: 1, method, params: parameters });
  const response = await fetch(url, { method: 'POST', headers: { authorization }, body });
  const { result, error } = (await response.json()) as { result: T; error: { message: string } | null };
  if (error !== null) throw new Error(`btcd refuses ${method}: ${error.message}`);
  return result;
}
