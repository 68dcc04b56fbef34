import { carryChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey, messageOf, SOON } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const frozen = { code: 'CHANGE_REFUSED', facts: { reason: 'frozen' } };

test('L8: a frozen key is neither promised, locked nor yielded, whatever stands already, and a freeze goes on in the epoch after it', async () => {
  let now = TEST_TIME;
  const { callers } = await network.openMany(3, { now: () => now });
  const { keyId, signer } = await makeKey(callers);
  const freeze = async (slot: number, number: number) => {
    const id = new Uint8Array(32).fill(number);
    await callers[slot - 1]!.call('key.freeze', { keyId, id, from: now, until: now + 60 });
  };
  const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  await freeze(1, 1);
  const views = await change.propose();
  expect(views.map(({ state, readyAt }) => [state, readyAt])).toEqual([
    ['waiting', now + 60],
    ['ready', null],
    ['ready', null],
  ]);
  await expect(change.promise(1, [1])).rejects.toMatchObject(frozen);
  now += 60;
  const promises = await change.promise(1);
  const whole = await change.move(1, promises);

  await freeze(2, 2);
  await expect(change.lock(1, whole, promises, [2])).rejects.toMatchObject(frozen);
  now += 60;
  const locks = await change.lock(1, whole, promises);

  await freeze(3, 3);
  const lockCertificate = change.locksOf(1, whole, locks);
  await expect(change.yield(whole, lockCertificate, [3])).rejects.toMatchObject(frozen);
  const yields = await change.yield(whole, lockCertificate, [1, 2]);
  const certificate = change.certify(1, whole, { promises, locks, yields });
  // Enough of them have decided: the third one follows, and stays frozen.
  const committed = await change.commit(certificate);
  expect(committed.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
  await expect(signer.request(3, messageOf('new epoch'), { epoch: 1 })).rejects.toThrow(
    code('POLICY_KEY_FROZEN'),
  );
  expect((await signer.request(1, messageOf('new epoch'), { epoch: 1 })).state).toBe('ready');
  const question = { keyId, epoch: 1, challenge: new Uint8Array(32).fill(4), at: now };
  expect((await callers[2]!.call('key.check', question)).proof.length).toBeGreaterThan(60);
});
