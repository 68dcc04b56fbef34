// @module-tag long
import { MOST_CHAIN_EPOCHS } from '@ckm/api';
import { concatBytes, encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';

/** What one server answers that is asked for the certificates of a key that has changed twice. */
const NAMES = ['alpha', 'bravo', 'charlie'];
const KEY = { purpose: 'message', quorum: { needed: 2, of: 3 }, servers: NAMES } as const;

let network: TestNetwork;
/** Of the owner before anything had changed. */
let early: ClientStore;
let letters: CertifiedKey;
/** Another key of the same owner, which has changed as often. */
let notes: CertifiedKey;

beforeAll(async () => {
  network = await createTestNetwork(3);
  const store = memoryStore();
  const client = await network.owner({ store });
  for (const name of ['letters', 'notes']) await client.createKey({ ...KEY, name });
  early = await copyStore(store);
  for (let epoch = 1; epoch <= 2; epoch++) {
    for (const name of ['letters', 'notes'])
      expect(await client.changeKey({ name, wish: { kind: 'refresh' } })).toMatchObject({ epoch });
    network.now += 2 * 86_400;
  }
  [letters, notes] = await Promise.all([client.showKey('letters'), client.showKey('notes')]);
}, 60_000);
beforeEach(() => network.makeHonest());
afterAll(() => network.close());

const clients: Client[] = [];
/** The owner at another machine. */
function at(store: ClientStore): Client {
  const client = ownerClient(network.send, () => network.now, { store });
  clients.push(client);
  return client;
}
afterAll(async () => {
  for (const client of clients) await client.close();
});

/** One that has the seed and the servers, and nothing else. */
async function withoutRecords(): Promise<Client> {
  const client = at(memoryStore());
  for (const { name, url } of network.servers) await client.addServer({ name, url });
  return client;
}

/** Alpha shows these, whatever it is asked for first. */
function alphaShows(certificates: readonly Uint8Array[]): void {
  network.server('alpha').tamper = ({ name, parameters }, honest) => {
    if (name !== 'key.chain') return honest();
    const { keyId, after } = parameters as { keyId: Uint8Array; after: number | null };
    if (encodeHex(keyId) !== encodeHex(letters.keyId)) return honest();
    return Promise.resolve({
      certificates: certificates.slice(after === null ? 0 : after + 1),
      next: null,
    });
  };
}

function onlyAlphaAnswers(): void {
  for (const name of ['bravo', 'charlie'])
    network.server(name).wire = () => Promise.reject(unreachable(name));
}

type Certificates = readonly [Uint8Array, Uint8Array, Uint8Array];
const chainOf = ({ record }: CertifiedKey) => certificatesOf(record) as Certificates;
const flipped = (bytes: Uint8Array, ...at: readonly number[]) =>
  bytes.map((byte, i) => (at.includes(i) || at.includes(i - bytes.length) ? byte ^ 1 : byte));

const DOES_NOT_HOLD = 'shows a certificate or policy that does not hold';
const endsAt = (epoch: number) =>
  `says that it is in epoch 2, and shows certificates to epoch ${epoch} alone`;
type Row = readonly [
  what: string,
  shown: (mine: Certificates, other: Certificates) => readonly Uint8Array[],
  said: string,
];
/** No matter to whoever has the first certificate: the others are what he asks for. */
const OF_THE_FIRST: readonly Row[] = [
  ['cut in its first certificate', ([a, b, c]) => [a.slice(0, 200), b, c], DOES_NOT_HOLD],
  ['that begins as another key', ([, b, c], [x]) => [x, b, c], DOES_NOT_HOLD],
];
const ROWS: readonly Row[] = [
  ['cut in its last certificate', ([a, b, c]) => [a, b, c.slice(0, -1)], DOES_NOT_HOLD],
  ['cut at its end: older than its server says', ([a, b]) => [a, b], endsAt(1)],
  ['cut behind the first: older than its server says', ([a]) => [a], endsAt(0)],
  ['cut at its beginning', ([, b, c]) => [b, c], DOES_NOT_HOLD],
  ['without the one between', ([a, , c]) => [a, c], DOES_NOT_HOLD],
  ['empty', () => [], DOES_NOT_HOLD],
  ['longer by bytes behind the last', ([a, b, c]) => [a, b, concatBytes(c, Uint8Array.of(0))], DOES_NOT_HOLD],
  ['with one of them twice', ([a, b, c]) => [a, b, b, c], DOES_NOT_HOLD],
  ['with the last one twice', ([a, b, c]) => [a, b, c, c], DOES_NOT_HOLD],
  ['in another order', ([a, b, c]) => [a, c, b], DOES_NOT_HOLD],
  ['with its votes changed', ([a, b, c]) => [a, flipped(b, -9, -75, -141), c], DOES_NOT_HOLD],
  ['with one bit of its parameters changed', ([a, b, c]) => [a, b, flipped(c, 100)], DOES_NOT_HOLD],
  ['of rubbish behind the first', ([a, b]) => [a, new Uint8Array(b.length).fill(3)], DOES_NOT_HOLD],
  ['with a change of another key', ([a, b], [, , z]) => [a, b, z], DOES_NOT_HOLD],
  ['of another key of ours', (_, [x, y, z]) => [x, y, z], 'shows the certificate of another key'],
];

describe('a chain of certificates that is', () => {
  test.each([...OF_THE_FIRST, ...ROWS])(
    '%s is told of with the name of its server, the others bring the key back, and alone it brings nothing',
    async (_what, shown, said) => {
      alphaShows(shown(chainOf(letters), chainOf(notes)));
      const [client, alone] = [await withoutRecords(), await withoutRecords()];
      const { keys, faulty } = await client.fetchKeys();
      expect(faulty).toEqual([{ server: 'alpha', text: said }]);
      const found = keys.find(({ keyId }) => encodeHex(keyId) === encodeHex(letters.keyId))!;
      expect(found).toMatchObject({ isVouched: true, isForked: false });
      expect(found.servers.map(({ verdict }) => verdict)).toEqual(['differs', 'holds', 'holds']);
      expect(await client.listKeys()).toEqual([]);
      const { key } = await client.keepKey(found, { name: 'letters' });
      expect(key.newest.params.epoch).toBe(2);

      onlyAlphaAnswers();
      const fetched = await alone.fetchKeys();
      expect(fetched.faulty).toEqual([{ server: 'alpha', text: said }]);
      expect(fetched.keys.map(({ keyId }) => encodeHex(keyId))).not.toContain(encodeHex(letters.keyId));
    },
  );

  test.each(ROWS)('%s teaches a client that was away nothing; the others do', async (_what, shown) => {
    alphaShows(shown(chainOf(letters), chainOf(notes)));
    onlyAlphaAnswers();
    const store = await copyStore(early);
    const away = at(store);
    const before = await store.get('keys/letters');
    expect((await away.verifyKey('letters')).isSound).toBe(false);
    expect(await store.get('keys/letters')).toEqual(before);
    expect((await away.showKey('letters')).newest.params.epoch).toBe(0);
    for (const name of ['bravo', 'charlie']) network.server(name).wire = null;
    await away.verifyKey('letters');
    expect((await away.showKey('letters')).newest.params.epoch).toBe(2);
    expect((await away.sign({ key: 'letters', ...messageOf('hello') })).signers).toHaveLength(2);
  });
});

test('of a chain without an end as many certificates are asked for as a server takes in', async () => {
  const page = Array.from({ length: 16 }, () => new Uint8Array(16).fill(7));
  let shown = 0;
  network.server('alpha').tamper = ({ name, parameters }, honest) => {
    if (name !== 'key.chain') return honest();
    const { keyId, after } = parameters as { keyId: Uint8Array; after: number | null };
    if (encodeHex(keyId) !== encodeHex(letters.keyId)) return honest();
    shown += page.length;
    return Promise.resolve({ certificates: page, next: (after ?? -1) + page.length });
  };
  const { faulty } = await (await withoutRecords()).fetchKeys();
  expect(shown).toBe(MOST_CHAIN_EPOCHS);
  expect(faulty).toEqual([{ server: 'alpha', text: DOES_NOT_HOLD }]);
}, 60_000);
