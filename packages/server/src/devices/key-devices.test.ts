import {
  deviceId,
  type DevicePrivilege,
  deviceKey,
  type DevicesDocument,
  firstKeyDevices,
  nextDevices,
  signAlive,
  signDevices,
  signFreeze,
  signKeyDeviceWish,
  signRequester,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../sessions/test/bare-server.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { requesterOf } from '../requests/requester.js';
import { readProven } from '../sessions/keys/proven-devices.js';
import { alice, createBareServers, makeKey, mallory } from '../sessions/test/bare-servers.js';
import { growUp, letIn } from '../sessions/test/listed-device.js';
import { giveTerms } from '../sessions/test/given-terms.js';

const network = createBareServers();
let now = TEST_TIME;
let servers: BareServer[];
let callers: BareCaller[];
let keyId: Uint8Array;
beforeEach(async () => {
  ({ servers, callers } = await network.openMany(2, { now: () => now }));
  ({ keyId } = await makeKey(callers));
});
afterEach(async () => {
  now = TEST_TIME;
  await network.close();
});

const someone = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
const [owner, laptop, phone, thief] = [someone(1), someone(2), someone(3), someone(4)];
const entry = ({ publicKeys }: Identity, ...may: readonly DevicePrivilege[]) => deviceKey(publicKeys, may);
const next = (
  by: Identity,
  before: DevicesDocument,
  entries: readonly ReturnType<typeof entry>[],
  raises = false,
) => {
  const list = nextDevices(before, entries, deviceId(by.publicKeys), raises);
  return { list, signed: signDevices(list, by) };
};
const HASH = new Uint8Array(32).fill(7);
const drawn = () => crypto.getRandomValues(new Uint8Array(32));
const asked = { requestId: drawn(), payloadHash: HASH, expiresAt: TEST_TIME + 600 };
let number = 0;
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const own = async (ownerKey = owner.publicKeys.signing.bytes) => {
  for (const { context } of servers) await giveTerms(context, alice.xid, keyId, { ownerKey });
};
const bring = (at: number, ...links: readonly ReturnType<typeof signDevices>[]) =>
  callers[at]!.call('key.devices', { keyId, links: [...links], after: null });

test('the owner of a key, whom its terms name, puts devices on it: the same bytes at all its servers, in order, and after a restart', async () => {
  expect(await code(bring(0))).toBe('KEY_OWNER_MISSING');
  await own();
  expect(await bring(0)).toEqual({ inForce: null, links: [], next: null, wishes: [] });
  const one = next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(laptop, 'use', 'manage')]);
  const two = next(laptop, one.list, [...one.list.keys, entry(phone, 'use')]);
  expect((await bring(0, one.signed)).inForce).toMatchObject({ generation: 0, number: 1 });
  expect(await code(bring(1, two.signed))).toBe('DEVICES_LINK_MISSING');
  // Alpha hands on what bravo has missed.
  await bring(0, two.signed);
  const { links } = await bring(0);
  const there = await bring(1, ...links);
  expect(there.inForce).toEqual((await bring(0)).inForce);
  expect(there.links).toEqual([one.signed, two.signed]);
  servers[0] = await network.restart(servers[0]!);
  const again = await servers[0].as(alice);
  const shown = await again.call('key.devices', { keyId, links: [], after: { generation: 0, number: 1 } });
  expect(shown).toEqual({ ...there, links: [two.signed] });
});

test('nobody else does: another owner, another key, a device that may not, or one who has an account', async () => {
  await own();
  const first = firstKeyDevices(keyId, owner.publicKeys);
  const one = next(owner, first, [entry(phone, 'use')]);
  const foreign = next(thief, firstKeyDevices(keyId, thief.publicKeys), [entry(laptop, 'manage')]);
  const posing = next(thief, first, [entry(thief, 'manage')]);
  const elsewhere = next(owner, firstKeyDevices(new Uint8Array(32), owner.publicKeys), []);
  expect(await code(bring(0, foreign.signed))).toBe('DEVICES_FOR_OTHERS');
  expect(await code(bring(0, posing.signed))).toBe('DEVICES_SIGNATURE_INVALID');
  expect(await code(bring(0, elsewhere.signed))).toBe('DEVICES_FOR_OTHERS');
  await bring(0, one.signed);
  expect(await code(bring(0, next(phone, one.list, []).signed))).toBe('DEVICES_NOT_ALLOWED');
  const his = await servers[0]!.as(mallory);
  expect(await code(his.call('key.devices', { keyId, links: [one.signed], after: null }))).toBe(
    'KEY_UNKNOWN',
  );
  expect((await bring(0)).inForce).toMatchObject({ number: 1 });
});

