import type { Result } from '@ckm/api';
import { AccessError, secret, StorageError } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { isDecidable } from '../keys/changes/decidable.js';
import { saveKeyRecord } from '../keys/keys.js';
import { memoryStore } from '../store/memory-store.js';
import type { UnreadableRecord } from '../store/record-store.js';
import { changeMargin, changersNeeded, formatMargin, marginOf } from './margins.js';
import { createTestNetwork, recordsOf, type TestNetwork, unreachable } from '../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie', 'delta'];

let network: TestNetwork;
let client: Client;

beforeAll(async () => {
  network = await createTestNetwork(4);
  client = await network.owner();
  const names = network.servers.map(({ name }) => name);
  expect(names).toEqual(SERVERS);
  const of = { purpose: 'message', servers: SERVERS } as const;
  await client.createKey({ ...of, name: 'roomy', quorum: { needed: 2, of: 4 } });
  await client.createKey({ ...of, name: 'tight', quorum: { needed: 4, of: 4 } });
});
afterEach(() => network.makeHonest());
afterAll(async () => {
  await client.close();
  await network.close();
});

const silence = (...names: readonly string[]) => {
  for (const name of names) network.server(name).wire = () => Promise.reject(unreachable(name));
};
const linesAbout = async (subject: string, version?: string) =>
  (await client.diagnose(version)).filter((line) => line.subject === subject);

describe('how many more may fail', () => {
  test.each([
    [[], 2, 1, false, '4 of 4 servers answer, 2 are needed (3 to change hands)'],
    [['delta'], 1, 0, true, '1 server may fail; none may fail and it still changes hands'],
    [['delta', 'alpha'], 0, -1, true, 'none may fail; cannot change hands: that takes 3'],
  ])(
    'with %j gone is low at half, for status and doctor alike, for signing and for changes, which take a majority',
    async (gone, margin, changing, isLow, text) => {
      silence(...gone);
      const { keys } = await client.status();
      const roomy = keys.find(({ name }) => name === 'roomy')!;
      expect(roomy).toMatchObject({ margin, isMarginLow: isLow });
      expect(roomy.changes).toEqual({ needed: 3, margin: changing, isLow });
      const lines = await linesAbout('roomy');
      expect(lines.map(({ level }) => level).includes('warn')).toBe(isLow);
      expect(lines.map((line) => line.text)).toContainEqual(expect.stringContaining(text));
    },
  );

  test.each([
    [{ needed: 2, of: 3 }, false, 3, '1 server may fail'],
    [{ needed: 2, of: 3 }, true, 3, '1 server may fail; none may fail and it still changes hands'],
    [{ needed: 2, of: 3 }, true, 2, 'none may fail; cannot change hands: that takes 3'],
    [{ needed: 3, of: 5 }, true, 5, '2 servers may fail; 1 may fail and it still changes hands'],
    [{ needed: 2, of: 4 }, false, 4, '2 servers may fail; 1 may fail and it still changes hands'],
    [{ needed: 2, of: 5 }, false, 5, '3 servers may fail; 2 may fail and it still changes hands'],
    [{ needed: 2, of: 5 }, false, 4, '2 servers may fail; 1 may fail and it still changes hands'],
    [{ needed: 3, of: 6 }, false, 6, '3 servers may fail; 2 may fail and it still changes hands'],
    [{ needed: 3, of: 3 }, false, 3, 'none may fail: it needs them all'],
    [{ needed: 2, of: 4 }, false, 1, 'cannot sign'],
  ])('of %j, strict: %j, with %i that sign is said in words', (quorum, strict, signing, words) => {
    const changes = marginOf(signing, { needed: changersNeeded(quorum, strict), of: quorum.of });
    const { margin } = marginOf(signing, quorum);
    expect(formatMargin({ quorum, margin, changes, absent: [] })).toBe(words);
  });

  test.each([
    [{ needed: 2, of: 3 }, false, 0, 1],
    [{ needed: 2, of: 3 }, false, 1, 0],
    [{ needed: 2, of: 3 }, false, 2, -1],
    [{ needed: 2, of: 3 }, true, 1, 0],
    [{ needed: 2, of: 3 }, true, 2, -2],
    [{ needed: 2, of: 2 }, false, 1, 0],
    [{ needed: 3, of: 5 }, false, 2, 0],
    [{ needed: 3, of: 5 }, false, 3, -1],
  ])(
    'of %j, strict: %j, of which all answer and %i forgot, %i may fail and it still changes hands',
    (quorum, strict, forgot, margin) => {
      const deciding = { needed: changersNeeded(quorum, strict), of: quorum.of };
      expect(changeMargin(quorum.of, forgot, deciding).margin).toBe(margin);
      expect(isDecidable(deciding, forgot)).toBe(margin >= 0);
    },
  );

  test('counts on nobody who forgot where the others are not all there to remind it', () => {
    expect(changeMargin(2, 1, { needed: 2, of: 3 }).margin).toBe(-1);
    expect(changeMargin(2, 0, { needed: 2, of: 3 }).margin).toBe(0);
    const changes = changeMargin(3, 2, { needed: 2, of: 3 });
    const key = { quorum: { needed: 2, of: 3 }, margin: 1, changes, absent: [] };
    expect(formatMargin({ ...key, forgot: ['bravo', 'charlie'] })).toBe(
      '1 server may fail; cannot change hands: that takes 2 that have not forgotten',
    );
  });

  test('warns at half of what may fail before it cannot change hands, also where half of the signers are left', () => {
    const isLow = (signing: number) =>
      [2, 3].map((needed) => marginOf(signing, { needed, of: 5 })).map((one) => one.isLow);
    expect([5, 4, 3].map(isLow)).toEqual([
      [false, false],
      [false, true],
      [true, true],
    ]);
  });

  test('is never low where nothing was to spare', async () => {
    const { keys } = await client.status();
    expect(keys.find(({ name }) => name === 'tight')).toMatchObject({ margin: 0, isMarginLow: false });
  });
});

