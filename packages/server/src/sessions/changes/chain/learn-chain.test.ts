import { type ChangeOrder, type KeyPolicy, policyHash } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { encodeCertificate, encodeChangeCertificate } from '@ckm/threshold';
import { decided, generate } from '@ckm/threshold/test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Reader, Storage } from '../../../storage/storage.js';
import { epochsOfChain, storePublicEpoch } from '../../keys/past-epochs.js';
import { sealHead } from '../../keys/stored/key-head.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { type BareCaller, type BareOptions, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, mallory } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const notShown = (epoch: number) =>
  expect.objectContaining({ code: 'CHAIN_NOT_SHOWN', facts: { epoch } }) as Error;

const policy: KeyPolicy = {
  kinds: ['message'],
  approval: 'automatic',
  rateLimit: null,
  expiresAt: null,
  blindAllowed: false,
  recovery: 'epoch',
  changes: 'automatic',
  changeDelay: 0,
};
const OLD = ['alpha', 'bravo'];
const DAY = 86_400;

/** A key of 2 of 2, and an epoch behind another one of it. Others of the same place have another label. */
const born = generate('ed25519', { needed: 2, of: 2 }, 'long chain', {
  purpose: 'message',
  termsHash: policyHash(policy),
});
type Epoch = typeof born;
function after(epoch: Epoch, label: string): { readonly certificate: Uint8Array; readonly epoch: Epoch } {
  const next = decided(epoch, { dealers: OLD, members: OLD, needed: 2, label }, [1, 2]);
  return { certificate: encodeChangeCertificate(next.certificate), epoch: next.epoch };
}

const { keyId } = born.certified.params;
const first = encodeCertificate(born.first);
const [one, two, three] = (() => {
  const one = after(born, '1');
  const two = after(one.epoch, '2');
  return [one, two, after(two.epoch, '3')];
})() as [ReturnType<typeof after>, ReturnType<typeof after>, ReturnType<typeof after>];
const chain = [first, one.certificate, two.certificate, three.certificate];

async function begin(
  settings: object = {},
  options: Partial<BareOptions> = {},
): Promise<{ server: BareServer; caller: BareCaller }> {
  const server = await network.open({ name: 'charlie', settings, ...options });
  return { server, caller: await server.as(alice) };
}

const learn = (caller: BareCaller, ...certificates: Uint8Array[]) =>
  caller.call('key.learn', { keyId, certificates });

/** By which a server joins behind an epoch. */
function orderOf({ context }: BareServer, { certified }: Epoch): ChangeOrder {
  const { params, transcriptHash } = certified;
  const { xid, publicKeys } = context.identity;
  const old = params.roster.map(({ serverId, identityKey }) => ({ serverId, identityKey }));
  const roster = [...old, { serverId: new Uint8Array(xid), identityKey: publicKeys.signing.bytes }];
  const quorum = { needed: 2, of: 3 };
  return { keyId, epoch: params.epoch, transcriptHash, quorum, roster, termsVersion: 0 };
}

const rowsAt = ({ context }: BareServer) =>
  context.storage.read(({ sealed }) => sealed.page('shown_epochs', null, 100));

/** A storage that counts how many shown epochs are looked at outside of transactions. */
function createWatch() {
  const looked = { epochs: 0 };
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    read: (work) =>
      storage.read((reader) => {
        const { shownEpochs } = reader;
        const find: Reader['shownEpochs']['find'] = (...which) => {
          looked.epochs++;
          return shownEpochs.find(...which);
        };
        return work({ ...reader, shownEpochs: { ...shownEpochs, find } });
      }),
  });
  return { looked, wrap };
}

/** A storage that lets something happen once, between a reading of shown epochs and the transaction that follows it. */
function createGap() {
  let between: (() => Promise<unknown>) | null = null;
  let isRead = false;
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    read: (work) =>
      storage.read((reader) => {
        const { shownEpochs } = reader;
        const find: Reader['shownEpochs']['find'] = (...which) => {
          isRead = true;
          return shownEpochs.find(...which);
        };
        return work({ ...reader, shownEpochs: { ...shownEpochs, find } });
      }),
    async transact(work) {
      const happens = isRead ? between : null;
      if (happens !== null) between = null;
      await happens?.();
      return storage.transact(work);
    },
  });
  const arm = (work: () => Promise<unknown>) => {
    isRead = false;
    between = work;
  };
  return { wrap, arm, hasHappened: () => between === null };
}

