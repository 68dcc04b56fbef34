import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/checks.md'), 'utf8');
/** The command lines of docs/checks.md that begin a line of an example, without their remarks. */
const LINES = [...PAGE.matchAll(/^(ckm .*?)(?: {2,}.*)?$/gm)].map(([, line]) => line!);

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;
let keyId: string;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'owner') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  const quorum = ['--quorum', '2of3', '--servers', SERVERS.join()];
  const made = await ckm('key create notes --for message', [...quorum, '--yes', '--json']);
  if (made.status !== 0) throw new Error(made.stderr);
  [{ keyId }] = await setup.json<[{ keyId: string }]>(['server', 'keys', setup.folderOf('alpha')]);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

/** As typed on the page. */
function ckm(line: string, more: readonly string[] = []): Promise<Outcome> {
  const words = line
    .replace('FOLDER', setup.folderOf('alpha'))
    .replace('KEY', () => keyId)
    .split(' ');
  const typed = words[0] === 'ckm' ? words.slice(1) : words;
  return callCkm([...typed, ...more, '--timeout', '3'], { environment });
}

const sign = () => callCkm(['sign', 'notes', '--message', 'hello', '--yes'], { environment });

test('every command of docs/checks.md is one of those run here', () => {
  expect(LINES).toEqual([
    'ckm key check notes',
    'ckm key check --all',
    'ckm key check notes --every 30d',
    'ckm key check notes --every never',
    'ckm key check --all --due',
    'ckm status',
    'ckm freeze notes',
    'ckm freeze notes --for 7d',
    'ckm freeze --all',
    'ckm thaw notes',
    'ckm thaw --all',
    'ckm server policy show FOLDER KEY',
    'ckm server policy thaw FOLDER KEY',
    'ckm freeze --account',
    'ckm freeze --account alpha',
    'ckm thaw --account',
    'ckm server accounts thaw FOLDER ACCOUNT',
  ]);
});

test('ckm key check says who has proved its share, who is silent and who refuses, each with its own exit status', async () => {
  const all = await ckm('ckm key check notes');
  expect(all.stdout).toMatch(/^notes: 3 of 3 have proved that they hold their share, 1 server may fail/);
  expect(all.status).toBe(0);
  expect((await ckm('ckm status')).stdout).toMatch(
    /notes .*\n +epoch 0 since [\d-]{10}, never refreshed; checked \d{4}-\d\d-\d\d/,
  );

  proxies[2]!.before = () => 'hang';
  const silent = await ckm('ckm key check --all', ['--json']);
  proxies[2]!.before = () => 'pass';
  const [{ servers, margin }] = JSON.parse(silent.stdout) as [
    { servers: { verdict: string }[]; margin: number },
  ];
  expect(servers.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'silent']);
  expect([margin, silent.status]).toEqual([0, 69]);
  expect((await ckm('ckm status')).stdout).toMatch(/not proved by charlie: ckm key check notes/);

  const bravo = setup.folderOf('bravo');
  const [{ xid }] = await setup
    .json<{ xid: string; keys: number }[]>(['server', 'accounts', 'list', bravo])
    .then((accounts) => accounts.filter(({ keys }) => keys === 1) as [{ xid: string; keys: number }]);
  await setup.json(['server', 'accounts', 'suspend', bravo, xid, '--yes']);
  const refused = await ckm('ckm key check notes');
  await setup.json(['server', 'accounts', 'resume', bravo, xid, '--yes']);
  expect(refused.stdout).toMatch(/ok +alpha[^]*warn +bravo +server bravo: [^]*ok +charlie/);
  expect(errorOf(refused).code).toBe('KEY_NOT_CHECKED');
  expect(refused.status).toBe(77);
});

test('ckm key check --every says when the next one is due, and a calendar asks only what is', async () => {
  const never = await ckm('ckm key check notes --every never');
  expect(never.stdout).toBe('notes: is not to be checked\n');
  expect((await ckm('ckm key check --all --due')).stdout).toBe('no key is due\n');
  expect((await ckm('ckm key check notes --every 30d')).stdout).toMatch(/^notes: next check \d{4}.*in 30 d/);
  const unclear = await ckm('ckm key check');
  expect(errorOf(unclear).code).toBe('OPTION_INVALID');
});

