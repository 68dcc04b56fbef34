import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { parseCertificate } from '@ckm/threshold';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import {
  copyStore,
  crashingStore,
  createOwnedNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';
import { readMaterial } from './material/read-material.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;
const HEX = `07${'00'.repeat(30)}0a`;

let network: TestNetwork;
let store: ClientStore;
let client: Client;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
});
afterEach(() => network.close());

const reopen = (over: ClientStore = store) => ownerClient(network.send, () => network.now, { store: over });
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const material = (hex = HEX) =>
  readMaterial(encodeUtf8(hex), {
    purpose: 'message',
    suite: 'ed25519',
    network: 'bitcoin',
    path: null,
    passphrase: null,
    format: 'scalar',
  });
const args = (hex = HEX) => ({ ...KEY, material: material(hex) });

describe('importing a key', () => {
  test('it is dealt, stored by every server, marked, and signs under its own public key', async () => {
    const plan = await client.planImport(args());
    expect(plan).toMatchObject({ goesOn: false, proposal: { kind: 'import', hd: false } });
    const key = await client.importKey(args());
    expect(key.public.groupKey).toEqual(material().groupKey);
    expect(plan.shown.groupKey).toEqual(key.public.groupKey);
    expect(key.isComplete).toBe(true);
    expect(parseCertificate(key.record.certificate).params.flags.dealt).toBe(true);
    expect((await client.verifyKey('k')).isSound).toBe(true);
    expect((await client.sign({ key: 'k', ...messageOf('first') })).signers).toHaveLength(2);
    expect((await client.checkKey('k')).servers.map(({ verdict }) => verdict)).toEqual(
      SERVERS.map(() => 'holds'),
    );
    expect((await client.listSessions()).map(({ state }) => state)).toEqual(['finished']);
  });

  test('it is refreshed as any other, and stays marked; each of the two tells its own steps', async () => {
    const [importing, refreshing] = [hearSteps('import'), hearSteps('refresh')];
    await client.importKey(args(), importing.on);
    importing.expectAll();
    await client.changeKey({ name: 'k', wish: { kind: 'refresh' } }, refreshing.on);
    refreshing.expectAll();
    const key = await client.showKey('k');
    expect(key.newest.params).toMatchObject({ epoch: 1, flags: { dealt: true } });
    expect(key.public.groupKey).toEqual(material().groupKey);
    expect((await client.sign({ key: 'k', ...messageOf('after') })).signers).toHaveLength(2);
  });

  test('once more is refused by the servers, and the name stays free', async () => {
    await client.importKey(args());
    await expect(client.importKey({ ...args(), name: 'again' })).rejects.toThrow(code('PUBLIC_KEY_TAKEN'));
    await client.createKey({ ...KEY, name: 'again' });
  });

  test('nothing of the key is in what is kept here', async () => {
    const written: string[] = [];
    const watched: ClientStore = {
      ...store,
      put: (path, bytes) => {
        written.push(encodeHex(bytes));
        return store.put(path, bytes);
      },
    };
    const owner = reopen(watched);
    await owner.importKey(args(`${'31'.repeat(31)}02`));
    await owner.close();
    expect(written.length).toBeGreaterThan(3);
    for (const text of written) expect(text).not.toContain('31'.repeat(16));
  });

  test('cut at any write, it goes on when it is said again, and what was dealt is not dealt again', async () => {
    const base = await copyStore(store);
    const dealings = new Set<string>();
    let died = true;
    for (let crashAt = 1; died; crashAt++) {
      expect(crashAt).toBeLessThan(20);
      const name = `k${crashAt}`;
      const hex = `${crashAt.toString(16).padStart(2, '0')}${'00'.repeat(30)}01`;
      const disk = await copyStore(base);
      const crashing = crashingStore(disk);
      crashing.crashAt = crashAt;
      const first = reopen(crashing);
      died = await first.importKey({ ...args(hex), name }).then(
        () => false,
        (error: Error) => error.message === 'the process is dead',
      );
      if (!died) break;
      const second = reopen(disk);
      const [before] = await second.listSessions();
      const key = await second.importKey({ ...args(hex), name }).catch((error: unknown) => error);
      const after = (await second.listSessions()).find(({ state }) => state === 'finished');
      if (before !== undefined && before.parameters !== null) {
        dealings.add(name);
        expect(encodeHex(after!.parameters!)).toBe(encodeHex(before.parameters));
      }
      // Where all was stored and only the end of the session was not noted, the name is taken by the key itself.
      expect(key instanceof Error ? (key as { code?: string }).code : 'made').toBe('made');
      expect((await second.showKey(name)).public.groupKey).toEqual(material(hex).groupKey);
      await Promise.all([first.close(), second.close()].map((one) => one.catch(() => undefined)));
    }
    expect(dealings.size).toBeGreaterThan(1);
  });

  test('cut before it was dealt, it is not gone on with by its id alone: the key is not kept', async () => {
    const charlie = network.servers.find(({ name }) => name === 'charlie')!;
    charlie.tamper = () => Promise.reject(unreachable(charlie.url));
    const impatient = ownerClient(network.send, () => network.now, { store, timeoutMs: 300 });
    await expect(impatient.importKey(args())).rejects.toThrow(code('SERVERS_MISSING'));
    charlie.tamper = null;
    const { sessionId } = (await client.listSessions())[0]!;
    await expect(client.resumeSession(encodeHex(sessionId))).rejects.toThrow(code('IMPORT_NOT_DEALT'));
    await expect(client.importKey(args(`09${'00'.repeat(31)}`))).rejects.toThrow(code('KEY_EXISTS'));
    expect((await client.planImport(args())).goesOn).toBe(true);
    expect((await client.importKey(args())).isComplete).toBe(true);
  });
});