describe('a server whose last key check failed', () => {
  const roomyOf = async () => (await client.status()).keys.find(({ name }) => name === 'roomy')!;
  const answering = (answer: (honest: unknown) => unknown) => {
    network.server('alpha').tamper = async ({ name }, honest) =>
      name === 'key.check' ? answer(await honest()) : honest();
  };

  test('is not counted as one that signs until it has proved its share, and is named with what to do', async () => {
    answering(() => ({ proof: new Uint8Array(64) }));
    await client.checkKey('roomy');
    expect(await roomyOf()).toMatchObject({
      reachable: ['bravo', 'charlie', 'delta'],
      unproved: ['alpha'],
      absent: [],
      margin: 1,
      isMarginLow: true,
      changes: { margin: 0 },
    });
    expect(await linesAbout('roomy')).toContainEqual({
      level: 'warn',
      subject: 'roomy',
      text: '1 server may fail; none may fail and it still changes hands: 3 of 4 servers sign, 2 are needed (3 to change hands)',
      fix: 'have alpha prove its share',
      remedy: { kind: 'checkKey', key: 'roomy' },
    });
    network.makeHonest();
    await client.checkKey('roomy');
    expect(await roomyOf()).toMatchObject({ unproved: [], margin: 2, isMarginLow: false });
  });

  test('because it had lost its share is counted on again once it says that it has it', async () => {
    answering(() => {
      throw new AccessError('there is no such key', { code: 'KEY_UNKNOWN', hint: 'ask its operator' });
    });
    await client.checkKey('roomy');
    expect(await roomyOf()).toMatchObject({ unproved: [], lost: [], margin: 2 });
    await client.checkKey('roomy');
  });
});

test('a change that is decided and not entered is told by status and doctor, with whom it waits at', async () => {
  network.server('alpha').tamper = async ({ name }, honest) => {
    const reply = await honest();
    if (name !== 'key.list') return reply;
    const { keys, ...rest } = reply as Result<'key.list'>;
    return { ...rest, keys: keys.map((key) => ({ ...key, decided: 1 })) };
  };
  const { keys } = await client.status();
  const tight = keys.find(({ name }) => name === 'tight')!;
  expect(tight.decided).toEqual({ epoch: 1, servers: ['alpha'] });
  expect(tight.reachable).toEqual(SERVERS);
  expect(await linesAbout('tight on alpha')).toEqual([
    {
      level: 'warn',
      subject: 'tight on alpha',
      text: 'has the certificate of epoch 1, and has not entered it yet',
      fix: 'verify the key: its servers are shown who is ready for it',
      remedy: { kind: 'verifyKey', key: 'tight' },
    },
  ]);
});

test('what to do about a silent server names its operator, and then where more is said', async () => {
  silence('delta');
  expect((await linesAbout('delta')).find(({ level }) => level === 'fail')).toMatchObject({
    fix: 'ask its operator; what that means',
    remedy: { kind: 'read', code: 'SERVER_UNREACHABLE' },
  });
});

test('a mistyped name of a key or a server is answered with the nearest one there is', async () => {
  await expect(client.showKey('romy')).rejects.toMatchObject({ hint: 'did you mean roomy? list your keys' });
  await expect(client.showServer('brawo')).rejects.toMatchObject({
    hint: 'did you mean bravo? list your servers, or add it first',
  });
  await expect(client.showKey('other')).rejects.toMatchObject({ hint: 'list your keys' });
});

test('a server that cannot tell which keys it holds is not counted on, and says why', async () => {
  const damaged = new StorageError('a row of keys is not what this server stored', {
    code: 'ROW_TAMPERED',
    hint: 'ask its operator',
  });
  network.server('alpha').tamper = ({ name }, honest) =>
    name === 'key.list' ? Promise.reject(damaged) : honest();
  const { servers, keys } = await client.status();
  expect(servers.find(({ name }) => name === 'alpha')).toMatchObject({
    isReachable: true,
    problem: { code: 'ROW_TAMPERED', text: 'server alpha: a row of keys is not what this server stored' },
  });
  expect(keys.find(({ name }) => name === 'tight')).toMatchObject({
    reachable: ['bravo', 'charlie', 'delta'],
    lost: [],
    behind: [],
    margin: -1,
  });
});