test('two lists of one number are evidence, and the words begin a generation over whatever a thief has made', async () => {
  await own();
  const one = next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(laptop, 'manage')]);
  const two = next(laptop, one.list, [entry(laptop, 'manage'), entry(phone)]);
  const beside = next(laptop, one.list, []);
  await bring(0, one.signed, two.signed);
  expect(await code(bring(0, beside.signed))).toBe('DEVICES_TWICE');
  const over = next(owner, two.list, [entry(phone, 'use')], true);
  expect((await bring(0, over.signed)).inForce).toMatchObject({ generation: 1, number: 0 });
  expect((await bring(0)).links).toEqual([over.signed]);
  expect(await code(bring(0, two.signed))).toBe('DEVICES_OLD');
  const deeds = await servers[0]!.context.storage.read((reader) =>
    servers[0]!.context.audit.list(reader, 1, 200),
  );
  expect(deeds.map(({ deed }) => deed).filter((deed) => deed.startsWith('key.devices'))).toEqual([
    'key.devices',
    'key.devices.twice',
    'key.devices',
  ]);
});

test('terms that name another owner begin his list anew', async () => {
  await own();
  await bring(0, next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(laptop, 'manage')]).signed);
  await own(phone.publicKeys.signing.bytes);
  expect((await bring(0)).inForce).toBeNull();
  const his = next(phone, firstKeyDevices(keyId, phone.publicKeys), [entry(thief, 'use')]);
  expect((await bring(0, his.signed)).links).toEqual([his.signed]);
});

test('a server that was away for generations, or never had the list, takes what the words began, whatever lies between', async () => {
  await own();
  const one = next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(laptop, 'manage')]);
  const two = next(owner, one.list, [entry(laptop, 'manage')], true);
  const three = next(owner, two.list, [entry(phone, 'manage')], true);
  const four = next(phone, three.list, [entry(phone, 'manage'), entry(laptop)]);
  await bring(0, one.signed, two.signed, three.signed, four.signed);
  const { links, inForce } = await bring(0);
  expect(links).toEqual([three.signed, four.signed]);
  expect((await bring(1, ...links)).inForce).toEqual(inForce);
  expect(await code(bring(1, two.signed))).toBe('DEVICES_OLD');
  const posing = next(phone, four.list, [entry(phone, 'manage')], true);
  expect(await code(bring(1, posing.signed))).toBe('DEVICES_NOT_ALLOWED');
});

test('P2: who is young is judged of whoever signed a list, and not of whoever brings it; a device of which nobody knows whose it is takes nobody off', async () => {
  await own();
  const [at] = servers as [BareServer];
  const old = await letIn(at, alice, 101);
  await growUp(at, alice);
  const young = await letIn(at, alice, 102);
  const entries = [entry(laptop, 'use', 'manage'), entry(phone, 'use', 'manage'), entry(thief, 'manage')];
  const one = next(owner, firstKeyDevices(keyId, owner.publicKeys), entries);
  await bring(0, one.signed);
  await old.wish(keyId, laptop);
  await young.wish(keyId, phone);
  const alone = (by: Identity) => next(by, one.list, [entry(by, 'manage')]);
  for (const by of [phone, thief]) {
    for (const caller of [old.caller, young.caller, callers[0]!]) {
      const links = [alone(by).signed];
      expect(await code(caller.call('key.devices', { keyId, links, after: null }))).toBe('DEVICE_TOO_YOUNG');
    }
  }
  expect((await bring(0)).inForce).toMatchObject({ number: 1 });
  // What an old one has signed is taken from a young one, too.
  const links = [next(laptop, one.list, [entry(laptop, 'use', 'manage')]).signed];
  const { inForce } = await young.caller.call('key.devices', { keyId, links, after: null });
  expect(inForce).toMatchObject({ number: 2 });
  // Out of the account it takes nobody off either, though it is on the list.
  await old.remove();
  const more = next(owner, one.list, entries, true);
  await bring(0, more.signed);
  expect(await code(bring(0, next(laptop, more.list, [entry(laptop, 'manage')]).signed))).toBe(
    'DEVICE_TOO_YOUNG',
  );
});

