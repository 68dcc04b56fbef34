import { encodeHex } from '@ckm/foundation';
import {
  createXidDocument,
  formatEnvelopeUr,
  formatXidDocument,
  formatWords,
  likenessOf,
  signXidDocument,
} from '@ckm/gordian';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import {
  type NetworkServer,
  cardOf,
  createTestNetwork,
  json,
  ownerClient,
  type TestNetwork,
  stranger,
  unreachable,
} from '../test/test-network.js';

let network: TestNetwork;
let store: ClientStore;
let client: Client;
let alpha: NetworkServer;

beforeEach(async () => {
  network = await createTestNetwork(2);
  store = memoryStore();
  client = ownerClient(network.send, () => network.now, { store });
  alpha = network.server('alpha');
});
afterEach(async () => {
  await client.close();
  await network.close();
});

const add = (more: object = {}) => client.addServer({ name: 'alpha', url: alpha.url, ...more });

describe('a server', () => {
  test('is looked at before it is pinned: nothing is written', async () => {
    const seen = await client.previewServer(alpha.url);
    expect(encodeHex(seen.xid)).toBe(encodeHex(alpha.identity.xid));
    expect(seen.likeness).toEqual(likenessOf(alpha.identity.xid));
    expect(await store.list('servers')).toEqual([]);
    expect(alpha.asked).toEqual([]);
  });

  test.each([
    ['the six words', (server: NetworkServer) => formatWords(likenessOf(server.identity.xid))],
    [
      'the words as people type them',
      (server: NetworkServer) => likenessOf(server.identity.xid).words.join(' ').toUpperCase(),
    ],
    ['the whole id', (server: NetworkServer) => encodeHex(server.identity.xid)],
  ])('is pinned when it looks like %s its operator told', async (_what, told) => {
    const record = await add({ expectedLikeness: told(alpha) });
    expect(record).toMatchObject({ name: 'alpha', url: alpha.url, accountSince: network.now });
    expect(await client.listServers()).toHaveLength(1);
  });

  test.each([
    ['other words', 'olive-canyon-ferret-magnet-dune-cat'],
    ['nothing', ''],
    ['the short digest alone, of which twins are found in seconds', 'digest'],
  ])('V63: that does not look like %s its operator told is refused', async (_what, told) => {
    const expectedLikeness = told === 'digest' ? likenessOf(alpha.identity.xid).digest : told;
    await expect(add({ expectedLikeness })).rejects.toMatchObject({
      code: 'SERVER_LIKENESS_MISMATCH',
      exitCode: 77,
    });
    expect(await store.list('servers')).toEqual([]);
  });

  test('V63: that is exchanged between the look and the yes is not pinned', async () => {
    const { xid } = await client.previewServer(alpha.url);
    alpha.identity = network.server('bravo').identity;
    await expect(add({ expectedXid: xid })).rejects.toMatchObject({
      code: 'SERVER_LIKENESS_MISMATCH',
      exitCode: 77,
    });
    expect(await store.list('servers')).toEqual([]);
  });

  test('V63: behind whose address somebody else answers is refused from then on', async () => {
    await add();
    alpha.identity = stranger();
    await expect(add()).rejects.toMatchObject({
      code: 'SERVER_IDENTITY_CHANGED',
      exitCode: 77,
      hint: expect.stringContaining('under a new name'),
      remedy: { kind: 'addServer' },
    });
    expect((await client.status()).servers).toMatchObject([{ isReachable: false }]);
    const lines = await client.diagnose();
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'fail',
        subject: 'alpha',
        text: expect.stringContaining('somebody else answers'),
      }),
    );
  });

  test('is not to be compared under the name of another server: that one answers where it always did', async () => {
    await add();
    const { url } = network.server('bravo');
    const named = client.previewServer(url, { name: 'alpha' });
    await expect(named).rejects.toMatchObject({
      code: 'SERVER_EXISTS',
      message: expect.stringContaining(`alpha is already the server at ${alpha.url} (`),
      hint: expect.stringContaining('under a name of its own'),
    });
    await expect(add({ url })).rejects.toMatchObject({ code: 'SERVER_EXISTS' });
    const expectedLikeness = 'olive-canyon-ferret-magnet-dune-cat';
    await expect(client.previewServer(url, { name: 'alpha', expectedLikeness })).rejects.toMatchObject({
      code: 'SERVER_LIKENESS_MISMATCH',
    });
    expect(await client.showServer('alpha')).toMatchObject({ url: alpha.url, xid: alpha.identity.xid });
    expect(await client.previewServer(alpha.url, { name: 'alpha' })).toMatchObject({ url: alpha.url });
    alpha.identity = stranger();
    await expect(client.previewServer(alpha.url, { name: 'alpha' })).rejects.toMatchObject({
      code: 'SERVER_IDENTITY_CHANGED',
    });
  });

  test('V63: whose sealing key somebody in between exchanged is refused: the document is signed', async () => {
    const mallory = stranger();
    const forged = { ...alpha.identity.publicKeys, agreement: mallory.publicKeys.agreement };
    const cards = [
      // The right signing key with another sealing key, unsigned, signed by the forger, and signed for something else.
      { document: formatXidDocument(createXidDocument(forged)) },
      { document: formatEnvelopeUr(signXidDocument(createXidDocument(forged), mallory)) },
      { document: cardOf({ name: 'alpha', identity: alpha.identity }).document.slice(0, -8) },
    ];
    for (const card of cards) {
      alpha.wire = async (request, pass) =>
        request.method === 'GET' ? json(200, { ...cardOf(alpha), ...card }) : pass();
      await expect(add()).rejects.toMatchObject({ code: 'SERVER_IDENTITY_INVALID' });
    }
    expect(await store.list('servers')).toEqual([]);
  });

  test.each<[string, () => Promise<{ status: number; contentType: string; body: Uint8Array }>, string]>([
    [
      'an error page',
      async () => ({ status: 404, contentType: 'text/html', body: new Uint8Array(3) }),
      'SERVER_PROXY_ANSWERED',
    ],
    ['something that is no card', async () => json(200, { hello: 'world' }), 'SERVER_IDENTITY_INVALID'],
    [
      'a card a megabyte long',
      async () => json(200, { document: 'x'.repeat(1_000_000) }),
      'SERVER_IDENTITY_INVALID',
    ],
    [
      'no JSON',
      async () => ({ status: 200, contentType: '', body: new Uint8Array([0xff]) }),
      'SERVER_IDENTITY_INVALID',
    ],
    ['nothing at all', () => Promise.reject(unreachable('alpha')), 'SERVER_UNREACHABLE'],
  ])('is not pinned when its identity card is %s', async (_what, reply, code) => {
    alpha.wire = reply;
    await expect(add()).rejects.toMatchObject({ code });
    expect(await store.list('servers')).toEqual([]);
  });

  test.each([
    'ftp://alpha',
    'http://user:pass@alpha',
    'alpha',
    '',
    'http://alpha/?a=b',
    'http://alpha/#x',
    'javascript:alert(1)',
  ])('is not looked for at %j', async (url) => {
    await expect(add({ url })).rejects.toMatchObject({ code: 'SERVER_URL_INVALID', exitCode: 64 });
  });

  test.each(['', 'Alpha', '../alpha', 'a b', 'a'.repeat(33), '-a', 'a.lock', '__proto__'])(
    'is not called %j',
    async (name) => {
      await expect(add({ name })).rejects.toMatchObject({ code: 'NAME_INVALID', exitCode: 64 });
    },
  );

  test('called constructor is a server like any other (V10)', async () => {
    await add({ name: 'constructor' });
    expect((await client.showServer('constructor')).name).toBe('constructor');
    await expect(client.showServer('toString')).rejects.toMatchObject({ code: 'SERVER_UNKNOWN' });
  });

  test('under two names would count twice in a quorum, and is refused', async () => {
    await add();
    await expect(add({ name: 'other' })).rejects.toMatchObject({ code: 'SERVER_EXISTS' });
  });

  test('is told another name than every other server: no two of them can see that they serve one owner', async () => {
    await add();
    await client.addServer({ name: 'bravo', url: network.server('bravo').url });
    const accounts = await Promise.all(
      network.servers.map(({ bare: { context } }) =>
        context.storage.read((reader) => reader.accounts.list({ after: null, limit: 10 })),
      ),
    );
    const xids = accounts.flat().map(({ xid }) => encodeHex(xid));
    expect(xids).toHaveLength(2);
    expect(new Set(xids).size).toBe(2);
  });

  test('that a key needs is not forgotten; one that no key needs is', async () => {
    await add();
    await client.addServer({ name: 'bravo', url: network.server('bravo').url });
    await client.createKey({
      name: 'k',
      purpose: 'message',
      quorum: { needed: 2, of: 2 },
      servers: ['alpha', 'bravo'],
    });
    await expect(client.removeServer('alpha')).rejects.toMatchObject({ code: 'SERVER_IN_USE' });
    await expect(client.removeServer('zulu')).rejects.toMatchObject({ code: 'SERVER_UNKNOWN' });
    await store.delete('keys/k');
    await client.removeServer('alpha');
    expect((await client.listServers()).map(({ name }) => name)).toEqual(['bravo']);
  });

  test('V68: whose clock is wrong is pointed out, not believed', async () => {
    await add();
    const mine = ownerClient(network.send, () => network.now - 45, { store });
    const lines = await mine.diagnose();
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', subject: 'clock', text: 'your clock is 45 s behind alpha' }),
    );
    await mine.close();
  });
});
