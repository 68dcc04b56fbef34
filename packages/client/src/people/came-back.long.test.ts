// @module-tag long
import { afterEach, expect, test } from 'vitest';
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
