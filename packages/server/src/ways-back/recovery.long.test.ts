// @module-tag long
import { describe, expect, test, afterEach } from 'vitest';
import {
  COMMON_TOTP,
  deviceId,
  deviceKey,
  type DeviceKey,
  DEVICE_PRIVILEGES,
  encodeVouchRequest,
  isLastOfBand,
  nextDevices,
  parseDevices,
  type SignedDevices,
  signDevices,
  totpOf,
} from '@ckm/api';
import { compareBytes, secret } from '@ckm/foundation';
import { formatWords, type Identity, likenessOf } from '@ckm/gordian';
import type { MailConfig } from '../config/config.js';
import { PEOPLE_MAIL, type PeopleMail, peopleWays } from '../outbox/people-ways.js';
import type { BareCaller } from '../sessions/test/bare-server.js';
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
    expect([keys.map(({ id }) => [...id]), number]).toEqual([[[...newKey.xid]], 1_024]);
    expect((await world.device(newLaptop).call('device.show', { after: null })).number).toBe(1_024);
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

describe('a thief who has used up the numbers of lists', () => {
  test('keeps nobody who comes back from having a second device, and from removing it', async () => {
    const world = await openWaysBack();
    await world.have(laptop, phone);
    const app = await world.totp();
    const [ofLaptop, ofPhone] = [laptop, phone].map((one) => deviceKey(one.publicKeys, DEVICE_PRIVILEGES));
    await world.pass(4 * DAY);
    let last = await world.list();
    const signNext = (who: Identity, keys: readonly DeviceKey[]) => {
      const signed = signDevices(nextDevices(last, keys, deviceId(who.publicKeys)), who);
      last = parseDevices(signed.document);
      return signed;
    };
    while (!isLastOfBand(last)) {
      const documents: SignedDevices[] = [];
      // Out and in: that costs him nothing.
      while (documents.length < 32 && !isLastOfBand(last))
        documents.push(signNext(laptop, last.keys.length === 1 ? [ofLaptop!, ofPhone!] : [ofLaptop!]));
      await world.device(laptop).call('device.update', { documents });
      await world.pass(60);
    }
    expect(last.number).toBe(1_023);
    await world.prove(newKey, 'totp', app.name, { code: app.code() });
    await world.pass(DAY);
    await world.finish(newKey);
    last = await world.list();
    expect(last.number).toBe(1_024);
    const [mine, second] = [newLaptop, deviceOf(111)];
    const ofMine = deviceKey(mine.publicKeys, DEVICE_PRIVILEGES);
    const added = signNext(mine, [ofMine, deviceKey(second.publicKeys, ['use'])]);
    await world.device(mine).call('device.update', { documents: [added] });
    expect(await codeOf(world.device(second).call('device.show', { after: null }))).toBe('OK');
    await world.device(mine).call('device.update', { documents: [signNext(mine, [ofMine])] });
    expect(await codeOf(world.device(second).call('device.show', { after: null }))).toMatch('not there');
    expect((await world.list()).number).toBe(1_026);
  }, 120_000);
});

