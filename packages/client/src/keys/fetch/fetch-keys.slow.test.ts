import type { KeyPolicy, Parameters, Result } from '@ckm/api';
import { compareBytes, encodeHex, secret } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { saveRequest } from '../../requests/requests.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  createTestNetwork,
  type Tamper,
  messageOf,
  ownerClient,
  recordsOf,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import type { CertifiedKey } from '../key-record.js';
import type { FetchedKeys } from './fetched-key.js';
import { MOST_FETCHED } from './fetch-keys.js';
import { MOST_HELD } from './held-keys.js';
import { createCertificateReader, judgeHolder } from './judge-holder.js';

const NAMES = ['alpha', 'bravo', 'charlie'];

let network: TestNetwork;
/** What the owner had made before the laptop was lost, and what somebody else has on the same servers. */
let savings: CertifiedKey;
let letters: CertifiedKey;
let foreign: CertifiedKey;
/** The same seed, and nothing else. */
let client: Client;

const quorum = { needed: 2, of: 3 };

beforeAll(async () => {
  network = await createTestNetwork(3);
  const before = await network.owner();
  savings = await before.createKey({ name: 'savings', purpose: 'bitcoin', quorum, servers: NAMES });
  letters = await before.createKey({ name: 'letters', purpose: 'message', quorum, servers: NAMES });
  const mallory = await network.owner({ seed: secret(new Uint8Array(32).fill(9)) });
  foreign = await mallory.createKey({ name: 'bait', purpose: 'bitcoin', quorum, servers: NAMES });
});
beforeEach(async () => {
  network.makeHonest();
  client = await network.owner();
});
afterEach(() => client.close());
afterAll(() => network.close());

const idsOf = ({ keys }: FetchedKeys) => keys.map(({ keyId }) => encodeHex(keyId)).sort();
const both = () => [savings, letters].map(({ keyId }) => encodeHex(keyId)).sort();
const found = async (key: CertifiedKey) =>
  (await client.fetchKeys()).keys.find(({ keyId }) => encodeHex(keyId) === encodeHex(key.keyId))!;

/** Changes what one server answers to one function. */
function lying<F extends 'key.list' | 'key.show'>(
  name: string,
  about: F,
  answer: (honest: () => Promise<Result<F>>, asked: Parameters<F>) => Promise<unknown>,
): void {
  const tamper: Tamper = (asked, honest) =>
    asked.name === about
      ? answer(honest as () => Promise<Result<F>>, asked.parameters as Parameters<F>)
      : honest();
  const before = network.server(name).tamper;
  network.server(name).tamper =
    before === null ? tamper : (asked, honest) => tamper(asked, () => before(asked, honest));
}

const showing = (name: string, certificate: Uint8Array, policy?: KeyPolicy) => {
  lying(name, 'key.show', async (honest) => {
    const shown = await honest();
    return { ...shown, certificate, policy: policy ?? shown.policy };
  });
};

function summaryOf(keyId: Uint8Array): Result<'key.list'>['keys'][number] {
  return {
    keyId,
    suite: 'ed25519',
    purpose: 'ssh',
    quorum,
    state: 'active',
    epoch: 0,
    createdAt: 1_800_000_000,
  };
}

