import { randomBytes } from 'node:crypto';
import { type KeyTerms, signFreeze } from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import { TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, messageOf } from '../sessions/test/bare-servers.js';
import { giveTerms } from '../sessions/test/given-terms.js';
import { letIn } from '../sessions/test/listed-device.js';
import { thawAccount } from '../accounts/account-frozen.js';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const network = createBareServers();
afterEach(() => network.close());
const random = () => new Uint8Array(randomBytes(32));
const code = (named: string) => expect.objectContaining({ code: named });
const said = (until: number, from = TEST_TIME) => ({ id: random(), from, until });

async function open(now: () => number = () => TEST_TIME) {
  const { servers, callers } = await network.openMany(2, { now });
  const made = await makeKey(callers);
  return { alpha: servers[0]!, bravo: servers[1]!, callers, ...made };
}

test('a whole account is frozen at one server by its words: nothing is signed with any of its keys there, and it is told who froze it and until when', async () => {
  const { callers, signer } = await open();
  const attempt = await signer.prepare([1, 2]);
  const { frozen, leftSeconds } = await callers[0]!.call('account.freeze', said(TEST_TIME + HOUR));
  expect(frozen).toEqual({ id: expect.anything(), until: TEST_TIME + HOUR, thawAskedAt: null });
  expect(leftSeconds).toBe(7 * DAY);
  const ask = { ...messageOf('frozen'), requestId: random() };
  const refused = signer.request(1, ask, { attempt });
  await expect(refused).rejects.toThrow(code('ACCOUNT_FROZEN'));
  await expect(signer.request(1, { ...ask, requestId: random() }, { attempt })).rejects.toThrow(
    /the account is frozen by its words until /,
  );
  // Of bravo nobody has said anything.
  expect((await signer.request(2, { ...ask, requestId: random() }, {})).state).toBe('ready');
});

test('any device freezes the whole account, also one that may only look, and one that another device has taken out; who it was is told', async () => {
  const { alpha, signer } = await open();
  const phone = await letIn(alpha, alice, 101, []);
  const { frozen } = await phone.caller.call('account.freeze', said(TEST_TIME + HOUR));
  expect(frozen?.device).toEqual(phone.id);
  const ask = { ...messageOf('by a device'), requestId: random() };
  await expect(signer.request(1, ask, {})).rejects.toThrow(
    new RegExp(`frozen by its device ${encodeHex(phone.id).slice(0, 8)} until`),
  );
  await expect(phone.caller.call('account.thaw', {})).rejects.toThrow(code('DEVICE_MAY_NOT'));
});

test('nobody of the account ends a freeze of it, with the words or without: they ask, once, and its operator ends it; its id freezes nothing any more', async () => {
  const { alpha, callers, signer } = await open();
  const statement = said(TEST_TIME + DAY);
  await callers[0]!.call('account.freeze', statement);
  const laptop = await letIn(alpha, alice, 102, ['use', 'manage']);
  await laptop.caller.call('account.thaw', {});
  const asked = await callers[0]!.call('account.thaw', {});
  expect(asked.frozen?.thawAskedAt).toBe(TEST_TIME);
  const ask = () => signer.request(1, { ...messageOf('again'), requestId: random() }, {});
  await expect(ask()).rejects.toThrow(code('ACCOUNT_FROZEN'));
  const { storage, accounts } = alpha.context;
  const thaw = () =>
    storage.transact((transaction) => thawAccount(accounts, transaction, alice.xid, TEST_TIME));
  expect([await thaw(), await thaw()]).toEqual([true, false]);
  expect((await ask()).state).toBe('ready');
  await expect(callers[0]!.call('account.freeze', statement)).rejects.toThrow(code('FREEZE_OVER'));
});

