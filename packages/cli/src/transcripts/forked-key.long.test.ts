// @module-tag long
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { sealCheaply } from '../test/make-owner.js';
import { errorOf } from '../test/run-ckm.js';
import {
  createKey,
  openSetup,
  type Setup,
  type SetupServer,
  startServerProcess,
} from '../test/run-server.js';

/** docs/forked-key.md, command by command. A code behind a command is that of the error with which it ends. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/forked-key.md'), 'utf8');
const ALL = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];

let setup: Setup;
const running = new Map<string, SetupServer>();
let words = '';
/** The owner’s other computer, on which the certificate is that does not count. */
let other: Readonly<Record<string, string>>;

beforeAll(async () => {
  setup = await openSetup({ names: ALL, settings: { limits: { clockSkewSeconds: 1 } } });
  for (const name of ALL) running.set(name, setup.servers[name]!);
  await createKey(setup, 'treasury', '--for', 'bitcoin', '--change-delay', '0');
  const home = join(setup.scratch.path, 'other');
  cpSync(setup.environment['CKM_HOME']!, home, { recursive: true });
  other = { ...setup.environment, CKM_HOME: home };
  for (const name of ALL.slice(0, 3))
    listenAt(setup.folderOf(name), Number(new URL(running.get(name)!.url).port));
  await stop('charlie');
  const twin = join(setup.scratch.path, 'twin');
  cpSync(setup.folderOf('charlie'), twin, { recursive: true });

  await start('charlie');
  await stop('bravo');
  await change(other, ['alpha', 'charlie', 'delta']);
  await stop('alpha');
  await stop('charlie');
  await start('charlie', twin);
  await start('bravo');
  await change(setup.environment, ['bravo', 'charlie', 'echo'], { charlie: twin });
  await stop('charlie');
  await start('charlie');
  await start('alpha');
}, 240_000);
afterAll(async () => {
  for (const server of running.values()) await server.stop('SIGKILL');
  await setup.close();
});

const stop = async (name: string) => running.get(name)!.stop();
const start = async (name: string, folder = setup.folderOf(name)) => {
  running.set(name, await startServerProcess(folder));
};

/** The same port after each start from now on. */
function listenAt(folder: string, port: number): void {
  const path = join(folder, 'config.json');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { listen: object };
  writeFileSync(path, JSON.stringify({ ...settings, listen: { ...settings.listen, port } }));
}

/** A change of servers, from the order to its end. */
async function change(
  environment: Readonly<Record<string, string>>,
  servers: readonly string[],
  folders: Readonly<Record<string, string>> = {},
): Promise<void> {
  const line = `key requorum treasury --quorum 2of3 --servers ${servers.join()} --key-name treasury --timeout 5 --json`;
  const first = await callCkm(line.split(' '), { environment });
  expect(errorOf(first).code).toBe('CHANGE_WAITING');
  const preview = await callCkm([...line.split(' '), '--preview'], { environment });
  ({ words } = JSON.parse(preview.stdout) as { words: string });
  for (const name of servers)
    await operate(folders[name] ?? setup.folderOf(name), [
      'server',
      'approve',
      'FOLDER',
      'ID',
      '--words',
      'SIX WORDS',
    ]);
  const done = await callCkm(line.split(' '), { environment });
  expect(done.status, done.stdout + done.stderr).toBe(0);
}

async function operate(folder: string, args: readonly string[]): Promise<void> {
  const waits = await setup.json<({ sessionId: string } | { orderHash: string })[]>([
    'server',
    'requests',
    folder,
  ]);
  const [one] = waits;
  const id = one === undefined ? 'ID' : 'orderHash' in one ? one.orderHash : one.sessionId;
  const filled = args.map((word) =>
    word === 'ID' ? id : word === 'SIX WORDS' ? words : word === 'FOLDER' ? folder : word,
  );
  const outcome = await callCkm([...filled, '--yes', '--json']);
  expect(outcome.status, `ckm ${filled.join(' ')}: ${outcome.stdout}${outcome.stderr}`).toBe(0);
}