/** As of a server that was in the first epoch, and left by a certificate of the next. */
async function leftBy(
  { context }: BareServer,
  { certificate, epoch: { certified } }: ReturnType<typeof after>,
) {
  const name = { owner: alice.xid, keyId };
  const columns = { ...name, state: 'active', epoch: 0, version: 1, createdAt: TEST_TIME } as const;
  const { suite, purpose, quorum } = born.certified.params;
  const head = {
    suite,
    purpose,
    quorum,
    policy,
    slot: 1,
    sessionId: null,
    material: 1,
    tightened: 0,
    certified: { ...provedBy(born.certified), acknowledgement: new Uint8Array(64) },
    left: { epoch: 1, transcriptHash: certified.transcriptHash },
  };
  await context.storage.transact(async (transaction) => {
    await transaction.keys.insert(sealHead(context, null, head, columns));
    for (const [epoch, shown] of epochsOfChain([first, certificate]).entries())
      await storePublicEpoch(context, transaction, name, epoch, shown);
  });
}

const deedsAt = async ({ context }: BareServer) => {
  const entries = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
  return entries.filter(({ deed }) => deed === 'key.learn').map(({ sentence }) => sentence);
};

describe('a chain of certificates that is shown in pages', () => {
  test('is gone on with after a restart, and whoever joins needs the newest certificate alone', async () => {
    const { server, caller } = await begin();
    expect(await learn(caller, first)).toMatchObject({ epoch: 0 });
    const { certified } = two.epoch;
    const again = await network.restart(server);
    const later = await again.as(alice);
    const learned = await learn(later, one.certificate, two.certificate);
    expect(learned).toEqual({ epoch: 2, transcriptHash: certified.transcriptHash });
    const order = orderOf(again, three.epoch);
    const propose = (shown: Uint8Array[]) => later.call('change.propose', { order, chain: shown, policy });
    await expect(propose([])).rejects.toThrow(code('KEY_UNKNOWN'));
    expect(await propose([three.certificate])).toMatchObject({ state: 'ready' });
    expect(await rowsAt(again)).toHaveLength(4);
    expect(await deedsAt(again)).toEqual([
      'Take in certificates of a key (ed25519) for message, up to epoch 0.',
      'Take in certificates of a key (ed25519) for message, up to epoch 2.',
    ]);
  });

  test('shown again is answered as before, and leaves nothing behind', async () => {
    const { server, caller } = await begin();
    const pages = [[first], [one.certificate, two.certificate]];
    for (const page of [...pages, ...pages, [first, one.certificate]]) await learn(caller, ...page);
    expect(await rowsAt(server)).toHaveLength(3);
    expect(await deedsAt(server)).toHaveLength(2);
  });

  test('is refused where a server does not have what it follows on; it says how far it is', async () => {
    const { server, caller } = await begin();
    await expect(learn(caller, one.certificate)).rejects.toThrow(code('KEY_UNKNOWN'));
    await learn(caller, first);
    await expect(learn(caller, two.certificate)).rejects.toThrow(notShown(0));
    await expect(learn(caller, one.certificate, three.certificate)).rejects.toThrow();
    await learn(caller, one.certificate);
    await expect(learn(caller, three.certificate)).rejects.toThrow(notShown(1));
    const order = orderOf(server, three.epoch);
    const propose = { order, chain: [three.certificate], policy };
    await expect(caller.call('change.propose', propose)).rejects.toThrow(notShown(1));
    expect(await rowsAt(server)).toHaveLength(2);
  });

  test('proves nothing beyond the last link that was checked: a link that does not hold is not stored, and nothing follows on it', async () => {
    const { server, caller } = await begin();
    await learn(caller, first);
    const forged = one.certificate.slice();
    forged[forged.length - 1]! ^= 1;
    await expect(learn(caller, forged)).rejects.toThrow();
    await expect(learn(caller, one.certificate, two.certificate.slice(0, -1))).rejects.toThrow();
    await expect(learn(caller, two.certificate)).rejects.toThrow(notShown(0));
    const other = caller.call('key.learn', { keyId: new Uint8Array(32).fill(7), certificates: [first] });
    await expect(other).rejects.toThrow(code('CERTIFICATE_OF_ANOTHER_KEY'));
    expect(await rowsAt(server)).toHaveLength(1);
  });

  test('is in nobody’s way when it is another one: each link follows on its own, and neither takes the place of the other', async () => {
    const { server, caller } = await begin();
    const fork = after(born, 'another 1');
    const behind = after(fork.epoch, 'another 2');
    await learn(caller, first, fork.certificate);
    await expect(learn(caller, two.certificate)).rejects.toThrow(notShown(1));
    await learn(caller, one.certificate);
    await learn(caller, behind.certificate);
    await learn(caller, two.certificate);
    for (const { epoch, certificate } of [three, after(behind.epoch, 'another 3')]) {
      const order = orderOf(server, epoch);
      await caller.call('change.propose', { order, chain: [certificate], policy });
    }
  });

  test('is forgotten after thirty days where nothing came of it, and stays where this server is to join by it', async () => {
    let now = TEST_TIME;
    const { server, caller } = await begin({}, { now: () => now });
    await learn(caller, ...chain.slice(0, 3));
    const other = generate('ed25519', { needed: 2, of: 2 }, 'of nobody');
    const [otherId, shown] = [other.certified.params.keyId, encodeCertificate(other.first)];
    await caller.call('key.learn', { keyId: otherId, certificates: [shown] });
    const order = orderOf(server, three.epoch);
    await caller.call('change.propose', { order, chain: [three.certificate], policy });
    now += 30 * DAY - 1;
    await server.sessions.sweep();
    expect(await rowsAt(server)).toHaveLength(5);
    now += DAY;
    await server.sessions.sweep();
    expect((await rowsAt(server)).map((row) => encodeHex(row.keyId))).toEqual(
      Array.from({ length: 4 }, () => encodeHex(keyId)),
    );
    const { certificate } = after(three.epoch, '4');
    expect(await caller.call('change.commit', { keyId, certificate })).toMatchObject({ epoch: 4 });
  });

  test.each(['an order', 'more of it'])(
    'that is forgotten while %s is taken in leaves nothing of that, and is shown once more',
    async (what) => {
      let now = TEST_TIME;
      const gap = createGap();
      const { server, caller } = await begin({}, { now: () => now, wrap: gap.wrap });
      const order = orderOf(server, three.epoch);
      const take = () =>
        what === 'an order'
          ? caller.call('change.propose', { order, chain: [three.certificate], policy })
          : learn(caller, three.certificate);
      await learn(caller, ...chain.slice(0, 3));
      now += 31 * DAY;
      gap.arm(() => server.sessions.sweep());
      await expect(take()).rejects.toThrow(code('KEY_UNKNOWN'));
      expect(gap.hasHappened()).toBe(true);
      expect(await rowsAt(server)).toEqual([]);
      await learn(caller, ...chain.slice(0, 3));
      await take();
      expect(await rowsAt(server)).toHaveLength(4);
    },
  );

  test('belongs to the account that showed it', async () => {
    const { server, caller } = await begin();
    await learn(caller, first);
    const stranger = await server.as(mallory);
    await expect(learn(stranger, one.certificate)).rejects.toThrow(code('KEY_UNKNOWN'));
  });

  test('is walked for nobody whose certificate does not hold, or who asks for a vote that this server does not have', async () => {
    const { looked, wrap } = createWatch();
    const { server, caller } = await begin({}, { wrap });
    await learn(caller, ...chain.slice(0, 3));
    const order = orderOf(server, three.epoch);
    await caller.call('change.propose', { order, chain: [three.certificate], policy });
    const { certificate } = after(three.epoch, '4');
    const forged = certificate.slice();
    forged[forged.length - 1]! ^= 1;
    looked.epochs = 0;
    await expect(caller.call('change.commit', { keyId, certificate: forged })).rejects.toThrow();
    const locked = { locks: new Uint8Array(200), signed: certificate };
    const asked = caller.call('change.yield', { keyId, epoch: 3, ...locked });
    await expect(asked).rejects.toThrow(code('CHANGE_NOT_MEMBER'));
    expect(looked.epochs).toBe(0);
    expect(await caller.call('change.commit', { keyId, certificate })).toMatchObject({ epoch: 4 });
    expect(looked.epochs).toBe(4);
  });

  test('is compared with what a server that left has of it as it is walked through, and not walked through once more', async () => {
    const { looked, wrap } = createWatch();
    const { server, caller } = await begin({}, { wrap });
    await leftBy(server, one);
    const fork = after(born, 'another 1');
    const behind = after(fork.epoch, 'another 2');
    await learn(caller, fork.certificate, behind.certificate);
    const { certificate, epoch } = after(behind.epoch, 'another 3');
    looked.epochs = 0;
    const join = caller.call('change.propose', {
      order: orderOf(server, epoch),
      chain: [certificate],
      policy,
    });
    await expect(join).rejects.toThrow(code('KEY_FORKED'));
    // The newest by itself, then both.
    expect(looked.epochs).toBe(3);
    expect((await caller.call('fork.show', { keyId })).certificates).toHaveLength(2);
  });

  test('ends where the order says that the key is', async () => {
    const { server, caller } = await begin();
    await learn(caller, ...chain.slice(0, 3));
    const propose = { order: orderOf(server, two.epoch), chain: [three.certificate], policy };
    await expect(caller.call('change.propose', propose)).rejects.toThrow(code('CERTIFICATE_OF_ANOTHER_KEY'));
  });

  test('costs its account what checking it costs, counted before it is checked, and the bytes that it takes', async () => {
    const { caller } = await begin({ quota: { costPerMinute: 1_000 } });
    const all = async () => {
      for (let i = 0; i < 100; i++) await learn(caller, ...chain);
    };
    await expect(all()).rejects.toThrow(code('QUOTA_COST'));
    await network.close();
    const poor = await begin({ quota: { bytes: 4_000 } });
    await expect(learn(poor.caller, ...chain)).rejects.toThrow(code('QUOTA_BYTES'));
    expect(await rowsAt(poor.server)).toEqual([]);
  });
});
