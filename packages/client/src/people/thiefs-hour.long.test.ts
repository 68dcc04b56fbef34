// @module-tag long
// Longer than other files, because it is one table: each row of "A thief’s hour" in docs/threat-model.md, tried. That none was left out is seen at the end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  codeOf,
  createFamily,
  DAY,
  type Family,
  type FamilyDevice,
  HOUR,
  LIMIT,
  type PersonName,
  signsFreely,
} from './test/family.js';
import {
  approverFreezes,
  bribe,
  forgesVote,
  freezesAccount,
  LOOSER,
  proposes,
  removes,
  sharesOfAsked,
  signsUntilRefused,
  thawsAccount,
  TIGHTER,
  tryAll,
} from './test/thief.js';

let family: Family;
let home: FamilyDevice;
let phone: FamilyDevice;

/** The owner has a laptop and one more computer for long, and a phone for an hour. */
beforeEach(async () => {
  family = await createFamily();
  home = await family.addDevice('home', ['use', 'manage']);
  await family.growUp();
  phone = await family.addDevice('phone', ['use', 'manage']);
  await family.pass(HOUR);
}, 60_000);
afterEach(() => family.close());

/** Rows that were tried to their end, as they stand on the page. */
const tried = new Set<string>();
afterEach(({ task }) => {
  if (task.result?.state === 'pass') tried.add(task.name);
});

/** ⌊n·q/t⌋, and ⌊(n − m)·q/(t − m)⌋ with one server that goes by no rules. */
const HONEST = Math.floor((3 * LIMIT) / 2);
const ONE_LIES = Math.floor((2 * LIMIT) / 1);
const SERVERS = ['alpha', 'bravo', 'charlie'];
const done = ['done', 'done', 'done'];
const young = 'DEVICE_TOO_YOUNG, DEVICE_TOO_YOUNG, DEVICE_TOO_YOUNG';
/** What a device that manages and is not young gets besides. */
const OF_LAPTOP = {
  export: 'KEY_NOT_EXPORTABLE',
  servers: 'CHANGE_WAITING',
  loosens: 'waits 2, waits 2, waits 2',
  contact: 'coming',
  contactGoes: 'leaving',
  freezes: 'stopped',
  thaws: 'frozen, frozen, frozen',
};
const OF_PHONE = {
  ...OF_LAPTOP,
  loosens: young,
  contact: 'DEVICE_TOO_YOUNG',
  contactGoes: 'DEVICE_TOO_YOUNG',
};

/** Seconds that pass until the owner is back. */
async function secondsOf(work: () => Promise<void>): Promise<number> {
  const began = family.network.now;
  await work();
  return family.network.now - began;
}

/** Servers that answer a device no more. */
async function outAt(device: FamilyDevice): Promise<readonly string[]> {
  const out: string[] = [];
  for (const server of family.network.servers) {
    const code = await codeOf(device.call(server, 'device.show', { after: null }));
    if (code === 'MESSAGE_NOT_AUTHENTICATED') out.push(server.name);
  }
  return out;
}

/** What is asked of somebody about the terms. */
async function termsAskedOf(who: PersonName) {
  const asked = await family.asked(who, family.network.servers[0]!);
  return asked.find(({ matter }) => matter === 'terms')!;
}

/** What becomes of a change of terms that waits, at each server: whether time alone brings it into force. */
async function fateOfTerms(): Promise<readonly string[]> {
  const fates: string[] = [];
  for (const server of family.network.servers) {
    const words = await family.asWords(server);
    const { waiting } = await words.call('terms.show', { keyId: family.keyId, after: null });
    fates.push(waiting === null ? 'none' : waiting.readyAt === null ? 'waits' : 'ripens');
  }
  return fates;
}
const everywhere = (fate: string) => SERVERS.map(() => fate);

/** A vote that its operator made up: nobody takes it from him, and nobody counts it who has it from the owner. */
const FORGED = ['MATTER_UNKNOWN', 'VOTE_NOT_PROVEN', 'MATTER_UNKNOWN', 'VOTE_NOT_PROVEN'];
const LIMIT_OF_BEFORE = { rateLimit: { count: LIMIT, perSeconds: DAY } };
const inForce = 'inForce 0, inForce 0, inForce 0';

