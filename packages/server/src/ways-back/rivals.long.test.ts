// @module-tag long
import type { Identity } from '@ckm/gordian';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  closeServers,
  codeOf,
  DAY,
  deviceOf,
  HOUR,
  openWaysBack,
  random,
  stranger,
  type WaysBackWorld,
} from './test/people.js';

afterEach(closeServers);

const [laptop, newKey, thief] = [deviceOf(101), stranger(110), stranger(66)];
type Friend = Awaited<ReturnType<WaysBackWorld['friend']>>;
const show = (world: WaysBackWorld, who: Identity, friend: Friend) =>
  world.prove(who, 'xid', '', friend.vouch('recovery', who.xid));
const refuse = (world: WaysBackWorld, who: Identity, friend: Friend) =>
  world.prove(who, 'xid', '', friend.vouch('veto', who.xid), 'veto');

describe('L9: two who want one account', () => {
  test('L9: one stolen contact of three, used first, keeps nobody out who has the other two: what he shows is kept, and with the second he comes first', async () => {
    const world = await openWaysBack();
    const [stolen, one, other] = [await world.friend(71), await world.friend(72), await world.friend(73)];
    await show(world, thief, stolen);
    expect(await codeOf(show(world, newKey, one))).toBe('RECOVERY_OTHER');
    expect(await codeOf(world.finish(newKey))).toBe('RECOVERY_ENDED');
    expect(await world.show(newKey)).toMatchObject({ state: 'vetoed', proofs: ['xid'] });
    expect(await show(world, newKey, other)).toMatchObject({
      state: 'waiting',
      proofs: ['xid', 'xid'],
      readyAt: world.now + DAY,
    });
    expect((await world.show(thief)).state).toBe('vetoed');
    // His one contact changes nothing any more: it begins nothing, and its no is overruled.
    expect(await codeOf(show(world, thief, stolen))).toBe('RECOVERY_OTHER');
    await world.pass(DAY);
    expect(await codeOf(world.finish(thief))).toBe('RECOVERY_ENDED');
    expect(await codeOf(refuse(world, stranger(67), stolen))).toBe('OK');
    await world.pass(DAY);
    expect(await codeOf(world.finish(newKey))).toBe('OK');
  });

  test('L9: the operator in person comes before one contact, and as many contacts as another has before nobody', async () => {
    const world = await openWaysBack();
    const [one, other, third, fourth] = [
      await world.friend(71),
      await world.friend(72),
      await world.friend(73),
      await world.friend(74),
    ];
    for (const friend of [one, other]) await show(world, thief, friend);
    for (const friend of [third, fourth])
      expect(await codeOf(show(world, newKey, friend))).toBe('RECOVERY_OTHER');
    expect((await world.show(thief)).state).toBe('waiting');
    await world
      .words()
      .call('contact.set', { id: random(32), contact: { kind: 'operator' }, delaySeconds: DAY });
    expect((await world.inPerson(newKey)).state).toBe('waiting');
    expect((await world.show(thief)).state).toBe('vetoed');
  });

  test('L9: a contact that has left counts for nothing, and the words’ no is overruled by no number of contacts', async () => {
    const world = await openWaysBack();
    const [one, other, third] = [await world.friend(71), await world.friend(72), await world.friend(73)];
    for (const friend of [one, other]) await show(world, thief, friend);
    await world.words().call('contact.remove', { id: other.id });
    expect(await codeOf(show(world, newKey, third))).toBe('RECOVERY_OTHER');
    const last = await world.friend(74);
    expect((await show(world, newKey, last)).state).toBe('waiting');
    await world.words().call('recovery.veto', { caseId: newKey.xid, reason: '' });
    expect((await show(world, newKey, one)).state).toBe('vetoed');
  });

  test('L9: whoever has one contact and many keys pushes out of its place no case that another contact holds up', async () => {
    const world = await openWaysBack();
    const [stolen, second, one, other] = [
      await world.friend(71),
      await world.friend(72),
      await world.friend(73),
      await world.friend(74),
    ];
    const third = await world.friend(75);
    for (const friend of [stolen, second]) await show(world, thief, friend);
    expect(await codeOf(show(world, newKey, one))).toBe('RECOVERY_OTHER');
    for (let i = 0; i < 40; i++) await codeOf(show(world, stranger(200 + i), i < 20 ? stolen : second));
    expect(await codeOf(show(world, newKey, other))).toBe('RECOVERY_OTHER');
    expect((await show(world, newKey, third)).proofs).toHaveLength(3);
    expect((await world.show(thief)).state).toBe('vetoed');
  });
});

