// @module-tag long
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

/** An owner with two keys of 2 of 3 servers, and one of 2 of 2: letters, notes, pair. */
let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;
/** The owner’s other computer, which knows nothing of pair. */
let other: Record<string, string>;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'owner') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  await create('letters', '2of3', SERVERS);
  await create('notes', '2of3', SERVERS);
  other = { ...environment, CKM_HOME: join(setup.scratch.path, 'other') };
  cpSync(environment['CKM_HOME']!, other['CKM_HOME']!, { recursive: true });
  await create('pair', '2of2', ['alpha', 'bravo']);
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

async function create(name: string, quorum: string, servers: readonly string[]): Promise<void> {
  const how = ['--for', 'message', '--quorum', quorum, '--servers', servers.join(), '--yes', '--json'];
  const made = await callCkm(['key', 'create', name, ...how], { environment });
  if (made.status !== 0) throw new Error(made.stderr);
}

const ckm = (line: string, as = environment): Promise<Outcome> =>
  callCkm([...line.split(' '), '--timeout', '5'], { environment: as });
const sign = (name: string) => ckm(`sign ${name} --message hello --yes`);

test('ckm freeze --all --preview tells nobody, and writes nothing', async () => {
  const before = treeHash(environment['CKM_HOME']!);
  const previewed = await ckm('freeze --all --preview');
  expect([previewed.status, previewed.stdout]).toEqual([
    0,
    'nothing was sent; would tell all servers of letters, notes, pair\n',
  ]);
  expect(treeHash(environment['CKM_HOME']!)).toBe(before);
  expect((await sign('letters')).status).toBe(0);
});

test('keys that too few servers have heard of are named as not stopped, with what keeps them from it; the others are stopped', async () => {
  for (const i of [1, 2]) proxies[i]!.before = () => 'hang';
  const few = await ckm('freeze --all');
  for (const i of [1, 2]) proxies[i]!.before = () => 'pass';
  const lines = few.stdout.trimEnd().split('\n');
  expect(lines.slice(0, 3).map((line) => line.slice(0, 6))).toEqual(['1 of 3', '2 of 3', '3 of 3']);
  for (const name of ['letters', 'notes'])
    expect(few.stdout).toMatch(
      new RegExp(
        `^\\d of 3 {2}${name} is NOT yet stopped: 1 of 3 servers have it, 2 are needed; bravo: \\S.*; charlie: \\S`,
        'm',
      ),
    );
  expect(few.stdout).toMatch(
    /^\d of 3 {2}pair is stopped until .*: 1 of 2 servers have it, 1 are needed; bravo: /m,
  );
  expect(lines.slice(3)).toEqual(['1 key stopped; NOT stopped: letters, notes: say the same again']);
  expect([few.status, errorOf(few).code]).toEqual([69, 'KEY_NOT_FROZEN']);
  expect(errorOf(few).message).toContain('letters is NOT yet stopped');
});

test('said again it tells whoever has not heard: all are stopped, and none of them signs', async () => {
  const all = await ckm('freeze --all');
  expect([all.status, all.stdout]).toEqual([0, expect.stringMatching(/\n3 keys stopped\n$/)]);
  for (const name of ['letters', 'notes', 'pair'])
    expect(await sign(name)).toMatchObject({
      status: 77,
      stderr: expect.stringContaining('POLICY_KEY_FROZEN'),
    });
  const again = await ckm('freeze --all --json');
  const { frozen, failed, unrecorded } = JSON.parse(again.stdout) as {
    frozen: { name: string; isStopped: boolean }[];
    failed: unknown[];
    unrecorded: unknown[];
  };
  expect(new Map(frozen.map(({ name, isStopped }) => [name, isStopped]))).toEqual(
    new Map(['letters', 'notes', 'pair'].map((name) => [name, true])),
  );
  expect([failed, unrecorded]).toEqual([[], []]);
});

test('a key whose record cannot be read is named as not stopped, and keeps no other from it', async () => {
  const record = join(environment['CKM_HOME']!, 'store/keys/letters');
  const before = readFileSync(record);
  writeFileSync(record, 'garbage');
  const frozen = await ckm('freeze --all');
  const thawed = await ckm('thaw --all');
  writeFileSync(record, before);
  expect(frozen.stdout).toMatch(/^1 of 3 {2}letters is NOT stopped: \S.* \([A-Z_]+\)$/m);
  expect(frozen.stdout).toMatch(/\n2 keys stopped; NOT stopped: letters: say the same again\n$/);
  expect(frozen.status).toBe(74);
  expect(thawed.stdout).toMatch(/^nobody was asked about letters: \S.* \([A-Z_]+\)$/m);
  expect(thawed.stdout).toMatch(
    /^0 of 3 servers go on with notes, .*; each ends it with: ckm server policy thaw FOLDER [0-9a-f]{8}$/m,
  );
  expect(thawed.status).toBe(74);
});

test('keys that servers hold and that are not on record here are counted, and it does not say that all is stopped', async () => {
  const rest = await ckm('freeze --all', other);
  expect(rest.stdout.trimEnd().split('\n').at(-1)).toBe(
    '2 keys stopped; NOT stopped: 1 key at alpha not on record here; NOT stopped: 1 key at bravo not on record here',
  );
  expect([rest.status, errorOf(rest).code]).toEqual([75, 'KEY_NOT_FROZEN']);
  expect(errorOf(rest).hint).toContain('ckm key fetch');
  expect((await ckm('key fetch --name pair', other)).status).toBe(0);
  expect(await ckm('freeze --all', other)).toMatchObject({ status: 0 });
});
