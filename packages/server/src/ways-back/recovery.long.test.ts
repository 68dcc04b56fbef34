// @module-tag long
import { describe, expect, test, afterEach } from 'vitest';
import { encodeVouchRequest } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import {
  alice,
  closeServers,
  codeOf,
  DAY,
  deviceOf,
  HOUR,
  openWaysBack,
  random,
  stranger,
} from './test/people.js';

afterEach(closeServers);

const [laptop, phone] = [deviceOf(101), deviceOf(102)];
/** The key of Alice’s new laptop, before and after it is hers. */
const [newKey, newLaptop] = [stranger(110), deviceOf(110)];
const thief = stranger(66);

describe('an owner who has lost every device', () => {
  test('shows an app, waits, and has one device in the place of all: the others are gone, the words stay', async () => {
    const world = await openWaysBack();
    await world.have(laptop, phone);
    const app = await world.totp();
    const begun = await world.prove(newKey, 'totp', app.name, { code: app.code() });
    expect(begun).toMatchObject({ state: 'waiting', proofs: ['totp'], readyAt: world.now + DAY });
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_EARLY');
    expect(await world.device(phone).call('recovery.list', {})).toMatchObject({
      cases: [{ caseId: new Uint8Array(newKey.xid), state: 'waiting', vetoes: 0 }],
    });
    await world.pass(DAY);
    const before = await world.server.context.storage.read(({ audit }) => audit.head());
    expect(await world.finish(newKey)).toEqual({ account: new Uint8Array(alice.xid) });
    const after = await world.server.context.storage.read(({ audit }) => audit.head());
    expect(after!.sequence - before!.sequence).toBe(1);
    // Whoever did not hear the answer asks again.
    expect(await world.finish(newKey)).toEqual({ account: new Uint8Array(alice.xid) });
    const { keys, number } = await world.list();
    expect([keys.map(({ id }) => [...id]), number]).toEqual([[[...newKey.xid]], 2]);
    expect((await world.device(newLaptop).call('device.show', { after: null })).number).toBe(2);
    expect(await codeOf(world.device(laptop).call('device.show', { after: null }))).toMatch('not there');
    expect((await world.show(newKey)).state).toBe('done');
  });

  test('shows a friend’s voucher, which is of use to no other key, and once', async () => {
    const world = await openWaysBack();
    const friend = await world.friend(71);
    const voucher = friend.vouch('recovery', newKey.xid);
    expect(await codeOf(world.prove(thief, 'xid', '', voucher))).toBe('RECOVERY_NOT_PROVEN');
    expect(await codeOf(world.prove(newKey, 'xid', '', friend.vouch('veto', newKey.xid)))).toBe(
      'RECOVERY_NOT_PROVEN',
    );
    expect((await world.prove(newKey, 'xid', '', voucher)).proofs).toEqual(['xid']);
    expect(await codeOf(world.prove(newKey, 'xid', '', voucher))).toBe('RECOVERY_NOT_PROVEN');
    await world.pass(DAY);
    expect(await codeOf(world.finish(newKey))).toBe('OK');
  });

  test('types the code of an e-mail, which is of use to no other key, and for half an hour at most', async () => {
    const world = await openWaysBack();
    await world.mail('Alice@example.org');
    const contact = { kind: 'mail', name: 'alice@EXAMPLE.org' } as const;
    await world.stranger(newKey).call('recovery.open', { contact });
    const code = world.code();
    expect(world.sent.at(-1)).toMatchObject({ content: { to: 'alice@example.org', what: 'code' } });
    expect(await codeOf(world.prove(thief, 'mail', contact.name, { code }))).toBe('RECOVERY_NOT_PROVEN');
    await world.pass(HOUR);
    expect(await codeOf(world.prove(newKey, 'mail', contact.name, { code }))).toBe('RECOVERY_NOT_PROVEN');
    await world.stranger(newKey).call('recovery.open', { contact });
    expect(await world.prove(newKey, 'mail', contact.name, { code: world.code() })).toMatchObject({
      state: 'waiting',
    });
    expect(world.sent.at(-1)).toMatchObject({ content: { to: 'alice@example.org', what: 'recovering' } });
    await world.pass(DAY);
    await world.finish(newKey);
    expect(world.sent.at(-1)).toMatchObject({ content: { to: 'alice@example.org', what: 'recovered' } });
  });

  test('stands before the operator, who types six words: where the account has named him', async () => {
    const world = await openWaysBack();
    const { server } = world;
    const { xid } = server.context.identity;
    const request = encodeVouchRequest({ server: xid, vouched: 'recovery', keys: newKey.publicKeys });
    const words = formatWords(likenessOf(newKey.xid));
    const confirm = (typed = words, about = request) =>
      server.sessions.waysBackDesk.confirm(alice.xid, about, typed);
    expect(await codeOf(confirm())).toBe('CONTACT_OPERATOR_MISSING');
    const set = { id: random(32), contact: { kind: 'operator' }, delaySeconds: DAY } as const;
    await world.words().call('contact.set', set);
    const others = encodeVouchRequest({ server: alice.xid, vouched: 'recovery', keys: newKey.publicKeys });
    expect(await codeOf(confirm(words, others))).toBe('RECOVERY_REQUEST_INVALID');
    expect(await codeOf(confirm(formatWords(likenessOf(thief.xid))))).toBe('RECOVERY_WORDS_WRONG');
    expect(await confirm()).toMatchObject({ state: 'waiting', proofs: ['operator'] });
    await world.pass(DAY);
    expect(await codeOf(world.finish(newKey))).toBe('OK');
  });
});