test('ckm freeze says NOT yet while too few servers have been told, then stopped; only operators thaw', async () => {
  for (const i of [1, 2]) proxies[i]!.before = () => 'hang';
  const few = await ckm('ckm freeze notes');
  for (const i of [1, 2]) proxies[i]!.before = () => 'pass';
  expect(few.stdout).toMatch(/^notes is NOT yet stopped: 1 of 3 servers have it, 2 are needed/);
  expect([few.status, errorOf(few).code]).toEqual([69, 'KEY_NOT_FROZEN']);
  expect((await ckm('ckm status')).stdout).toMatch(/NOT stopped, frozen only at alpha: ckm freeze notes/);

  const stopped = await ckm('ckm freeze notes');
  expect(stopped.stdout).toMatch(/^notes is stopped until .* 3 of 3 servers have it, 2 are needed/);
  expect(stopped.status).toBe(0);
  expect(await sign()).toMatchObject({ status: 77, stderr: expect.stringContaining('POLICY_KEY_FROZEN') });
  expect((await ckm('ckm freeze notes --for 7d')).status).toBe(0);
  expect(await ckm('ckm freeze --all')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(
      /^1 of 1 {2}notes is stopped until .*: 3 of 3 servers have it, 2 are needed\n1 key stopped\n$/,
    ),
  });
  expect((await ckm('ckm status')).stdout).toMatch(/frozen at alpha, bravo, charlie until /);

  const asked = await ckm('ckm thaw notes');
  expect(asked.stdout).toMatch(
    /^0 of 3 servers go on with notes, 2 are needed to sign; the operators of the others are asked/,
  );
  expect((await ckm('ckm thaw --all')).stdout).toMatch(
    /^0 of 3 servers go on with notes, .* are asked; each ends it with: ckm server policy thaw FOLDER [0-9a-f]{8}\n$/,
  );
  expect(await sign()).toMatchObject({ status: 77, stderr: expect.stringContaining('POLICY_KEY_FROZEN') });
  expect((await ckm('ckm server policy show FOLDER KEY')).stdout).toContain('Frozen by its owner until');
  const thawed = await ckm('ckm server policy thaw FOLDER KEY');
  expect(thawed.stdout).not.toContain('Frozen by its owner');
  await setup.json(['server', 'policy', 'thaw', setup.folderOf('bravo'), keyId]);
  expect((await sign()).status).toBe(0);
});

/** The account of this owner at alpha, as its operator names it. */
async function accountAtAlpha() {
  const accounts = await setup.json<{ xid: string; keys: number; frozen: object | null }[]>([
    'server',
    'accounts',
    'list',
    setup.folderOf('alpha'),
  ]);
  return accounts.find(({ keys }) => keys === 1)!;
}

test('ckm freeze --account stops all that the owner asks for at each server, and names one that was not told; status says who froze it and until when; only its operator ends it', async () => {
  proxies[2]!.before = () => 'hang';
  const few = await ckm('ckm freeze --account');
  proxies[2]!.before = () => 'pass';
  expect(few.stdout).toMatch(
    /^your account is NOT frozen everywhere: 2 of 3 servers do nothing more for you\n/,
  );
  expect([few.status, errorOf(few)]).toEqual([
    69,
    expect.objectContaining({ code: 'ACCOUNT_NOT_FROZEN', message: expect.stringContaining('charlie') }),
  ]);
  const all = await ckm('ckm freeze --account');
  expect(all.stdout).toMatch(/^your account is frozen: 3 of 3 servers do nothing more for you\n/);
  expect(all.stdout).toMatch(/ok +alpha +does nothing for you +until .*, frozen by your words\n/);
  expect(all.status).toBe(0);
  expect(await sign()).toMatchObject({ status: 77, stderr: expect.stringContaining('ACCOUNT_FROZEN') });
  const contact = await ckm('ckm contact set alpha totp', ['--yes']);
  expect(errorOf(contact).code).toBe('ACCOUNT_FROZEN');
  const { stdout: screen } = await ckm('ckm status');
  expect(screen).toMatch(/alpha .*your account is frozen by your words until .*: ckm thaw --account alpha/);
  expect(screen).toMatch(/notes .*frozen at alpha, bravo, charlie until /);

  // Said again it is no other freeze.
  const before = (await accountAtAlpha()).frozen;
  expect((await ckm('ckm freeze --account alpha')).status).toBe(0);
  expect((await accountAtAlpha()).frozen).toEqual(before);

  const asked = await ckm('ckm thaw --account');
  expect(asked.stdout.match(/does nothing for you until its operator thaws you/g)).toHaveLength(3);
  for (const name of SERVERS) {
    const folder = setup.folderOf(name);
    const list = await callCkm(['server', 'accounts', 'list', folder], { environment });
    const [, account] = /^([0-9a-f]{8}) .*is frozen by its words until .*; asked to be thawed /m.exec(
      list.stdout,
    )!;
    const thaw = ['server', 'accounts', 'thaw', folder, account!];
    expect((await callCkm([...thaw, '--preview'], { environment })).stdout).toMatch(/^would thaw /);
    expect((await callCkm([...thaw, '--yes'], { environment })).stdout).toMatch(/^thawed [0-9a-f]{64}\n$/);
    expect((await callCkm([...thaw, '--yes'], { environment })).stdout).toMatch(/was not frozen\n$/);
  }
  expect((await sign()).status).toBe(0);
  expect((await ckm('ckm freeze notes --account')).status).toBe(64);
});
