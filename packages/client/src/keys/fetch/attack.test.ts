import { encodeHex, secret } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { createTestNetwork, type TestNetwork, unreachable } from '../../test/test-network.js';
import type { CertifiedKey } from '../key-record.js';

const NAMES = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'savings', purpose: 'bitcoin', quorum: { needed: 2, of: 3 }, servers: NAMES } as const;

let network: TestNetwork;
afterEach(() => network.close());

/** A key of the owner that servers hold shares of, and whose certificate reached none of them. */
async function halfMadeKey(): Promise<CertifiedKey> {
  const owner = await network.owner();
  for (const server of network.servers) {
    let delivered = 0;
    server.tamper = ({ name }, honest) => {
      const isLast = name === 'key.certify' || (name === 'session.deliver' && ++delivered > 2);
      return isLast ? Promise.reject(unreachable(server.name)) : honest();
    };
  }
  await owner.createKey(KEY).catch(() => undefined);
  network.makeHonest();
  return owner.showKey('savings');
}

/** Somebody else's key under the same id, on the same servers. */
async function twinOf({ keyId }: CertifiedKey): Promise<CertifiedKey> {
  let drawn = 0;
  const mallory = await network.owner({
    seed: secret(new Uint8Array(32).fill(9)),
    // The first thing that is drawn for a key is its id.
    random: (length) => (++drawn === 1 ? keyId.slice() : new Uint8Array(randomBytes(length))),
  });
  drawn = 0;
  return mallory.createKey({ ...KEY, name: 'twin' });
}

test(
  'shares of a key that was never finished do not vouch for the key of somebody else under its id',
  { tags: 'slow' },
  async () => {
    network = await createTestNetwork(3);
    const half = await halfMadeKey();
    const twin = await twinOf(half);
    expect(encodeHex(twin.keyId)).toBe(encodeHex(half.keyId));
    network.server('alpha').tamper = async ({ name }, honest) => {
      const result = (await honest()) as object;
      if (name !== 'key.show') return result;
      const { policy, certificate } = twin.record;
      return { ...result, policy, certificate };
    };
    const client = await network.owner();
    const [bait] = (await client.fetchKeys()).keys;
    expect(encodeHex(bait!.transcriptHash)).toBe(encodeHex(twin.transcriptHash));
    await expect(client.keepKey(bait!)).rejects.toMatchObject({ code: 'KEY_NOT_VOUCHED' });
    expect(await client.listKeys()).toEqual([]);
  },
);

test(
  'servers that hold a share and see the certificate for the first time vouch by taking it',
  { tags: 'slow' },
  async () => {
    network = await createTestNetwork(3);
    const half = await halfMadeKey();
    const { certificate, policy } = half.record;
    network.server('alpha').tamper = async ({ name }, honest) => {
      const result = (await honest()) as object;
      return name === 'key.show' ? { ...result, certificate, policy } : result;
    };
    const client = await network.owner();
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    const [mine] = (await client.fetchKeys()).keys;
    const { key, missing } = await client.keepKey(mine!, { name: 'savings' });
    expect(encodeHex(key.transcriptHash)).toBe(encodeHex(half.transcriptHash));
    expect(missing).toMatchObject([{ server: 'bravo' }]);
  },
);
