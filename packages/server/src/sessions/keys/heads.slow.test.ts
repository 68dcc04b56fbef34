import { join } from 'node:path';
import { encodeHead, headStatement, parseHead, signIdentityStatement } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { type CarriedChange, carryChange, completeChange, preparing } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { createKeyDesk } from '../../control/desks/key-desk.js';
import { toColumns } from '../../storage/database.js';
import type { ChangeRow, KeyRow } from '../../storage/storage.js';
import type { DatabaseFile } from '../../test/database-file.js';
import { tamperWith } from '../../test/rooms.js';
import { type BareCaller, type BareServer, TEST_TIME } from '../test/bare-server.js';
import { recallHead } from '../changes/votes/forget-votes.js';
import { assertHeadKnown, whenHeadKnown } from './head-memory.js';
import { openHead } from './stored/key-head.js';
import { tellHeads } from '../test/heads.js';
import { alice, createBareServers, makeKey, messageOf, SOON, type MadeKey } from '../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

/** What whoever can write to the database of a server keeps of one key. */
interface Kept {
  readonly keys: KeyRow;
  readonly changes: ChangeRow | null;
}

function keep({ context }: BareServer, keyId: Uint8Array, epoch = 0): Promise<Kept> {
  return context.storage.read(async (reader) => ({
    keys: (await reader.keys.find(alice.xid, keyId))!,
    changes: await reader.changes.find(alice.xid, keyId, epoch),
  }));
}

/** Puts those rows back while the server is off; its log and all other rows stay as they are. */
async function putBack(server: BareServer, kept: Kept): Promise<BareServer> {
  await server.stop();
  tamperWith(join(server.dataDir, 'ckm.sqlite'), (database) => {
    for (const table of ['keys', 'changes'] as const) {
      database.prepare(`delete from ${table} where key_id = ?`).run(kept.keys.keyId);
      const row = kept[table];
      if (row !== null) insert(database, table, toColumns(table, row as never));
    }
  });
  return network.restart(server);
}

function insert(database: DatabaseFile, table: string, row: object): void {
  const columns = Object.entries(row);
  const names = columns.map(([name]) => name).join(', ');
  const places = columns.map(() => '?').join(', ');
  const values = columns.map(([, value]) => value as unknown);
  database.prepare(`insert into ${table} (${names}) values (${places})`).run(...values);
}

async function proposeAt(caller: BareCaller, { order }: Pick<CarriedChange, 'order'>) {
  const { policy } = await caller.call('key.show', { keyId: order.keyId });
  return caller.call('change.propose', { order, chain: [], policy });
}

const sign = ({ signer }: MadeKey, slots: number[]) => signer.sign(messageOf('hello'), slots);