interface Step {
  readonly who: 'owner' | readonly string[];
  readonly lines: readonly string[];
}

function steps(): Step[] {
  return PAGE.split(/^\d+\. /m).flatMap((text) => {
    const [, who] = /^\*\*(.+?)\*\*/.exec(text) ?? [];
    if (who === undefined) return [];
    const lines = [...text.matchAll(/^ *```\n([^]*?)^ *```$/gm)]
      .flatMap(([, block]) => block!.split('\n'))
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const names = (who.match(/[a-z]+/g) ?? []).filter((word) => ALL.includes(word));
    return [{ who: who === 'Owner:' ? 'owner' : names, lines }];
  });
}

function partsOf(line: string): { args: string[]; code: string | null } {
  const [typed = '', remark = ''] = line.split(/ {2,}/);
  const code = /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(remark)?.[0] ?? null;
  return {
    args: [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!).slice(1),
    code,
  };
}

async function asOwner(line: string): Promise<void> {
  const { args, code } = partsOf(line);
  const [open] = await setup.json<{ id: string }[]>(['sessions', 'list', '--open']);
  const typed = args.map((word) => (word === 'ID' ? open!.id : word));
  const isTyped = /^(settle|add-server)$/.test(typed[1]!);
  const isOrder = isTyped && code === 'CHANGE_WAITING';
  if (isOrder) ({ words } = await setup.json<{ words: string }>([...typed, '--preview']));
  const sure = isTyped && !typed.includes('--preview') ? ['--key-name', 'treasury'] : ['--yes'];
  const outcome = await callCkm([...typed, ...sure, '--timeout', '5', '--json'], {
    environment: setup.environment,
  });
  const ended = outcome.status === 0 ? null : errorOf(outcome).code;
  expect(ended, `${line}: ${outcome.stdout}${outcome.stderr}`).toBe(code);
}

test('a computer that has the seed alone gets the key back by the certificate that most servers show, and hears that it is forked', async () => {
  const file = join(setup.scratch.path, 'seed-words');
  await setup.json(['seed', 'backup', '--out', file]);
  const environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'third') };
  await setup.json(['seed', 'restore', '--from', file], { environment });
  await sealCheaply(environment);
  for (const [name, { url }] of running)
    await setup.json(['server', 'add', name, url, '--yes'], { environment });
  const fetched = await callCkm(['key', 'fetch', '--name', 'treasury'], { environment });
  const { code, message, hint } = errorOf(fetched);
  expect([fetched.status, code]).toEqual([75, 'KEY_FORKED']);
  expect(message).toBe('the servers of treasury went on by two certificates of one epoch');
  expect(hint).toContain('ckm key settle treasury');
  const [key] = await setup.json<{ name: string }[]>(['key', 'list'], { environment });
  expect(key!.name).toBe('treasury');
}, 120_000);

test('docs/forked-key.md: two machines of one server, settled, repaired, and behind another epoch', async () => {
  const all = steps();
  expect(all.length).toBeGreaterThan(8);
  for (const { who, lines } of all) {
    for (const line of lines) {
      if (who === 'owner') await asOwner(line);
      else for (const name of who) await operate(setup.folderOf(name), ['server', ...operatorsWords(line)]);
    }
  }
  const { stdout } = await setup.ckm(['status']);
  expect(stdout).not.toContain('two certificates');
  // The other computer learns what counts, whatever it orders.
  const learns = 'key settle treasury --key-name treasury --timeout 5 --json';
  const learned = await callCkm(learns.split(' '), { environment: other });
  expect(['CHANGE_OVER', 'KEY_NOT_FORKED']).toContain(errorOf(learned).code);
}, 240_000);

function operatorsWords(line: string): string[] {
  return partsOf(line.replaceAll('/var/lib/ckm', 'FOLDER')).args.slice(1);
}
