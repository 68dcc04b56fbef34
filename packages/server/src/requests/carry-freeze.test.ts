import {
  type Approver,
  deviceId,
  deviceKey,
  firstKeyDevices,
  nextDevices,
  signDevices,
  signFreeze,
} from '@ckm/api';
import { compareBytes, encodeHex, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import { createKeyDesk } from '../control/desks/key-desk.js';
import { openHead, sealHead } from '../sessions/keys/stored/key-head.js';
import { TEST_TIME, testPerson } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, messageOf } from '../sessions/test/bare-servers.js';
import { letIn } from '../sessions/test/listed-device.js';
import { giveTerms } from '../sessions/test/given-terms.js';
import type { Storage } from '../storage/storage.js';

const DAY = 86_400;
const network = createBareServers();
let now = TEST_TIME;
afterEach(async () => {
  now = TEST_TIME;
  await network.close();
});

/** Transactions that were committed. */
let committed = 0;
const counting = (storage: Storage): Storage => ({
  ...storage,
  transact: async (work) => {
    const done = await storage.transact(work);
    committed++;
    return done;
  },
});

const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const someone = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
const [owner, laptop, bob] = [someone(1), someone(2), someone(3)];
const approver: Approver = {
  name: 'bob',
  xid: bob.xid,
  keys: [{ kind: 'ed25519', key: bob.publicKeys.signing.bytes }],
};

/** A key of two servers, whose terms name an owner key and bob; and somebody else's account at them, who carries things. */
async function open() {
  const { servers, callers } = await network.openMany(2, { now: () => now, wrap: counting });
  const { keyId, signer } = await makeKey(callers);
  for (const { context } of servers)
    await giveTerms(context, alice.xid, keyId, {
      ownerKey: owner.publicKeys.signing.bytes,
      approvers: [approver],
    });
  const carriers = await Promise.all(servers.map((server) => server.as(mallory)));
  return { servers, callers, carriers, keyId, signer };
}

let drawn = 0;
const freezeBy = (signer: Identity, keyId: Uint8Array, days: number | null, number = ++drawn) =>
  signFreeze(signer, {
    keyId,
    id: new Uint8Array(32).fill(number),
    times: days === null ? null : { from: now, until: now + days * DAY },
  });

test('a key is stopped by whoever its terms name, and by a device on its list, whoever carries it there; the refusal says who', async () => {
  const { callers, carriers, keyId, signer, servers } = await open();
  const { frozen } = await carriers[0]!.call('freeze.carry', { freeze: freezeBy(bob, keyId, 3) });
  expect(frozen).toMatchObject({ until: now + 3 * DAY, by: { who: 'approver', name: 'bob' } });
  await expect(signer.request(1, messageOf('stopped'), {})).rejects.toThrow(/frozen by bob until/);
  expect((await callers[0]!.call('key.show', { keyId })).key.frozen).toEqual(frozen);
  expect((await signer.request(2, messageOf('elsewhere'), {})).state).toBe('ready');

  const byDevice = freezeBy(laptop, keyId, 2);
  await expect(carriers[1]!.call('freeze.carry', { freeze: byDevice })).rejects.toThrow(
    code('STATEMENT_FOREIGN'),
  );
  const list = nextDevices(
    firstKeyDevices(keyId, owner.publicKeys),
    [deviceKey(laptop.publicKeys, [])],
    deviceId(owner.publicKeys),
  );
  await callers[1]!.call('key.devices', { keyId, links: [signDevices(list, owner)], after: null });
  // Whose entry that is nobody has shown yet.
  await expect(carriers[1]!.call('freeze.carry', { freeze: byDevice })).rejects.toThrow(
    code('STATEMENT_FOREIGN'),
  );
  const device = await letIn(servers[1]!, alice, 101, []);
  await device.wish(keyId, laptop);
  const there = await carriers[1]!.call('freeze.carry', { freeze: byDevice });
  expect(there.frozen).toMatchObject({ by: { who: 'devices' } });
  await expect(signer.request(2, messageOf('stopped'), {})).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  const deeds = await servers[1]!.context.storage.read((reader) =>
    servers[1]!.context.audit.list(reader, 1, 200),
  );
  expect(deeds.at(-2)).toMatchObject({ deed: 'freeze.carry', verdict: 'done' });

  // L9: out of the account it stops no key of it any more, whatever the list of the key says still.
  await device.remove();
  await expect(carriers[1]!.call('freeze.carry', { freeze: freezeBy(laptop, keyId, 2) })).rejects.toThrow(
    code('STATEMENT_FOREIGN'),
  );
});