describe('an owner with nothing but the seed and the servers', () => {
  test('gets every key back under a name made of purpose and likeness: the same address, and it signs', async () => {
    const fetched = await client.fetchKeys();
    expect(idsOf(fetched)).toEqual(both());
    expect(fetched).toMatchObject({ asked: NAMES, silent: [], faulty: [], incomplete: [] });
    expect(await client.listKeys()).toEqual([]);
    for (const one of fetched.keys) {
      expect(one).toMatchObject({ isVouched: true, createdAt: network.now });
      expect(one.servers.map(({ server, verdict }) => `${server} ${verdict}`)).toEqual(
        NAMES.map((name) => `${name} holds`),
      );
      expect(one.suggestedName).toMatch(/^(?:bitcoin|message)-[a-z]+$/);
      const { key, missing } = await client.keepKey(one);
      expect({ isComplete: key.isComplete, missing }).toEqual({ isComplete: true, missing: [] });
    }
    const again = await client.usableKey((await client.listKeys())[0]!.name);
    expect(bitcoinAddress(again.public, 'receive', 0, 'bitcoin')).toEqual(
      bitcoinAddress(savings.public, 'receive', 0, 'bitcoin'),
    );
    const message = (await client.listKeys())[1]!.name;
    expect((await client.sign({ key: message, ...messageOf('it is me') })).signers).toHaveLength(2);
    expect((await client.fetchKeys()).keys).toEqual([]);
  });

  test('may call a key as before, and names the network that servers do not know', async () => {
    const { key } = await client.keepKey(await found(savings), { name: 'savings', network: 'signet' });
    expect(key.record).toMatchObject({ name: 'savings', network: 'signet', fetchedAt: network.now });
    await expect(client.keepKey(await found(letters), { name: 'savings' })).rejects.toMatchObject({
      code: 'KEY_EXISTS',
    });
    await expect(client.keepKey(await found(letters), { name: '../up' })).rejects.toMatchObject({
      code: 'NAME_INVALID',
    });
  });

  test('does not get one key under two names', async () => {
    const one = await found(letters);
    await client.keepKey(one, { name: 'first' });
    await expect(client.keepKey(one, { name: 'second' })).rejects.toMatchObject({
      code: 'KEY_EXISTS',
      message: 'this key is on record already as first',
    });
  });

  test('is told who does not answer; the key signs, and receives nothing until that server has promised', async () => {
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    const fetched = await client.fetchKeys();
    expect(fetched.silent).toMatchObject([{ server: 'charlie' }]);
    expect(idsOf(fetched)).toEqual(both());
    const { missing } = await client.keepKey(await found(letters), { name: 'letters' });
    expect(missing).toMatchObject([{ server: 'charlie', slot: 3, code: 'SERVER_UNREACHABLE' }]);
    await expect(client.usableKey('letters')).rejects.toMatchObject({
      code: 'KEY_NOT_USABLE',
      remedy: { kind: 'fetchKeys' },
    });
    expect((await client.sign({ key: 'letters', ...messageOf('two will do') })).signers).toHaveLength(2);
    network.makeHonest();
    expect((await client.fetchKeys()).incomplete).toEqual(['letters']);
    expect(await client.completeKey('letters')).toMatchObject({ missing: [], key: { isComplete: true } });
    expect((await client.usableKey('letters')).isComplete).toBe(true);
  });

  test('who has added one server of three is told where the others are, and is given nothing yet', async () => {
    const lonely = ownerClient(network.send, () => network.now, { store: memoryStore() });
    await lonely.addServer({ name: 'bravo', url: network.server('bravo').url });
    const { keys } = await lonely.fetchKeys();
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatchObject({ isVouched: false });
    const absent = keys[0]!.servers.filter(({ verdict }) => verdict === 'not-added');
    expect(absent.map(({ xid }) => encodeHex(xid))).toEqual(
      ['alpha', 'charlie'].map((name) => encodeHex(network.server(name).identity.xid)),
    );
    await expect(lonely.keepKey(keys[0]!)).rejects.toMatchObject({ code: 'KEY_NOT_VOUCHED', exitCode: 77 });
    await lonely.addServer({ name: 'alpha', url: network.server('alpha').url });
    const [one] = (await lonely.fetchKeys()).keys;
    const { key, missing } = await lonely.keepKey(one!);
    expect(key.isComplete).toBe(false);
    expect(missing).toMatchObject([{ server: null, slot: 3, code: 'SERVER_UNKNOWN' }]);
    await lonely.close();
  });
});