describe('P9', () => {
  test('P9: who asks for a code leaves as much whether there is such an address or not, and no more than is sent in a day', async () => {
    const world = await openWaysBack();
    await world.mail('alice@example.org');
    const left = async (name: string, times: number) => {
      const before = world.sent.length;
      for (let i = 0; i < times; i++)
        await world.stranger(newKey).call('recovery.open', { contact: { kind: 'mail', name } });
      return world.sent.slice(before).map(({ content }) => (content as unknown as PeopleMail).to);
    };
    expect(await left('carol@example.org', 30)).toEqual(Array.from({ length: 24 }, () => null));
    // One was sent when the address was set.
    expect(await left('alice@example.org', 30)).toEqual(
      Array.from({ length: 23 }, () => 'alice@example.org'),
    );
  });

  test('P9: nothing is kept of a code that was sent, to somebody or to nobody', () => {
    const way = peopleWays({ name: 'alpha', mail: { host: 'localhost', port: 1 } as MailConfig }).get(
      PEOPLE_MAIL,
    )!;
    const told = (what: string, to: string | null) => way.leavesNothing!({ what, to });
    expect([told('code', null), told('code', 'a@example.org'), told('recovering', 'a@example.org')]).toEqual([
      true,
      true,
      false,
    ]);
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

  test('P8: whoever uses up the tries of an app keeps nobody out who has it: of two codes one after the other the second is taken', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const wrong = { code: '00000000' };
    for (let i = 0; i < 8; i++) await codeOf(world.prove(thief, 'totp', app.name, wrong));
    const show = (who: Identity) => codeOf(world.prove(who, 'totp', app.name, { code: app.code() }));
    expect([await show(newKey), await show(newKey)]).toEqual(['RECOVERY_NOT_PROVEN', 'RECOVERY_NOT_PROVEN']);
    await world.off(60);
    // Of another key it is the first one, and whoever tries often is not heard at all.
    expect([await show(stranger(111)), await show(thief)]).toEqual([
      'RECOVERY_NOT_PROVEN',
      'RECOVERY_NOT_PROVEN',
    ]);
    expect(await show(newKey)).toBe('OK');
    await world.off(60);
    expect(await show(thief)).toBe('RECOVERY_NOT_PROVEN');
  });

  test('P8: a clock that was a year ahead, and is set right, keeps nobody out', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const friend = await world.friend(71);
    await world.off(365 * DAY);
    await codeOf(world.prove(thief, 'totp', app.name, { code: app.code() }));
    for (let i = 0; i < 8; i++) await codeOf(world.prove(thief, 'totp', app.name, { code: '00000000' }));
    await world
      .device(laptop)
      .call('recovery.list', {})
      .catch(() => undefined);
    await world.words().call('recovery.veto', { caseId: thief.xid, reason: '' });
    await world.off(-365 * DAY);
    await world.pass(8 * DAY);
    expect(await codeOf(world.prove(newKey, 'totp', app.name, { code: app.code() }))).toBe('OK');
    expect(await codeOf(world.prove(newKey, 'xid', '', friend.vouch('recovery', newKey.xid)))).toBe('OK');
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

describe('P8: what is said in one case holds for the account', () => {
  test('P8: the words’ no is overruled by nobody with a fresh key either', async () => {
    const world = await openWaysBack();
    const app = await world.totp();
    const friend = await world.friend(71);
    await world.words().call('contact.set', { id: random(32), contact: { kind: 'operator' } });
    await world.prove(thief, 'totp', app.name, { code: app.code() });
    await world.words().call('recovery.veto', { caseId: thief.xid, reason: '' });
    const again = stranger(67);
    await world.pass(60);
    expect(await world.prove(again, 'totp', app.name, { code: app.code() })).toMatchObject({
      state: 'vetoed',
    });
    const second = await world.prove(again, 'xid', '', friend.vouch('recovery', again.xid));
    expect(second).toMatchObject({ state: 'vetoed', proofs: ['totp', 'xid'] });
    const { xid } = world.server.context.identity;
    const request = encodeVouchRequest({ server: xid, vouched: 'recovery', keys: again.publicKeys });
    const confirmed = await world.server.sessions.waysBackDesk.confirm(
      alice.xid,
      request,
      formatWords(likenessOf(again.xid)),
    );
    expect(confirmed.state).toBe('vetoed');
  });

  test('P8: of two cases from one pause the second does not begin after a no to the first', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    const friend = await world.friend(71);
    const show = (who: typeof thief) => world.prove(who, 'xid', '', friend.vouch('recovery', who.xid));
    const refuse = (who: typeof thief) =>
      world.device(laptop).call('recovery.veto', { caseId: who.xid, reason: '' });
    const [one, other] = [stranger(67), stranger(68)];
    await show(thief);
    await refuse(thief);
    expect([(await show(one)).state, (await show(other)).state]).toEqual(['vetoed', 'vetoed']);
    await world.pass(7 * DAY + HOUR);
    expect((await show(one)).state).toBe('waiting');
    await refuse(one);
    expect(await show(other)).toMatchObject({ state: 'vetoed', pausedUntil: expect.any(Number) });
    await world.pass(7 * DAY + HOUR);
    expect((await show(other)).state).toBe('waiting');
  });

  test('P8: whoever brings one key after the other hides none that waits, and few of them are kept', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    const friend = await world.friend(71);
    const show = (who: typeof thief) => world.prove(who, 'xid', '', friend.vouch('recovery', who.xid));
    const keys = Array.from({ length: 42 }, (_, i) => stranger(200 + i));
    const [last, nextToLast, ...others] = keys.toSorted((a, b) => compareBytes(b.xid, a.xid));
    await show(thief);
    await world.device(laptop).call('recovery.veto', { caseId: thief.xid, reason: '' });
    for (const who of others) expect((await show(who)).state).toBe('vetoed');
    await world.pass(7 * DAY + HOUR);
    expect((await show(last!)).state).toBe('waiting');
    const { cases } = await world.device(laptop).call('recovery.list', {});
    expect(cases[0]).toMatchObject({ caseId: new Uint8Array(last!.xid), state: 'waiting' });
    expect(cases).toHaveLength(16);
    expect(await codeOf(show(nextToLast!))).toBe('RECOVERY_OTHER');
    const veto = friend.vouch('veto', newKey.xid);
    expect(await world.prove(newKey, 'xid', '', veto, 'veto')).toMatchObject({
      caseId: new Uint8Array(last!.xid),
      state: 'vetoed',
    });
  }, 120_000);
});

describe('a contact', () => {
  test('that is an app is named and shown to whoever sets it up alone: a device that was removed knows no name', async () => {
    const world = await openWaysBack();
    await world.have(laptop, phone);
    await world.pass(4 * DAY);
    const id = random(32);
    const set = { id, contact: { kind: 'totp' }, delaySeconds: DAY } as const;
    const asks = (who: BareCaller) => who.call('contact.set', set);
    const names = async (who: BareCaller) =>
      (await who.call('contact.list', {})).contacts.map(({ name }) => name);
    const mine = await asks(world.device(phone));
    expect(mine.contact.name).toMatch(/^[0-9a-z]{12}$/);
    const first = [`${mine.contact.name.slice(0, 4)}…`];
    expect(await names(world.device(laptop))).toEqual(first);
    const others = await asks(world.device(laptop));
    expect([others.secret, others.contact.name]).toEqual([undefined, first[0]]);
    expect([(await asks(world.device(phone))).secret, (await asks(world.words())).secret]).toEqual([
      mine.secret,
      mine.secret,
    ]);
    const code = totpOf(secret(mine.secret!), Math.floor(world.now / COMMON_TOTP.period), COMMON_TOTP);
    const verified = await world.device(phone).call('contact.verify', { id, proof: { code } });
    expect(verified.contact.name).toBe(first[0]);
    for (const who of [world.device(phone), world.device(laptop), world.words()])
      expect(await names(who)).toEqual(first);
    expect((await asks(world.device(phone))).secret).toBeUndefined();
  });

  test('that others set and never showed keeps nobody from being named by it', async () => {
    const world = await openWaysBack();
    const address = 'alice@example.org';
    await world.mail(address);
    const before = Array.from({ length: 200 }, (_, i) => stranger(i + 1)).filter(
      ({ xid }) => compareBytes(xid, alice.xid) < 0,
    );
    const mallory = await world.server.as(before[0]!);
    for (let i = 0; i < 8; i++)
      await mallory.call('contact.set', { id: random(32), contact: { kind: 'mail', address } });
    await world.stranger(newKey).call('recovery.open', { contact: { kind: 'mail', name: address } });
    const shown = await world.prove(newKey, 'mail', address, { code: world.code() });
    expect(shown).toMatchObject({ state: 'waiting', proofs: ['mail'] });
  });

  test('that a device names and that has nothing to show, as the operator, is told to the others', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    const { address } = await world.mail('alice@example.org');
    await world.pass(4 * DAY);
    await world.device(laptop).call('contact.set', { id: random(32), contact: { kind: 'operator' } });
    expect(world.sent.at(-1)).toMatchObject({ content: { to: address, what: 'contact-coming' } });
  });

  test('is one, however often its mailbox or its person is named', async () => {
    const world = await openWaysBack();
    const address = 'alice@example.org';
    const words = world.words();
    const twice = [random(32), random(32)] as const;
    const codes: string[] = [];
    for (const id of twice) {
      await words.call('contact.set', { id, contact: { kind: 'mail', address } });
      codes.push(world.code());
    }
    await words.call('contact.verify', { id: twice[0], proof: { code: codes[0]! } });
    const second = words.call('contact.verify', { id: twice[1], proof: { code: codes[1]! } });
    expect(await codeOf(second)).toBe('CONTACT_THERE');
    const third = { id: random(32), contact: { kind: 'mail', address: 'Alice@Example.org' } } as const;
    expect(await codeOf(words.call('contact.set', third))).toBe('CONTACT_THERE');
    await world.friend(71);
    expect(await codeOf(world.friend(71))).toBe('CONTACT_THERE');
  });
});

describe('a key that the account has', () => {
  test('recovers it neither when it shows a contact nor when it is let in meanwhile', async () => {
    const world = await openWaysBack();
    await world.have(laptop);
    const app = await world.totp();
    // The same key as the phone’s, as one that nobody knows.
    const asStranger = stranger(102);
    expect(await world.prove(asStranger, 'totp', app.name, { code: app.code() })).toMatchObject({
      state: 'waiting',
    });
    await world.have(laptop, phone);
    await world.pass(DAY + HOUR);
    expect(await codeOf(world.finish(asStranger))).toBe('RECOVERY_ASKER_KNOWN');
    const again = world.prove(asStranger, 'totp', app.name, { code: app.code() });
    expect(await codeOf(again)).toBe('RECOVERY_ASKER_KNOWN');
    expect((await world.list()).keys).toHaveLength(2);
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