test('a key that is not here, a signature of nobody, and one for another key are one answer, which changes nothing', async () => {
  const { callers, carriers, keyId } = await open();
  const [nobodys, elsewhere] = [someone(9), new Uint8Array(32).fill(77)];
  const { keyId: plain } = await makeKey(callers);
  const good = freezeBy(bob, keyId, 1);
  const refused = [
    freezeBy(nobodys, keyId, 1),
    freezeBy(bob, elsewhere, 1),
    freezeBy(alice, plain, 1),
    { ...good, signature: good.signature.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) },
    { ...freezeBy(nobodys, keyId, 1), statement: good.statement },
  ];
  const before = committed;
  for (const freeze of refused)
    await expect(carriers[0]!.call('freeze.carry', { freeze })).rejects.toThrow(code('STATEMENT_FOREIGN'));
  // Whoever has no account leaves nothing behind, not even that he came.
  expect(committed).toBe(before);
  const cut = { ...good, statement: good.statement.slice(1) };
  await expect(carriers[0]!.call('freeze.carry', { freeze: cut })).rejects.toThrow(code('STATEMENT_INVALID'));
  expect((await callers[0]!.call('key.show', { keyId })).key.frozen).toBeUndefined();
});

test('L11: a paper freezes once, also after its key was thawed and its server started again', async () => {
  const { servers, callers, carriers, keyId } = await open();
  const paper = freezeBy(owner, keyId, null);
  now += 400 * DAY;
  const { frozen } = await carriers[0]!.call('freeze.carry', { freeze: paper });
  expect(frozen).toMatchObject({ until: now + 7 * DAY, by: { who: 'owner' } });
  await createKeyDesk(servers[0]!).thaw(encodeHex(keyId), null);
  expect((await callers[0]!.call('key.show', { keyId })).key.frozen).toBeUndefined();
  servers[0] = await network.restart(servers[0]!);
  const again = await servers[0].as(mallory);
  for (const later of [0, 40 * DAY]) {
    now += later;
    await expect(again.call('freeze.carry', { freeze: paper })).rejects.toThrow(code('FREEZE_OVER'));
  }
});

test('a key of the same id that another account has made swallows no freeze', async () => {
  const { servers, callers, carriers, keyId, signer } = await open();
  // Rows are in the order of their owners.
  const thief = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16]
    .map(testPerson)
    .find(({ xid }) => compareBytes(xid, alice.xid) < 0)!;
  await makeKey(await Promise.all(servers.map((server) => server.as(thief))), { keyId });
  const terms = { ownerKey: owner.publicKeys.signing.bytes, approvers: [approver] };
  for (const { context } of servers) await giveTerms(context, thief.xid, keyId, terms);
  const paper = freezeBy(owner, keyId, null);
  const { frozen } = await carriers[0]!.call('freeze.carry', { freeze: paper });
  expect(frozen).toMatchObject({ by: { who: 'owner' } });
  expect((await callers[0]!.call('key.show', { keyId })).key.frozen).toEqual(frozen);
  await expect(signer.request(1, messageOf('stopped'), {})).rejects.toThrow(code('POLICY_KEY_FROZEN'));
});

test('a server that has left the key says so, and is not counted by whoever carries a freeze', async () => {
  const { servers, carriers, keyId } = await open();
  const { context } = servers[0]!;
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.keys.hold(alice.xid, keyId))!;
    const head = openHead(context, row);
    const { sealed: _, ...columns } = { ...row, version: row.version + 1 };
    const left = { epoch: 1, transcriptHash: new Uint8Array(32) };
    await transaction.keys.update(sealHead(context, head, { ...head, left }, columns));
  });
  const freeze = freezeBy(owner, keyId, null);
  await expect(carriers[0]!.call('freeze.carry', { freeze })).rejects.toThrow(code('KEY_LEFT'));
  await expect(
    carriers[0]!.call('freeze.carry', { freeze: freezeBy(someone(9), keyId, null) }),
  ).rejects.toThrow(code('STATEMENT_FOREIGN'));
  expect((await carriers[1]!.call('freeze.carry', { freeze })).frozen).not.toBeNull();
});