describe('a server that lies about the keys it holds', () => {
  test('cannot slip in the key of somebody else: nobody else says that it is ours', async () => {
    lying('alpha', 'key.list', async (honest, { after }) => {
      const { keys, next } = await honest();
      const all = after === null ? [...keys, summaryOf(foreign.keyId)] : keys;
      return { keys: all.sort((a, b) => compareBytes(a.keyId, b.keyId)), next };
    });
    lying('alpha', 'key.show', async (honest, { keyId }) =>
      encodeHex(keyId) === encodeHex(foreign.keyId)
        ? { key: summaryOf(keyId), policy: foreign.record.policy, certificate: foreign.record.certificate }
        : honest(),
    );
    const bait = await found(foreign);
    expect(bait.isVouched).toBe(false);
    expect(bait.servers.map(({ verdict }) => verdict)).toEqual(['holds', 'unknown', 'unknown']);
    await expect(client.keepKey(bait)).rejects.toMatchObject({ code: 'KEY_NOT_VOUCHED' });
    expect(await client.listKeys()).toEqual([]);
  });

  const lies: [string, () => void, string][] = [
    [
      'the certificate of somebody else’s key',
      () => showing('alpha', foreign.record.certificate),
      'does not hold',
    ],
    [
      'the certificate of another key of ours',
      () => showing('alpha', letters.record.certificate),
      'does not hold',
    ],
    [
      'a certificate that was cut',
      () => showing('alpha', savings.record.certificate.slice(0, -1)),
      'does not hold',
    ],
    [
      'a certificate with one bit changed',
      () =>
        showing(
          'alpha',
          savings.record.certificate.map((byte, i) => (i === 400 ? byte ^ 1 : byte)),
        ),
      'does not hold',
    ],
    ['a certificate of random bytes', () => showing('alpha', new Uint8Array(1_000).fill(3)), 'does not hold'],
    ['an empty certificate', () => showing('alpha', new Uint8Array(0)), 'does not hold'],
    [
      'another policy',
      () => showing('alpha', savings.record.certificate, { ...savings.record.policy, blindAllowed: true }),
      'does not hold',
    ],
    [
      'another key than it was asked for',
      () =>
        lying('alpha', 'key.show', async (honest) => ({
          ...(await honest()),
          key: summaryOf(foreign.keyId),
        })),
      'another key',
    ],
  ];
  test.each(lies)(
    'with %s is named, and the others still bring the key back',
    async (_what, tamper, text) => {
      tamper();
      const { keys, faulty } = await client.fetchKeys();
      expect(faulty.every(({ server }) => server === 'alpha')).toBe(true);
      expect(faulty.map((one) => one.text).join()).toContain(text);
      const one = keys.find(({ keyId }) => encodeHex(keyId) === encodeHex(savings.keyId))!;
      expect(encodeHex(one.transcriptHash)).toBe(encodeHex(savings.transcriptHash));
      expect(one.servers[0]).toMatchObject({ server: 'alpha', verdict: 'differs' });
      expect((await client.keepKey(one, { name: 'back' })).key.public).toEqual(savings.public);
    },
  );

  test('and promises nothing that holds keeps the key from receiving, not from signing', async () => {
    network.server('alpha').tamper = async ({ name }, honest) => {
      const result = await honest();
      if (name !== 'key.certify') return result;
      return { ...(result as Result<'key.certify'>), acknowledgement: new Uint8Array(64) };
    };
    const { missing } = await client.keepKey(await found(letters), { name: 'letters' });
    expect(missing).toMatchObject([{ server: 'alpha', code: 'FAULT_ACKNOWLEDGEMENT_INVALID' }]);
    await expect(client.usableKey('letters')).rejects.toMatchObject({ code: 'KEY_NOT_USABLE' });
    expect((await client.sign({ key: 'letters', ...messageOf('still') })).signers).toHaveLength(2);
  });

  test(
    'with thousands of keys that it made up does not hide ours, and is not asked for each',
    { tags: 'slow' },
    async () => {
      const made = Array.from({ length: MOST_HELD + 500 }, (_, i) =>
        summaryOf(new Uint8Array(createHash('sha256').update(String(i)).digest())),
      );
      lying('alpha', 'key.list', async (honest, { after }) => {
        const mine = after === null ? (await honest()).keys : [];
        const all = [...made, ...mine].sort((a, b) => compareBytes(a.keyId, b.keyId));
        const keys = all
          .filter(({ keyId }) => after === null || compareBytes(keyId, after) > 0)
          .slice(0, 256);
        return { keys, next: keys.at(-1)?.keyId ?? null };
      });
      lying('alpha', 'key.show', async (honest, { keyId }) =>
        both().includes(encodeHex(keyId))
          ? honest()
          : { key: summaryOf(keyId), policy: savings.record.policy, certificate: new Uint8Array(9) },
      );
      network.server('alpha').asked = [];
      const fetched = await client.fetchKeys();
      expect(idsOf(fetched)).toEqual(both());
      expect(new Set(fetched.faulty.map(({ server }) => server))).toEqual(new Set(['alpha']));
      const { asked } = network.server('alpha');
      expect(asked.filter((name) => name === 'key.list').length).toBeLessThanOrEqual(MOST_HELD / 256 + 1);
      expect(asked.filter((name) => name === 'key.show').length).toBeLessThan(16);
      expect(MOST_FETCHED).toBeLessThan(made.length);
    },
  );

  test('with pages that are empty and never the last does not keep the client busy for ever', async () => {
    lying('alpha', 'key.list', async () => ({ keys: [], next: new Uint8Array(32).fill(9) }));
    const fetched = await client.fetchKeys();
    expect(fetched.faulty).toContainEqual({ server: 'alpha', text: 'lists your keys in a circle' });
  });

  test('with pages that hold nothing and name the same place again is not followed for ever', async () => {
    const next = new Uint8Array(32).fill(9);
    lying('alpha', 'key.list', async () => ({ keys: [], unreadable: [], next }));
    const fetched = await client.fetchKeys();
    expect(fetched.faulty).toContainEqual({ server: 'alpha', text: 'lists your keys in a circle' });
    lying('alpha', 'key.list', async () => ({ keys: [], unreadable: [next], next }));
    expect((await client.fetchKeys()).faulty).toContainEqual({
      server: 'alpha',
      text: 'lists your keys in a circle',
    });
  });

  test(
    'with a list that goes in a circle does not keep the client busy for ever',
    { tags: 'slow' },
    async () => {
      const page = Array.from({ length: 256 }, (_, i) => summaryOf(new Uint8Array(32).fill(i)));
      lying('alpha', 'key.list', async () => ({ keys: page, next: page.at(-1)!.keyId }));
      const fetched = await client.fetchKeys();
      expect(fetched.faulty).toContainEqual({ server: 'alpha', text: 'lists your keys in a circle' });
      expect(idsOf(fetched)).toEqual(both());
    },
  );

  test.each<[string, unknown]>([
    ['nothing', null],
    ['no list', { keys: 'none', next: null }],
    ['a key without an id', { keys: [{ suite: 'ed25519' }], next: null }],
    [
      'an impossible quorum',
      { keys: [{ ...summaryOf(new Uint8Array(32)), quorum: { needed: 9, of: 3 } }], next: null },
    ],
  ])('by answering %s is set aside, and nothing untyped is thrown', async (_what, result) => {
    lying('alpha', 'key.list', async () => result);
    const fetched = await client.fetchKeys();
    expect(fetched.silent).toMatchObject([{ server: 'alpha' }]);
    expect(idsOf(fetched)).toEqual(both());
  });

  test('with the certificate of a key that somebody else made under the same id is outvoted, or nobody is believed', async () => {
    const random = (length: number) => new Uint8Array(randomBytes(length));
    let drawn = Number.NaN;
    const mallory = await network.owner({
      seed: secret(random(32)),
      // The first thing that is drawn for a key is its id.
      random: (length) => (++drawn === 1 ? savings.keyId.slice() : random(length)),
    });
    drawn = 0;
    const twin = await mallory.createKey({ name: 'twin', purpose: 'bitcoin', quorum, servers: NAMES });
    expect(encodeHex(twin.keyId)).toBe(encodeHex(savings.keyId));
    lying('alpha', 'key.show', async (honest, { keyId }) => ({
      ...(await honest()),
      ...(encodeHex(keyId) === encodeHex(savings.keyId) ? { certificate: twin.record.certificate } : {}),
    }));
    const text = 'shows another certificate than your other servers';
    const outvoted = await client.fetchKeys();
    expect(outvoted.faulty).toEqual([{ server: 'alpha', text }]);
    const one = outvoted.keys.find(({ keyId }) => encodeHex(keyId) === encodeHex(savings.keyId))!;
    expect(encodeHex(one.transcriptHash)).toBe(encodeHex(savings.transcriptHash));
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    const tied = await client.fetchKeys();
    expect(tied.faulty.map(({ server }) => server).sort()).toEqual(['alpha', 'bravo']);
    expect(idsOf(tied)).toEqual([encodeHex(letters.keyId)]);
  });

  test('with somebody else in the place of a pinned server in the roster is not believed', async () => {
    const pinned = await client.listServers();
    const exchanged = pinned.map((one) =>
      one.name === 'bravo'
        ? { ...one, publicKeys: { ...one.publicKeys, signing: pinned[0]!.publicKeys.signing } }
        : one,
    );
    const { keyId, record } = savings;
    const shown = {
      key: summaryOf(keyId),
      policy: record.policy,
      certificate: record.certificate,
      changes: [],
    };
    const asked = { server: pinned[0]!, keyId };
    const read = createCertificateReader();
    expect(judgeHolder(read, { ...asked, pinned }, shown).verdict).toBe('holds');
    expect(judgeHolder(read, { ...asked, pinned: exchanged }, shown)).toMatchObject({
      verdict: 'differs',
      key: null,
    });
  });
});