test('a server that has stopped a key, because it computed a wrong share with it, is not counted on and is named with what ends it', async () => {
  network.server('alpha').tamper = async ({ name }, honest) => {
    const reply = await honest();
    if (name !== 'key.list') return reply;
    const { keys, ...rest } = reply as Result<'key.list'>;
    return { ...rest, keys: keys.map((key) => ({ ...key, stoppedAt: 1_900_000_000 })) };
  };
  const { keys } = await client.status();
  const tight = keys.find(({ name }) => name === 'tight')!;
  expect(tight).toMatchObject({
    reachable: ['bravo', 'charlie', 'delta'],
    lost: [],
    behind: [],
    stopped: ['alpha'],
    margin: -1,
  });
  expect(await linesAbout('tight on alpha')).toEqual([
    {
      level: 'fail',
      subject: 'tight on alpha',
      text: 'has stopped the key: it computed a wrong share with it',
      fix: 'ask the operator of alpha to look at its machine, then to release the key',
      remedy: { kind: 'releaseKey', id: tight.id },
    },
  ]);
});

test.each([
  ['of a kind of a later version', 7, 'is of a kind this version does not know'],
  ['cut short', null, 'does not hold: it cannot be read'],
])(
  'a key whose certificate is %s is told of, and the others are listed all the same',
  async (_what, kind, text) => {
    const store = memoryStore();
    const seed = new Uint8Array(32).fill(0x50 + (kind ?? 1));
    const told: UnreadableRecord[] = [];
    const owner = await network.owner({
      store,
      seed: secret(seed.slice()),
      onUnreadable: (record) => void told.push(record),
    });
    const of = { purpose: 'message', servers: SERVERS.slice(0, 2), quorum: { needed: 2, of: 2 } } as const;
    await owner.createKey({ ...of, name: 'good' });
    const { record } = await owner.createKey({ ...of, name: 'strange' });
    const { certificate } = record;
    const changed =
      kind === null ? certificate.subarray(0, 40) : certificate.map((byte, i) => (i === 1 ? kind : byte));
    const records = recordsOf(store, seed);
    await saveKeyRecord(records, { ...record, certificate: changed });
    expect((await owner.status()).keys.map(({ name }) => name)).toEqual(['good']);
    expect((await owner.listKeys()).map(({ name }) => name)).toEqual(['good']);
    expect((await owner.fetchKeys()).keys.map(({ suggestedName }) => suggestedName).length).toBeGreaterThan(
      0,
    );
    expect(told.map(({ path, error }) => [path, error.code])).toEqual([
      ['keys/strange', 'KEY_CERTIFICATE_INVALID'],
    ]);
    expect(told[0]!.error.message).toContain(text);
    const lines = (await owner.diagnose()).filter(({ subject }) => subject === 'keys/strange');
    expect(lines).toMatchObject([{ level: 'fail', isLocal: true }]);
    await expect(owner.removeServer('alpha')).rejects.toMatchObject({ code: 'KEY_CERTIFICATE_INVALID' });
    await owner.close();
  },
);

test('too few servers to sign, and why each of them does not', async () => {
  silence('delta');
  const damaged = new StorageError('a row of keys is not what this server stored', {
    code: 'ROW_TAMPERED',
    hint: 'ask its operator',
  });
  network.server('alpha').tamper = ({ name }, honest) =>
    name === 'request.ask' ? Promise.reject(damaged) : honest();
  network.server('bravo').tamper = network.server('alpha').tamper;
  const payload = buildMessageRequest({ domain: 'test', bytes: Uint8Array.of(0x61) });
  await expect(client.sign({ key: 'roomy', kind: 'message', payload })).rejects.toMatchObject({
    code: 'TOO_FEW_SERVERS',
    message: expect.stringMatching(
      /: delta does not answer, alpha refuses \(ROW_TAMPERED\), bravo refuses \(ROW_TAMPERED\)$/,
    ) as string,
  });
});

test('a server of another version is pointed out, and one of the same is not', async () => {
  expect(await linesAbout('alpha', '0.2.0')).toContainEqual({
    level: 'warn',
    subject: 'alpha',
    text: 'runs version 0.1.0, this is 0.2.0',
    fix: 'bring both to one version',
  });
  expect((await linesAbout('alpha', '0.1.0')).filter(({ level }) => level !== 'ok')).toEqual([]);
});

test('doctor warns of a server whose time depends on shares, and names the libraries of the others', async () => {
  network.server('alpha').tamper = async ({ name }, honest) => {
    const answer = await honest();
    if (name !== 'server.describe') return answer;
    return { ...(answer as object), arithmetic: [{ suite: 'P-256', backend: 'noble', grade: 'bigint' }] };
  };
  expect(await linesAbout('alpha')).toContainEqual({
    level: 'warn',
    subject: 'alpha',
    text: 'computes P-256 in a time that depends on your shares',
    fix: 'ask its operator to install the libraries for its machine',
  });
  expect((await linesAbout('bravo')).map(({ text }) => text)).toContain(
    'computes with sodium-native, libsodium-wasm, libsecp256k1, openssl',
  );
});