/** What a thief does who has fewer contacts than the owner, and a device of his. */
type Deed =
  | { readonly kind: 'show' | 'refuse'; readonly key: number; readonly contact: number }
  | { readonly kind: 'finish'; readonly key: number }
  | { readonly kind: 'veto' }
  | { readonly kind: 'pass'; readonly hours: number };
const key = fc.nat(2);
const contact = fc.nat(1);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constantFrom('show', 'refuse'), key, contact }),
  fc.record({ kind: fc.constant('finish'), key }),
  fc.record({ kind: fc.constant('veto') }),
  fc.record({ kind: fc.constant('pass'), hours: fc.integer({ min: 1, max: 9 }) }),
);

test('L9: in whatever order a thief shows fewer contacts, says no with them and with a stolen device, by whatever keys: the owner who shows all of his every day is back within a month, and the thief is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.array(deed, { maxLength: 12 }),
      fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      async (stolen, first, later) => {
        const world = await openWaysBack();
        await world.have(laptop);
        const friends: Friend[] = [];
        for (let i = 0; i < 2 * stolen + 1; i++) friends.push(await world.friend(71 + i, 5 * DAY));
        const [his, hers] = [friends.slice(0, stolen), friends.slice(stolen)];
        const keyOf = (at: number) => stranger(66 + at);
        const act = async (one: Deed): Promise<void> => {
          if (one.kind === 'pass') return world.pass(one.hours * HOUR);
          if (one.kind === 'veto') {
            const { cases } = await world.device(laptop).call('recovery.list', {});
            for (const { caseId, state } of cases)
              if (state === 'waiting')
                await world.device(laptop).call('recovery.veto', { caseId, reason: '' });
            return;
          }
          if (one.kind === 'finish') {
            expect(await codeOf(world.finish(keyOf(one.key)))).not.toBe('OK');
            return;
          }
          const friend = his[one.contact % his.length]!;
          await codeOf((one.kind === 'show' ? show : refuse)(world, keyOf(one.key), friend));
        };
        for (const one of first) await act(one);
        let said = '';
        for (let day = 0; day < 30 && said !== 'OK'; day++) {
          for (const friend of hers) await codeOf(show(world, newKey, friend));
          for (const one of later[day % later.length]!) await act(one);
          await world.pass(DAY);
          said = await codeOf(world.finish(newKey));
        }
        expect(said).toBe('OK');
        await closeServers();
      },
    ),
    { numRuns: 12 },
  );
}, 600_000);

test('L9: a stolen laptop that has every contact leave in three days, and sets one of its own, keeps nobody out whom two contacts bring back in seven', async () => {
  const world = await openWaysBack();
  const [one, other] = [await world.friend(71, 7 * DAY), await world.friend(72, 7 * DAY)];
  await world.have(laptop);
  await world.pass(4 * DAY);
  const stolen = world.device(laptop);
  for (const { id } of [one, other]) await stolen.call('contact.remove', { id });
  const own = { id: random(32), contact: { kind: 'operator' }, delaySeconds: DAY } as const;
  await stolen.call('contact.set', own);
  await show(world, newKey, one);
  await stolen.call('recovery.veto', { caseId: newKey.xid, reason: '' });
  await world.pass(HOUR);
  expect(await codeOf(show(world, newKey, other))).toBe('OK');
  expect((await world.show(newKey)).proofs).toEqual(['xid', 'xid']);
  expect(await codeOf(stolen.call('contact.remove', { id: one.id }))).toBe('CONTACTS_REST');
  expect(await codeOf(stolen.call('contact.set', { ...own, id: random(32) }))).toBe('CONTACTS_REST');
  await world.pass(15 * DAY);
  expect(await codeOf(world.finish(newKey))).toBe('OK');
  const { contacts } = await world.words().call('contact.list', {});
  expect(contacts.map(({ kind, state }) => [kind, state])).toEqual([
    ['xid', 'inForce'],
    ['xid', 'inForce'],
  ]);
});