describe('a key that is renamed', () => {
  test('is the same key under its new name only', async () => {
    await client.keepKey(await found(letters), { name: 'old' });
    expect(await client.renameKey('old', 'new')).toMatchObject({ name: 'new' });
    expect((await client.listKeys()).map(({ name }) => name)).toEqual(['new']);
    await expect(client.showKey('old')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    expect((await client.sign({ key: 'new', ...messageOf('renamed') })).signers).toHaveLength(2);
  });

  test('takes its open requests along and nobody else’s name, and goes on after the client was killed in between', async () => {
    const store = memoryStore();
    const crashing = await network.owner({ store });
    const { keys } = await crashing.fetchKeys();
    await crashing.keepKey(keys[0]!, { name: 'one' });
    await crashing.keepKey(keys[1]!, { name: 'two' });
    await expect(crashing.renameKey('one', 'two')).rejects.toMatchObject({ code: 'KEY_EXISTS' });
    await expect(crashing.renameKey('none', 'three')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    await expect(crashing.renameKey('one', 'Three!')).rejects.toMatchObject({ code: 'NAME_INVALID' });
    const old = await store.get('keys/one');
    const request = {
      requestId: new Uint8Array(32),
      keyId: new Uint8Array(32),
      state: 'open',
      createdAt: network.now,
      expiresAt: network.now + 60,
      reason: null,
      keyName: 'one',
      kind: 'message',
      payload: new Uint8Array(1),
      sentence: 'sign',
      without: [],
      attempts: 0,
      artefact: null,
      destination: null,
      spends: null,
      refusals: [],
    } as const;
    await saveRequest(recordsOf(store), request);
    await crashing.renameKey('one', 'three');
    expect(await crashing.listRequests()).toEqual([{ ...request, keyName: 'three' }]);
    await store.put('keys/one', old!);
    await crashing.renameKey('one', 'three');
    expect(await store.list('keys')).toEqual(['keys/three', 'keys/two']);
    await crashing.close();
  });
});