test('L9: the owner whom terms name and who is a device of the account speaks as long as the account has it: it shows which it is, and out of it it stops no key, is no sign of life, asks nobody and takes nobody off', async () => {
  await own();
  const [at] = servers as [BareServer];
  const carrier = await at.as(mallory);
  const [hers, other] = [await letIn(at, alice, 101), await letIn(at, alice, 102)];
  await growUp(at, alice);
  const speaks = async () => {
    const requester = signRequester(owner, { keyId, ...asked });
    const { storage } = at.context;
    const isAsker = await code(
      storage.read(async (reader) => {
        const key = openHead(at.context, (await reader.keys.find(alice.xid, keyId))!);
        const ask = { ...asked, keyId, requester } as unknown as Parameters<typeof requesterOf>[3];
        return requesterOf(at.context, reader, { owner: alice.xid, keyId, policy: key.policy }, ask, HASH);
      }),
    );
    const freeze = signFreeze(owner, { keyId, id: drawn(), times: { from: now, until: now + 60 } });
    return [
      isAsker,
      await code(carrier.call('freeze.carry', { freeze })),
      await code(carrier.call('alive.carry', { alive: signAlive(owner, { keyId, number: ++number }) })),
    ];
  };
  await hers.wish(keyId, owner);
  callers[0] = await at.as(alice);
  const shown = await bring(0);
  expect([shown.owner, shown.wishes]).toEqual([{ by: hers.id }, []]);
  const one = next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(phone, 'use', 'manage')]);
  await bring(0, one.signed);
  await other.wish(keyId, phone);
  // Whose it is stays so, whatever another device says.
  await other.wish(keyId, owner);
  expect((await bring(0)).owner).toEqual({ by: hers.id });
  expect(await speaks()).toEqual(['OK', 'OK', 'OK']);
  await hers.remove();
  callers[0] = await at.as(alice);
  expect(await speaks()).toEqual(['REQUESTER_NOT_PROVEN', 'STATEMENT_FOREIGN', 'STATEMENT_FOREIGN']);
  expect((await bring(0)).owner).toEqual({ by: hers.id });
  const off = next(owner, one.list, [], true);
  expect(await code(bring(0, off.signed))).toBe('DEVICE_TOO_YOUNG');
  // Those whom it had put on the list before go on with it.
  const links = [next(phone, one.list, [...one.list.keys, entry(laptop)]).signed];
  expect((await other.caller.call('key.devices', { keyId, links, after: null })).inForce).toMatchObject({
    number: 2,
  });
  // The words take that back where the owner key is theirs after all: nobody shows it as that of a device and has it taken out.
  const theirs = signKeyDeviceWish(alice, keyId, owner);
  const said = await callers[0].call('key.devices', { keyId, links: [], after: null, wish: theirs });
  expect(said.owner).toBeUndefined();
  expect(await speaks()).toEqual(['OK', 'OK', 'OK']);
  await other.wish(keyId, owner);
  // Where the terms name another one, it is nobody any more.
  await own(thief.publicKeys.signing.bytes);
  expect((await bring(0)).owner).toBeUndefined();
});

test('a device wishes for its own entry and for no other one, and whose an entry is stays so', async () => {
  await own();
  const [at] = servers as [BareServer];
  const [hers, other] = [await letIn(at, alice, 101), await letIn(at, alice, 102)];
  callers[0] = await at.as(alice);
  const wishes = async () =>
    (await callers[0]!.call('key.devices', { keyId, links: [], after: null })).wishes.map(({ by }) => by);
  const foreign = signKeyDeviceWish(alice, keyId, laptop);
  await hers.caller.call('key.devices', { keyId, links: [], after: null, wish: foreign });
  expect(await wishes()).toEqual([]);
  await hers.wish(keyId, laptop);
  expect(await wishes()).toEqual([hers.id]);
  await bring(0, next(owner, firstKeyDevices(keyId, owner.publicKeys), [entry(laptop, 'use')]).signed);
  expect(await wishes()).toEqual([]);
  // It has its entry: whoever goes on wishing fills no list.
  await hers.wish(keyId, thief);
  expect(await wishes()).toEqual([]);
  await other.wish(keyId, laptop);
  const proven = () =>
    at.context.storage.read((reader) => readProven(at.context, reader, { owner: alice.xid, keyId }));
  expect([...(await proven()).values()]).toEqual([hers.id]);
});