test('a frozen account has seven days in thirty, whoever of it froze: an id is good once, a longer one takes the place of a shorter, and none makes it shorter', async () => {
  let now = TEST_TIME;
  const { alpha, callers } = await open(() => now);
  const freeze = (seconds: number) => callers[0]!.call('account.freeze', said(now + seconds, now));
  await expect(freeze(8 * DAY)).rejects.toThrow(code('FREEZE_INVALID'));
  await freeze(3 * DAY);
  expect((await freeze(DAY)).frozen?.until).toBe(now + 3 * DAY);
  now += 3 * DAY;
  const phone = await letIn(alpha, alice, 103, []);
  const byPhone = (seconds: number) => phone.caller.call('account.freeze', said(now + seconds, now));
  await expect(byPhone(5 * DAY)).rejects.toThrow(code('FREEZE_USED_UP'));
  expect((await byPhone(4 * DAY)).frozen?.until).toBe(now + 4 * DAY);
  now += 4 * DAY;
  await expect(freeze(HOUR)).rejects.toThrow(/the account has been frozen/);
  now += 24 * DAY;
  expect((await freeze(HOUR)).frozen?.until).toBe(now + HOUR);
});

test('a frozen account goes on with what stops: a device is taken out, a key is frozen, a request is taken back', async () => {
  const { alpha, callers, signer, keyId } = await open();
  const requestId = random();
  await signer.request(1, { ...messageOf('before'), requestId }, {});
  const laptop = await letIn(alpha, alice, 104, ['use', 'manage']);
  await callers[0]!.call('account.freeze', said(TEST_TIME + DAY));
  await laptop.remove();
  await expect(laptop.caller.call('device.show', { after: null })).rejects.toThrow('not there');
  await callers[0]!.call('key.freeze', { keyId, ...said(TEST_TIME + HOUR) });
  const { state } = await callers[0]!.call('request.cancel', { requestId, reason: 'frozen' });
  expect(state).toBe('cancelled');
});

test('a frozen account keeps what was made before, and makes nothing new: ceremonies wait, and go on when it is over', async () => {
  let now = TEST_TIME;
  const { callers } = await open(() => now);
  await callers[0]!.call('account.freeze', said(now + HOUR));
  await expect(makeKey(callers)).rejects.toThrow(code('ACCOUNT_FROZEN'));
  now += HOUR;
  const { signer } = await makeKey(callers, { expiresAt: now + 600 });
  expect(signer).toBeDefined();
});

test('a freeze of an account outlives a start of the server, and the account row keeps its devices with it', async () => {
  const { alpha, callers } = await open();
  const phone = await letIn(alpha, alice, 105, ['use']);
  await callers[0]!.call('account.freeze', said(TEST_TIME + DAY));
  const again = await network.restart(alpha);
  const account = await again.context.storage.read((reader) =>
    again.context.accounts.find(reader, alice.xid),
  );
  expect(account?.freezes).toHaveLength(1);
  expect([...account!.keys.devices.values()].map(({ id }) => id)).toEqual([phone.id]);
});

test('a freeze of one account stops no other, and a freeze that somebody signed for a key still comes to a frozen account', async () => {
  const { alpha, callers, keyId } = await open();
  const bob = createIdentity(secret(new Uint8Array(32).fill(9)));
  const terms: Partial<KeyTerms> = {
    ownerKey: bob.publicKeys.signing.bytes,
    approvers: [
      { name: 'bob', xid: bob.xid, keys: [{ kind: 'ed25519', key: bob.publicKeys.signing.bytes }] },
    ],
  };
  await giveTerms(alpha.context, alice.xid, keyId, terms);
  await callers[0]!.call('account.freeze', said(TEST_TIME + DAY));
  const other = await alpha.as(mallory);
  const freeze = signFreeze(bob, {
    keyId,
    id: random(),
    times: { from: TEST_TIME, until: TEST_TIME + HOUR },
  });
  expect((await other.call('freeze.carry', { freeze })).frozen).not.toBeNull();
  const theirs = await alpha.context.storage.read((reader) =>
    alpha.context.accounts.find(reader, mallory.xid),
  );
  expect(theirs?.freezes).toEqual([]);
});
