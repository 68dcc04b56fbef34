// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseTerms,
  policyHash,
  versionOf,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import type { NetworkServer } from '../test/test-network.js';
import { codeOf, createFamily, DAY, type Family, KEY, signsFreely } from './test/family.js';

let family: Family;
afterEach(() => family.close());

test('whoever came back by contacts without the words uses a key whose terms ask people again, once the people of the key say that he is its owner', async () => {
  family = await createFamily();
  const { network, laptop, keyId } = family;
  const back = ['alpha', 'bravo'].map((name) => network.server(name));
  const place = family.newcomer();
  await family.recover(place, ['alpha', 'bravo'], 'second');
  await family.keep(place);
  const signs = () => codeOf(place.run((client) => signsFreely(client, 'I go on')));
  expect(await signs()).toBe('REQUESTER_NOT_PROVEN');

  const own = () => place.run((client) => client.ownKey(KEY));
  expect((await own()).servers.map(({ code }) => code)).toEqual(expect.arrayContaining(['DEVICE_TOO_YOUNG']));
  await family.growUp();
  const plan = await place.run((client) => client.planOwning(KEY));
  expect(plan).toMatchObject({ loosened: ['ownerKey'], way: 'waits', needed: 2, delaySeconds: 3 * DAY });
  const first = await own();
  expect(first.servers.map(({ verdict }) => verdict)).toEqual(['waits', 'waits', 'unknown']);
  // Done again it is the same change.
  expect((await own()).change).toEqual(first.change);
  for (const who of ['ann', 'bob'] as const) {
    const [shown] = (await family.asked(who, back[0]!)).filter(({ matter }) => matter === 'terms');
    const said = await family.say(who, shown!, { expiresAt: network.now + 10 * DAY }, back);
    expect([...said.values()]).toEqual([[], []]);
  }
  expect(await signs()).toBe('REQUESTER_NOT_PROVEN');
  await family.pass(3 * DAY + 3_600);
  expect(await own()).toMatchObject({ isInForce: true });
  expect(await signs()).toBe('OK');
  expect(await own()).toMatchObject({ change: first.change, isInForce: true });
  const [told] = await place.run((client) => client.alive(KEY));
  expect(told).toMatchObject({ outcome: 'told' });
  expect(told!.servers.filter(({ isHeard }) => isHeard)).toHaveLength(2);
  // L9: what was lost says nothing of this key any more where he is back.
  for (const server of back)
    expect(await codeOf(laptop.call(server, 'key.show', { keyId }))).toBe('MESSAGE_NOT_AUTHENTICATED');
}, 240_000);

/** What whoever has the laptop puts in force at one server alone, for good. */
async function tightenAlone(server: NetworkServer, count: number): Promise<void> {
  const { laptop, keyId } = family;
  const shown = await laptop.call(server, 'terms.show', { keyId, after: null });
  const before = parseTerms(shown.terms, REQUEST_FACTS);
  const after: KeyTerms = {
    ...before,
    rateLimit: { count, perSeconds: DAY },
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(count) }, before, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  await laptop.call(server, 'terms.propose', { keyId, ...link });
}

/** Everybody who is asked about the terms says yes, at each of these servers that asks. */
async function agree(servers: readonly NetworkServer[]): Promise<void> {
  for (const server of servers)
    for (const who of ['ann', 'bob'] as const)
      for (const shown of (await family.asked(who, server)).filter(({ matter }) => matter === 'terms'))
        await family.say(who, shown, { expiresAt: family.network.now + 10 * DAY }, servers);
}

test('whoever came back at two servers owns the key also where one of them has a tightening that the other has not, which a stolen laptop made there', async () => {
  family = await createFamily();
  const { network } = family;
  const back = ['alpha', 'bravo'].map((name) => network.server(name));
  await tightenAlone(network.server('bravo'), 5);
  const place = family.newcomer();
  await family.recover(place, ['alpha', 'bravo'], 'second');
  await family.keep(place);
  await family.growUp();
  const own = () => place.run((client) => client.ownKey(KEY));
  const first = await own();
  expect(first.servers.map(({ verdict }) => verdict)).toEqual(['waits', 'waits', 'unknown']);
  expect(first.version).toBe(2);
  expect((await own()).change).toEqual(first.change);
  await agree(back);
  await family.pass(3 * DAY + 3_600);
  expect(await own()).toMatchObject({ change: first.change, isInForce: true });
  expect(await codeOf(place.run((client) => signsFreely(client, 'I go on')))).toBe('OK');
}, 240_000);

test('whoever named himself the owner at one server before another got a tightening alone goes on above both', async () => {
  family = await createFamily();
  const { network } = family;
  const [alpha, bravo] = ['alpha', 'bravo'].map((name) => network.server(name)) as [
    NetworkServer,
    NetworkServer,
  ];
  const place = family.newcomer();
  await family.recover(place, ['alpha'], 'second');
  await tightenAlone(bravo, 5);
  await family.recover(place, ['bravo'], 'second');
  await family.keep(place);
  await family.growUp();
  const own = () => place.run((client) => client.ownKey(KEY));
  // He hears alpha alone, and names himself there by the next number, which bravo has used up.
  network.cut('bravo');
  expect(await own()).toMatchObject({ version: 1, isInForce: false });
  await agree([alpha]);
  await family.pass(3 * DAY + 3_600);
  await own();
  network.makeHonest();
  const again = await own();
  expect(again.servers.map(({ verdict }) => verdict)).toEqual(['inForce', 'waits', 'unknown']);
  expect(again.version).toBe(2);
  await agree([bravo]);
  await family.pass(3 * DAY + 3_600);
  expect(await own()).toMatchObject({ change: again.change, isInForce: true });
  expect(await codeOf(place.run((client) => signsFreely(client, 'I go on')))).toBe('OK');
}, 240_000);