describe('F10: rows of one key that are put back together while the server is down, with its log as it is', () => {
  test('give no second vote: it notices, and votes for nothing until all others have reminded it', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    const kept = await keep(servers[0]!, keyId);
    const one = await change.move(1, promises);
    const other = await change.move(1, promises);
    expect(await change.lock(1, one, promises, [1])).toHaveLength(1);
    servers[0] = await putBack(servers[0]!, kept);
    callers[0] = await servers[0].as(alice);
    await expect(change.lock(1, other, promises, [1])).rejects.toThrow(refused('forgot'));
    expect((await proposeAt(callers[0], change)).forgot).toHaveLength(32);
    await putBack(servers[0], kept).then(async (again) => (callers[0] = await again.as(alice)));
    await expect(change.lock(1, other, promises, [1])).rejects.toThrow(refused('forgot'));
  });

  test('are noticed also where a freeze by the owner’s client has written the key since, so that it has been written as often as when it voted', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(3, { now: () => now });
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: () => now + 600 });
    await change.propose();
    const promises = await change.promise(1);
    const kept = await keep(servers[0]!, keyId);
    const one = await change.move(1, promises);
    const other = await change.move(1, promises);
    expect(await change.lock(1, one, promises, [1])).toHaveLength(1);
    servers[0] = await putBack(servers[0]!, kept);
    callers[0] = await servers[0].as(alice);
    const id = new Uint8Array(32).fill(9);
    await callers[0].call('key.freeze', { keyId, id, from: now, until: now + 60 });
    now += 61;
    await expect(change.lock(1, other, promises, [1])).rejects.toThrow(refused('forgot'));
  });

  test('are noticed also where the delay of an order has been counted on since', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(3, { now: () => now });
    const { keyId } = await makeKey(callers, { policy: { changes: 'automatic', changeDelay: 86_400 } });
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON, needed: 3 });
    await change.propose();
    const kept = await keep(servers[0]!, keyId);
    const { orderHash } = change;
    await callers[0]!.call('change.cancel', { keyId, epoch: 0, orderHash });
    servers[0] = await putBack(servers[0]!, kept);
    callers[0] = await servers[0].as(alice);
    for (let hour = 0; hour < 4; hour++) {
      await servers[0].sessions.sweep();
      now += 900;
    }
    expect((await proposeAt(callers[0], change)).forgot).toHaveLength(32);
  });

  test('bring back no state of an order from before something was said of it', async () => {
    const { servers, callers } = await network.openMany(2);
    const { keyId } = await makeKey(callers);
    const before = await keep(servers[0]!, keyId);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    servers[0] = await putBack(servers[0]!, before);
    callers[0] = await servers[0].as(alice);
    expect((await proposeAt(callers[0], change)).forgot).toHaveLength(32);
  });

  test('are not used for signatures either, before others have said how far the key is', async () => {
    const { servers, callers } = await network.openMany(3);
    const made = await makeKey(callers);
    const { keyId } = made;
    const kept = await keep(servers[0]!, keyId);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    servers[0] = await putBack(servers[0]!, kept);
    callers[0] = await servers[0].as(alice);
    await expect(callers[0].call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
      code('KEY_HEAD_UNKNOWN'),
    );
    await tellHeads(callers, keyId, [2, 3]);
    expect(await sign(made, [1, 2])).toHaveLength(64);
  });
});

describe('A14: two honest calls at once, of which one reads the key before the other writes it and the note', () => {
  /** A server whose reads are slow: what they found is used when another call has voted and noted that. */
  async function overtaken() {
    const { servers, callers } = await network.openMany(2);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const failures: string[] = [];
    const { context } = servers[0]!;
    let reads = 0;
    const slow: BareServer['context'] = {
      ...context,
      events: { ...context.events, storageFailed: ({ code: one }) => void failures.push(one) },
      storage: {
        ...context.storage,
        read: async (work) => {
          const found = await context.storage.read(work);
          if (reads++ === 0) await change.promise(1, [1]);
          return found;
        },
      },
    };
    return { slow, keyId, failures, owner: alice.xid };
  }

  test('are told to nobody, and no vote is forgotten', async () => {
    const { slow, keyId, failures, owner } = await overtaken();
    await recallHead(slow, { owner, keyId });
    expect(failures).toEqual([]);
    const row = await slow.storage.read(({ keys }) => keys.find(owner, keyId));
    expect(openHead(slow, row!)).not.toHaveProperty('forgot');
  });

  test('stop no use of the key: its row is read again', async () => {
    const { slow, keyId, owner } = await overtaken();
    const find = async () => {
      const row = await slow.storage.read(({ keys }) => keys.find(owner, keyId));
      assertHeadKnown(slow, { owner, keyId }, openHead(slow, row!));
      return row!.version;
    };
    expect(await whenHeadKnown(slow, { owner, keyId }, find)).toBeGreaterThan(1);
  });
});