describe('one alone', () => {
  test('T1: a laptop', async () => {
    const { laptop, words } = family;
    expect(await sharesOfAsked(family, { place: laptop })).toBe(0);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, laptop)).toBe(HONEST);
    expect(await tryAll(laptop)).toEqual(OF_LAPTOP);
    expect(await proposes(laptop, TIGHTER)).toBe('inForce 0, inForce 0, inForce 0');
    const his = await family.addDevice('his', ['use', 'manage'], laptop);
    expect(await removes(his, 'home')).toBe('DEVICE_TOO_YOUNG');
    expect(await removes(laptop, 'home')).toEqual(done);
    expect(await removes(laptop, 'phone')).toEqual(done);
    expect(await outAt(home)).toEqual(SERVERS);
    expect(
      await secondsOf(async () => {
        expect(await removes(words, 'laptop')).toEqual(done);
        expect(await removes(words, 'his')).toEqual(done);
      }),
    ).toBe(0);
    expect(await outAt(laptop)).toEqual(SERVERS);
    expect(await outAt(his)).toEqual(SERVERS);
    // The freeze was for a day.
    await family.pass(DAY);
    expect(await words.run((client) => signsFreely(client, 'mine'))).toHaveLength(2);
    // What he tightened comes back by the yes of two people, without a delay.
    expect(await proposes(words, LIMIT_OF_BEFORE)).toBe('waits 2, waits 2, waits 2');
    const shown = await termsAskedOf('ann');
    for (const who of ['ann', 'bob'] as const) await family.say(who, shown, {});
    expect(await proposes(words, LIMIT_OF_BEFORE)).toBe(inForce);
  }, 120_000);

  test('T2: a laptop where the words lie', async () => {
    const { words } = family;
    expect(await sharesOfAsked(family, { place: words })).toBe(0);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, words)).toBe(HONEST);
    expect(await tryAll(words)).toEqual({ ...OF_LAPTOP, contact: 'inForce', contactGoes: 'gone' });
    for (const name of ['home', 'phone', 'laptop']) expect(await removes(words, name)).toEqual(done);
    expect(await outAt(home)).toEqual(SERVERS);
    // One no of anybody who is asked ends what the words alone would do after thirty days.
    expect(await fateOfTerms()).toEqual(everywhere('ripens'));
    await family.say('cy', await termsAskedOf('cy'), { verdict: 'no' });
    await family.pass(HOUR);
    expect(await fateOfTerms()).toEqual(everywhere('waits'));
  }, 120_000);

  test('T3: a phone that is new', async () => {
    const { laptop } = family;
    expect(await sharesOfAsked(family, { place: phone })).toBe(0);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, phone)).toBe(HONEST);
    expect(await tryAll(phone)).toEqual(OF_PHONE);
    expect(await proposes(phone, TIGHTER)).toBe(young);
    expect(await removes(phone, 'laptop')).toBe('DEVICE_TOO_YOUNG');
    expect(
      await secondsOf(async () => {
        expect(await removes(laptop, 'phone')).toEqual(done);
      }),
    ).toBe(0);
    expect(await outAt(phone)).toEqual(SERVERS);
    await family.pass(DAY);
    expect(await laptop.run((client) => signsFreely(client, 'mine'))).toHaveLength(2);
  }, 120_000);

  test('T4: an operator', async () => {
    const { laptop, network } = family;
    const bravo = network.server('bravo');
    await bribe(family, bravo);
    expect(await forgesVote(family, bravo, 'ann')).toEqual(FORGED);
    network.cut('bravo');
    expect(await laptop.run((client) => signsFreely(client, 'mine'))).toEqual(['alpha', 'charlie']);
  }, 120_000);

  test('T5: somebody who is asked', async () => {
    const { laptop, network } = family;
    expect(await sharesOfAsked(family, { place: laptop, approver: 'ann' })).toBe(0);
    expect(await approverFreezes(family, 'ann', 7 * DAY)).toBe('OK, OK, OK');
    expect(await codeOf(laptop.run((client) => signsFreely(client, 'mine')))).toBe('POLICY_KEY_FROZEN');
    for (const name of ['alpha', 'charlie']) await family.thaw(network.server(name), ['bob', 'cy']);
    expect(await laptop.run((client) => signsFreely(client, 'mine'))).toEqual(['alpha', 'charlie']);
    // Of her seven days none is used up yet.
    expect(await approverFreezes(family, 'ann', 7 * DAY)).toBe('OK, OK, OK');
    await family.pass(7 * DAY);
    expect(await laptop.run((client) => signsFreely(client, 'again'))).toHaveLength(2);
    expect(await approverFreezes(family, 'ann', HOUR)).toBe('FREEZE_USED_UP, FREEZE_USED_UP, FREEZE_USED_UP');
  }, 120_000);

  test('T15: a laptop, of an owner who has no other device and no words', async () => {
    const { laptop } = family;
    for (const name of ['home', 'phone']) expect(await removes(laptop, name)).toEqual(done);
    const newcomer = family.newcomer();
    await family.beginRecovery(newcomer, ['alpha', 'charlie']);
    for (const { server, caseId } of (await laptop.run((client) => client.listCases())).cases)
      await laptop.run((client) => client.vetoCase(server, caseId));
    const back = await secondsOf(async () => {
      // Two contacts at each of two servers overrule him.
      await family.beginRecovery(newcomer, ['alpha', 'charlie'], 'friend');
      await family.pass(DAY + HOUR);
      for (const name of ['alpha', 'charlie'])
        await newcomer.run((client) => client.finishRecovery(name, 'new'));
    });
    expect(back).toBeLessThan(2 * DAY);
    expect(await outAt(laptop)).toEqual(['alpha', 'charlie']);
    expect(await signsUntilRefused(family, laptop)).toBe(0);
  }, 120_000);

  test('T16: a laptop, of an owner who has frozen his account', async () => {
    const { laptop, words } = family;
    expect(await freezesAccount(phone, 3 * DAY)).toBe('frozen, frozen, frozen');
    expect(await signsUntilRefused(family, laptop)).toBe(0);
    expect(await tryAll(laptop)).toEqual({
      export: 'KEY_NOT_EXPORTABLE',
      servers: 'SERVERS_MISSING',
      loosens: 'ACCOUNT_FROZEN, ACCOUNT_FROZEN, ACCOUNT_FROZEN',
      contact: 'ACCOUNT_FROZEN',
      contactGoes: 'ACCOUNT_FROZEN',
      freezes: 'stopped',
      thaws: 'frozen, frozen, frozen',
    });
    expect(await thawsAccount(laptop)).toBe('frozen, frozen, frozen');
    // It stops neither what takes him out nor what is tighter.
    expect(await proposes(laptop, TIGHTER)).toBe(inForce);
    expect(
      await secondsOf(async () => {
        expect(await removes(words, 'laptop')).toEqual(done);
      }),
    ).toBe(0);
    expect(await outAt(laptop)).toEqual(SERVERS);
    await family.pass(3 * DAY);
    expect(await words.run((client) => signsFreely(client, 'mine'))).toHaveLength(2);
  }, 120_000);

  test('T17: a phone that is new, with which he freezes the account', async () => {
    const { laptop, words } = family;
    expect(await freezesAccount(phone, 7 * DAY)).toBe('frozen, frozen, frozen');
    expect(await codeOf(laptop.run((client) => signsFreely(client, 'mine')))).toBe('ACCOUNT_FROZEN');
    for (const place of [words, laptop, phone])
      expect(await thawsAccount(place)).toBe('frozen, frozen, frozen');
    expect(await removes(laptop, 'phone')).toEqual(done);
    expect(await outAt(phone)).toEqual(SERVERS);
    expect(await codeOf(laptop.run((client) => signsFreely(client, 'mine')))).toBe('ACCOUNT_FROZEN');
    await family.pass(7 * DAY);
    expect(await laptop.run((client) => signsFreely(client, 'mine'))).toHaveLength(2);
    // Nobody of the account stops it once more before thirty days are over.
    const used = 'FREEZE_USED_UP, FREEZE_USED_UP, FREEZE_USED_UP';
    expect(await freezesAccount(laptop, HOUR)).toBe(used);
  }, 120_000);
});