describe('P8', () => {
  test('P8: a device says no, and nothing begins for seven days; two contacts, or the operator in person, overrule it', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    const app = await world.totp();
    const friend = await world.friend(71);
    await world.prove(newKey, 'totp', app.name, { code: app.code() });
    const veto = { caseId: newKey.xid, reason: '' };
    expect(await world.device(laptop).call('recovery.veto', veto)).toMatchObject({
      state: 'vetoed',
      vetoes: 1,
    });
    await world.pass(DAY);
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_ENDED');
    // One and the same contact again overrules nobody.
    expect(await world.prove(newKey, 'totp', app.name, { code: app.code() })).toMatchObject({
      state: 'vetoed',
    });
    const overruled = await world.prove(newKey, 'xid', '', friend.vouch('recovery', newKey.xid));
    expect(overruled).toMatchObject({ state: 'waiting', proofs: ['totp', 'xid'], vetoes: 1 });
    expect(await world.device(laptop).call('recovery.veto', veto)).toMatchObject({ state: 'waiting' });
    // It waits from the beginning.
    await world.pass(DAY - HOUR);
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_EARLY');
    await world.pass(HOUR);
    expect(await codeOf(world.finish(newKey))).toBe('OK');
  });

  test('P8: nobody overrules the words', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const friend = await world.friend(71);
    await world.prove(thief, 'totp', app.name, { code: app.code() });
    await world.words().call('recovery.veto', { caseId: thief.xid, reason: '' });
    const again = await world.prove(thief, 'xid', '', friend.vouch('recovery', thief.xid));
    expect(again).toMatchObject({ state: 'vetoed', proofs: ['totp', 'xid'] });
  });

  test('P8: a guessed code: eight tries of an app in a day and no more, also over restarts', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const wrong = () => {
      const code = app.code();
      return { code: `${(Number(code[0]) + 5) % 10}${code.slice(1)}` };
    };
    // One was taken to show that it works: that was of the contact, not of its name.
    for (let i = 0; i < 8; i++) {
      expect(await codeOf(world.prove(stranger(60 + i), 'totp', app.name, wrong()))).toBe(
        'RECOVERY_NOT_PROVEN',
      );
      if (i === 4) await world.off(60);
    }
    await world.off(60);
    expect(await codeOf(world.prove(newKey, 'totp', app.name, { code: app.code() }))).toBe(
      'RECOVERY_NOT_PROVEN',
    );
    await world.off(DAY);
    expect(await codeOf(world.prove(newKey, 'totp', app.name, { code: app.code() }))).toBe('OK');
    await world.pass(DAY);
    expect(await codeOf(world.finish(newKey))).toBe('OK');
  });

  test('P8: a second case waits for nothing while the first one does, and a contact says no to it', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const friend = await world.friend(71);
    await world.prove(thief, 'totp', app.name, { code: app.code() });
    const other = world.prove(newKey, 'xid', '', friend.vouch('recovery', newKey.xid));
    expect(await codeOf(other)).toBe('RECOVERY_OTHER');
    const veto = friend.vouch('veto', newKey.xid);
    const stopped = await world.prove(newKey, 'xid', '', veto, 'veto');
    expect(stopped).toMatchObject({ caseId: new Uint8Array(thief.xid), state: 'vetoed' });
    // The account rests for both.
    const mine = await world.prove(newKey, 'xid', '', friend.vouch('recovery', newKey.xid));
    expect(mine).toMatchObject({ state: 'vetoed', proofs: ['xid'], pausedUntil: world.now + 7 * DAY - 1 });
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_ENDED');
  });

  test('P8: time that the server was off, and a clock that is a year on, grant nothing; what was put back is over', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    await world.prove(newKey, 'totp', app.name, { code: app.code() });
    await world.pass(12 * HOUR);
    await world.off(10 * DAY);
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_EARLY');
    await world.off(365 * DAY);
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_ENDED');
    const second = stranger(111);
    await world.prove(second, 'totp', app.name, { code: app.code() });
    await world.server.sessions.voidOpen('the database was put back');
    await world.pass(2 * DAY);
    expect(await codeOf(world.finish(second))).toBe('RECOVERY_ENDED');
  });
});

describe('L9', () => {
  test('L9: a thief with e-mail does not lock the words out: a new generation undoes his recovery', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    await world.mail('alice@example.org');
    await world
      .stranger(thief)
      .call('recovery.open', { contact: { kind: 'mail', name: 'alice@example.org' } });
    await world.prove(thief, 'mail', 'alice@example.org', { code: world.code() });
    await world.pass(DAY);
    await world.finish(thief);
    const his = deviceOf(66);
    expect(await codeOf(world.device(his).call('device.show', { after: null }))).toBe('OK');
    // He is young: he takes no contact away, and sets none.
    const set = { id: random(32), contact: { kind: 'totp' } } as const;
    expect(await codeOf(world.device(his).call('contact.set', set))).toBe('DEVICE_TOO_YOUNG');
    await world.have(laptop);
    expect(await codeOf(world.device(his).call('device.show', { after: null }))).toMatch('not there');
    const { generation, keys } = await world.list();
    expect([generation, keys.length]).toEqual([1, 1]);
  });
});
