// @module-tag long
import { CkmError } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createOwnedKey, NAME, type OwnedKey, requorum, SERVERS, signersOf } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';
import type { ChangeWish } from './plan-change.js';

let owned: OwnedKey;
afterEach(() => owned.close());

test('2 of 3 becomes 3 of 5, 2 of 2, then 2 of 3 of other servers: the same key signs at each step, and removed servers alone do not', async () => {
  owned = await createOwnedKey({ count: 5 });
  const { client, network } = owned;
  const { public: born, transcriptHash } = await client.showKey(NAME);
  const steps: readonly (readonly [ChangeWish, readonly string[]])[] = [
    [requorum(3, [...SERVERS, 'delta', 'echo']), ['alpha', 'bravo']],
    [requorum(2, ['delta', 'echo']), []],
    [{ kind: 'add-server', server: 'alpha' }, ['delta']],
    [requorum(2, ['charlie', 'alpha', 'bravo']), ['bravo']],
    [{ kind: 'remove-server', server: 'bravo' }, []],
  ];
  for (const [i, [wish, without]] of steps.entries()) {
    const told = hearSteps('change');
    const changed = await client.changeKey({ name: NAME, wish }, told.on);
    told.expectAll();
    expect(changed).toMatchObject({ epoch: i + 1, behind: [] });
    expect(changed.forgetting.every(({ outcome }) => outcome === 'forgot')).toBe(true);
    const key = await client.showKey(NAME);
    expect([key.public.groupKey, key.transcriptHash]).toEqual([born.groupKey, transcriptHash]);
    const { signatures, signers } = await client.sign({ key: NAME, ...messageOf('hello'), without });
    expect(signers).toHaveLength(key.public.quorum.needed);
    expect(signatures).toHaveLength(1);
  }
  // A client of the same owner that was away all the time learns the whole chain.
  const away = await network.owner();
  const { keys } = await away.fetchKeys();
  expect(keys.map(({ quorum, changes }) => [quorum, changes?.length])).toEqual([[{ needed: 2, of: 2 }, 5]]);
});

test('a change that operators are asked about waits with their names and six words, and is taken back', async () => {
  owned = await createOwnedKey({ policy: {} });
  const { client } = owned;
  const wish = { kind: 'remove-server', server: 'charlie' } as const;
  const plan = await client.planChange({ name: NAME, wish });
  expect(plan).toMatchObject({ rules: { changes: 'operator', changeDelay: 86_400 }, joining: [] });
  await expect(client.changeKey({ name: NAME, wish })).rejects.toMatchObject({
    code: 'CHANGE_WAITING',
    hint: expect.stringContaining('six words of the change'),
    facts: { servers: ['alpha', 'bravo'] },
  });
  const other = { kind: 'refresh' } as const;
  await expect(client.changeKey({ name: NAME, wish: other })).rejects.toMatchObject({
    code: 'CHANGE_OPEN',
    hint: expect.stringMatching(/^cancel it \(session [0-9a-f]{8}\), or go on with it$/) as string,
  });
  const [change] = await client.listChanges();
  expect(await client.cancelChange(change!, 'not any more')).toMatchObject({
    change: { state: 'cancelled' },
    at: SERVERS,
    decided: [],
    silent: [],
  });
  expect(await client.changeKey({ name: NAME, wish: other })).toMatchObject({ epoch: 1 });
  expect(await signersOf(client, { without: ['alpha'] })).toEqual(['bravo', 'charlie']);
});

test('the same wish again finishes what was decided while a server was away: nobody has to know how far it had come', async () => {
  owned = await createOwnedKey({ count: 4 });
  const { client, network } = owned;
  const wishes: readonly ChangeWish[] = [
    { kind: 'add-server', server: 'delta' },
    { kind: 'remove-server', server: 'bravo' },
    requorum(2, ['charlie', 'alpha']),
  ];
  for (const [i, wish] of wishes.entries()) {
    network.cut('charlie', 'change.commit');
    const args = { name: NAME, wish };
    // Of two that both are needed none goes over before the other has its share.
    if (wish.kind === 'requorum')
      await expect(client.changeKey(args)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    else expect(await client.changeKey(args)).toMatchObject({ epoch: i + 1, behind: ['charlie'] });
    expect(await signersOf(client, { without: ['charlie'] })).toHaveLength(2);
    network.makeHonest();
    expect((await client.planChange(args)).order.epoch).toBe(i);
    const again = await client.changeKey(args);
    expect(again).toMatchObject({ epoch: i + 1, behind: [] });
    expect(again.forgetting.every(({ outcome }) => outcome === 'forgot')).toBe(true);
    await expect(client.changeKey(args)).rejects.toBeInstanceOf(CkmError);
  }
});