describe('two together', () => {
  test('T6: a laptop, and an operator', async () => {
    const { laptop, words, network } = family;
    const bravo = network.server('bravo');
    await bribe(family, bravo);
    expect(await sharesOfAsked(family, { place: laptop })).toBe(1);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, laptop, 2)).toBe(ONE_LIES);
    expect((await tryAll(laptop))['servers']).toBe('CHANGE_WAITING');
    expect(await removes(words, 'laptop')).toEqual(done);
    expect(await outAt(laptop)).toEqual(SERVERS);
  }, 120_000);

  test('T7: a laptop, and somebody who is asked', async () => {
    const { laptop, words } = family;
    expect(await sharesOfAsked(family, { place: laptop, approver: 'ann' })).toBe(0);
    await proposes(laptop, LOOSER);
    await family.say('ann', await termsAskedOf('ann'), {});
    expect(await proposes(laptop, LOOSER)).toBe('waits 1, waits 1, waits 1');
    await words.run((client) => client.stopTerms('savings'));
    expect(await fateOfTerms()).toEqual(everywhere('none'));
  }, 120_000);

  test('T8: a phone that is new, and an operator', async () => {
    const { laptop, network } = family;
    await bribe(family, network.server('bravo'));
    expect(await sharesOfAsked(family, { place: phone })).toBe(1);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, phone, 2)).toBe(ONE_LIES);
    expect(await proposes(phone, LOOSER)).toBe('DEVICE_TOO_YOUNG, TERMS_VERSION_WRONG, DEVICE_TOO_YOUNG');
    expect(await removes(laptop, 'phone')).toEqual(done);
    expect(await outAt(phone)).toEqual(SERVERS);
  }, 120_000);

  test('T9: a phone that is new, and somebody who is asked', async () => {
    const { laptop } = family;
    expect(await sharesOfAsked(family, { place: phone, approver: 'ann' })).toBe(0);
    expect(await proposes(phone, LOOSER)).toBe(young);
    expect(await removes(laptop, 'phone')).toEqual(done);
    expect(await outAt(phone)).toEqual(SERVERS);
  }, 120_000);

  test('T10: a laptop, and a phone that is new', async () => {
    const { laptop, words } = family;
    expect(await signsUntilRefused(family, laptop)).toBe(HONEST);
    expect(await signsUntilRefused(family, phone)).toBe(0);
    // That the laptop has seen the phone makes it no older today.
    await laptop.run(async (client) => client.seeDevices(await client.listDevices()));
    expect(await removes(phone, 'home')).toBe('DEVICE_TOO_YOUNG');
    for (const name of ['laptop', 'phone']) expect(await removes(words, name)).toEqual(done);
    expect([await outAt(laptop), await outAt(phone)]).toEqual([SERVERS, SERVERS]);
  }, 120_000);

  test('T11: an operator, and somebody who is asked', async () => {
    const { laptop, network } = family;
    const bravo = network.server('bravo');
    await bribe(family, bravo);
    expect(await forgesVote(family, bravo, 'bob', 'ann')).toEqual(FORGED);
    expect(await approverFreezes(family, 'ann', 7 * DAY)).toBe('OK, OK, OK');
    network.cut('bravo');
    expect(await codeOf(laptop.run((client) => signsFreely(client, 'mine')))).not.toBe('OK');
    for (const name of ['alpha', 'charlie']) await family.thaw(network.server(name), ['bob', 'cy']);
    expect(await laptop.run((client) => signsFreely(client, 'mine'))).toEqual(['alpha', 'charlie']);
  }, 120_000);

  test('T12: a laptop where the words lie, and an operator', async () => {
    const { words, network } = family;
    await bribe(family, network.server('bravo'));
    expect(await sharesOfAsked(family, { place: words })).toBe(1);
    await family.pass(DAY);
    expect(await signsUntilRefused(family, words, 2)).toBe(ONE_LIES);
  }, 120_000);

  test('T13: a laptop where the words lie, and somebody who is asked', async () => {
    const { words } = family;
    expect(await sharesOfAsked(family, { place: words, approver: 'ann' })).toBe(0);
    await proposes(words, LOOSER);
    await family.say('ann', await termsAskedOf('ann'), {});
    expect(await proposes(words, LOOSER)).toBe('waits 1, waits 1, waits 1');
    await family.say('cy', await termsAskedOf('cy'), { verdict: 'no' });
    await family.pass(HOUR);
    expect(await fateOfTerms()).toEqual(everywhere('waits'));
  }, 120_000);

  test('T14: a laptop where the words lie, and a phone that is new', async () => {
    const { words } = family;
    expect(await signsUntilRefused(family, words)).toBe(HONEST);
    expect(await signsUntilRefused(family, phone)).toBe(0);
    expect(await proposes(phone, LOOSER)).toBe(young);
  }, 120_000);
});

/** What a thief may have: each alone, and each with each other, is a row. */
const HOLDINGS = ['a laptop', 'a phone that is new', 'an operator', 'somebody who is asked'];

describe('the table', () => {
  test('has nothing but rows that were tried just now, and among them each thief alone and each two together', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/threat-model.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (T\d+) +\| ([^|]+?) +\|/gm)].map(([, id, who]) => ({ id, who }));
    expect([...tried].toSorted()).toEqual(rows.map(({ id, who }) => `${id}: ${who}`).toSorted());
    const two = HOLDINGS.flatMap((one, i) => HOLDINGS.slice(i + 1).map((other) => [one, other].toSorted()));
    const shown = rows.map(({ who }) => who!.split(', and ').toSorted().join(', and '));
    for (const holding of [...HOLDINGS.map((one) => [one]), ...two])
      expect(shown.filter((one) => one === holding.join(', and '))).toHaveLength(1);
    expect(HOLDINGS.length + two.length).toBe(10);
  });
});