describe('L5: a server that came back from an older state', () => {
  /** Three servers with a key, of which alpha is found to be put back. */
  async function alphaBack() {
    const { servers, callers } = await network.openMany(3);
    const made = await makeKey(callers);
    await servers[0]!.sessions.voidOpen('the database is an older one');
    return { servers, callers, made, keyId: made.keyId };
  }

  test('uses a key again when n − t + 1 others have said that its epoch is the newest, and not with fewer', async () => {
    const { callers, made, keyId, servers } = await alphaBack();
    await expect(sign(made, [1, 2])).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    await expect(tellHeads(callers, keyId, [2])).rejects.toThrow(
      expect.objectContaining({ code: 'HEADS_TOO_FEW', facts: { needed: 2, slots: '3' } }),
    );
    await expect(tellHeads(callers, keyId, [2, 2])).rejects.toThrow(code('HEADS_TOO_FEW'));
    await expect(tellHeads(callers, keyId, [1, 2])).rejects.toThrow(code('HEADS_TOO_FEW'));
    await expect(sign(made, [1, 2])).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    expect(await tellHeads(callers, keyId, [2, 3])).toMatchObject({ epoch: 0 });
    expect(await sign(made, [1, 2])).toHaveLength(64);
    const { context } = servers[0]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(lines.filter(({ deed }) => deed === 'key.heads')).toHaveLength(1);
  });

  test('goes by those who agree: one that names a later epoch without its certificate keeps nobody from use', async () => {
    const { servers, callers } = await network.openMany(5);
    const { keyId } = await makeKey(callers, { needed: 3 });
    await servers[0]!.sessions.voidOpen('the database is an older one');
    const { asks: nonce } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const say = async (slot: number) => ({
      slot,
      ...(await callers[slot - 1]!.call('key.head', { keyId, nonce: nonce! })),
    });
    const heads = (await Promise.all([2, 3, 4].map(say))).map(({ slot, head, signature }) => ({
      slot,
      head,
      signature,
    }));
    const transcriptHash = new Uint8Array(32).fill(7);
    const head = encodeHead({ keyId, epoch: 99, transcriptHash, nonce: nonce!, isSure: true });
    const signature = signIdentityStatement(servers[4]!.context.identity, headStatement(head));
    const lie = { slot: 5, head, signature };
    await expect(callers[0]!.call('key.heads', { keyId, heads: [lie, ...heads.slice(1)] })).rejects.toThrow(
      code('KEY_EPOCH_DIFFERS'),
    );
    expect(await callers[0]!.call('key.heads', { keyId, heads: [lie, ...heads] })).toMatchObject({
      epoch: 0,
    });
  });

  test('uses it again too when its operator releases it, and still has no vote', async () => {
    const { servers, callers, made, keyId } = await alphaBack();
    const release = () =>
      servers[0]!.context.storage.transact((transaction) =>
        servers[0]!.sessions.releaseHead(transaction, { owner: alice.xid, keyId }),
      );
    expect([await release(), await release()]).toEqual([true, false]);
    expect(await sign(made, [1, 2])).toHaveLength(64);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    expect((await change.propose())[0]!.forgot).toHaveLength(32);
  });

  test('hears no head that was said before it came back, to somebody else, or by who came back so itself', async () => {
    const { servers, callers, made, keyId } = await alphaBack();
    const say = (slot: number, nonce: Uint8Array) =>
      callers[slot - 1]!.call('key.head', { keyId, nonce }).then(({ head, signature }) => ({
        slot,
        head,
        signature,
      }));
    const { asks: earlier } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const old = [await say(2, earlier!), await say(3, earlier!)];
    await servers[0]!.sessions.voidOpen('once more');
    await expect(callers[0]!.call('key.heads', { keyId, heads: old })).rejects.toThrow(code('HEADS_TOO_FEW'));
    const { asks } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const [two, three] = [await say(2, asks!), await say(3, asks!)];
    const crossed = [
      { ...two, slot: 3 },
      { ...three, slot: 2 },
    ];
    await expect(callers[0]!.call('key.heads', { keyId, heads: crossed })).rejects.toThrow(
      code('HEADS_TOO_FEW'),
    );
    await servers[1]!.sessions.voidOpen('bravo too');
    const both = [await say(2, asks!), three];
    await expect(callers[0]!.call('key.heads', { keyId, heads: both })).rejects.toThrow(
      code('HEADS_TOO_FEW'),
    );
    await callers[0]!.call('key.heads', { keyId, heads: [two, three] });
    expect(await sign(made, [1, 3])).toHaveLength(64);
  });

  test('is told that the others have gone on, and uses the key when it has caught up', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const certificate = await completeChange(change);
    const acknowledgements = await change.acknowledge(certificate);
    for (const caller of callers.slice(1))
      await caller.call('change.commit', { keyId, certificate, acknowledgements });
    await servers[0]!.sessions.voidOpen('the database is an older one');
    await expect(tellHeads(callers, keyId, [2, 3])).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_EPOCH_DIFFERS', facts: { epoch: 0 } }),
    );
    await callers[0]!.call('change.commit', { keyId, certificate, acknowledgements });
    const prepare = { ...preparing(keyId, 1), epoch: 1 };
    await expect(callers[0]!.call('craft.prepare', prepare)).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    expect(await tellHeads(callers, keyId, [2, 3])).toMatchObject({ epoch: 1 });
    await callers[0]!.call('craft.prepare', prepare);
  });

  test('deals no share of it: a change in which it is to deal is refused at its door', async () => {
    const { callers, keyId } = await alphaBack();
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    await expect(change.promise(1, [1])).rejects.toThrow(refused('forgot'));
    const promises = await change.promise(1, [2, 3]);
    await expect(change.move(1, promises)).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
  });

  describe('L8, L11: and has forgotten that its owner froze a key', () => {
    const DAY = 86_400;
    const id = new Uint8Array(32).fill(0xf1);
    const until = TEST_TIME + 3 * DAY;

    /** Bravo and alpha had it, as many as stop a 2-of-3; alpha came back from before. */
    async function bravoFrozen() {
      const back = await alphaBack();
      await back.callers[1]!.call('key.freeze', { keyId: back.keyId, id, from: TEST_TIME, until });
      const frozenUntil = async () =>
        (await back.callers[0]!.call('key.show', { keyId: back.keyId })).key.frozen?.until;
      return { ...back, frozenUntil };
    }

    test('has it frozen again when others have said so, and the key stays stopped', async () => {
      const { callers, made, keyId, frozenUntil, servers } = await bravoFrozen();
      await tellHeads(callers, keyId, [2, 3]);
      expect(await frozenUntil()).toBe(until);
      await expect(sign(made, [1, 3])).rejects.toThrow(code('POLICY_KEY_FROZEN'));
      const { context } = servers[0]!;
      const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
      expect(lines.find(({ deed }) => deed === 'key.heads')!.detail).toMatch(
        /^slots 2 \(frozen until .+\) 3, .+, frozen until .+$/,
      );
    });

    test('has it frozen no more once its operator has thawed it, whatever is told again', async () => {
      const { callers, made, keyId, frozenUntil, servers } = await bravoFrozen();
      await tellHeads(callers, keyId, [2, 3]);
      const { context, sessions } = servers[0]!;
      await createKeyDesk({ context, sessions }).thaw(encodeHex(keyId), null);
      await sessions.voidOpen('once more');
      await tellHeads(callers, keyId, [2, 3]);
      expect(await frozenUntil()).toBeUndefined();
      expect(await sign(made, [1, 3])).toHaveLength(64);
    });

    test('is stopped by one who says so of nothing for no longer than its owner may stop it', async () => {
      const { callers, keyId, frozenUntil, servers } = await bravoFrozen();
      const { asks } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
      const [bravo, charlie] = await Promise.all(
        [1, 2].map((place) => callers[place]!.call('key.head', { keyId, nonce: asks! })),
      );
      const frozen = { id: new Uint8Array(32).fill(0xf2), until: TEST_TIME + 3_650 * DAY };
      const head = encodeHead({ ...parseHead(charlie!.head), frozen });
      const signature = signIdentityStatement(servers[2]!.context.identity, headStatement(head));
      const heads = [
        { slot: 2, head: bravo!.head, signature: bravo!.signature },
        { slot: 3, head, signature },
      ];
      await callers[0]!.call('key.heads', { keyId, heads });
      expect(await frozenUntil()).toBe(TEST_TIME + 7 * DAY);
    });
  });
});
