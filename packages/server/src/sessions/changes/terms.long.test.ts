// @module-tag long
import { type KeyTerms, policyHash } from '@ckm/api';
import { carryChange, type CarriedChange, completeChange } from '@ckm/testkit';
import { parseChangeCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { BareCaller, BareServer } from '../test/bare-server.js';
import { createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { signIn } from '../test/signs.js';
import { BY_DOMAIN, putInForce, termsWith } from '../test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string, more = {}) => expect.objectContaining({ code: expected, ...more }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

/** A key of two of three, and terms that follow those that it was made with. */
async function makeWithTerms(count = 3) {
  const { servers, callers } = await network.openMany(count);
  const made = await makeKey(callers.slice(0, 3), {
    policy: { ...termsWith(BY_DOMAIN), changes: 'automatic', changeDelay: 0 },
  });
  const { keyId } = made;
  const { policy: first } = await callers[0]!.call('key.show', { keyId });
  const later: KeyTerms = { ...first, version: 1, previous: policyHash(first), blindAllowed: true };
  const inForce = (which: readonly BareServer[], terms: KeyTerms = later) =>
    Promise.all(which.map((server) => putInForce(server, keyId, terms)));
  const change = (terms: KeyTerms): Promise<CarriedChange> =>
    carryChange({ servers: callers.slice(0, 3), keyId, expiresAt: SOON, terms });
  return { servers, callers, made, keyId, first, later, inForce, change };
}

const standing = async (caller: BareCaller, keyId: Uint8Array) => caller.call('key.show', { keyId });

describe('L8: an order', () => {
  test('under later terms is refused by a server that has the earlier ones in force, and promised by nobody there', async () => {
    const { servers, inForce, later, change, callers, keyId } = await makeWithTerms();
    await inForce(servers.slice(0, 2));
    const under = await change(later);
    const { order } = under;
    const { policy } = await standing(callers[0]!, keyId);
    const propose = (slot: number) => callers[slot - 1]!.call('change.propose', { order, chain: [], policy });
    for (const slot of [1, 2]) expect((await propose(slot)).state).toBe('ready');
    await expect(propose(3)).rejects.toThrow(code('TERMS_DIFFER', { facts: { version: 0 } }));
    await expect(under.promise(1, [3])).rejects.toThrow(refused('over'));
    expect(await under.promise(1, [1, 2])).toHaveLength(2);
  });

  test('L8: a server restored to terms 1 promises nothing under terms 2', async () => {
    const { servers, inForce, later, change } = await makeWithTerms();
    const last: KeyTerms = { ...later, version: 2, previous: policyHash(later) };
    await inForce(servers, last);
    const under = await change(last);
    await under.propose();
    await inForce([servers[2]!], later);
    await expect(under.promise(1, [3])).rejects.toThrow(refused('early'));
    expect(await under.promise(1, [1, 2])).toHaveLength(2);
  });

  test('under terms that are over since is promised and locked by nobody who knows the later ones', async () => {
    const { servers, inForce, first, change } = await makeWithTerms();
    const under = await change(first);
    await under.propose();
    const promises = await under.promise(1);
    const whole = await under.move(1, promises);
    await inForce(servers);
    await expect(under.lock(1, whole, promises, [1])).rejects.toThrow(refused('over'));
    await expect(under.propose()).rejects.toThrow(code('TERMS_DIFFER', { facts: { version: 1 } }));
  });
});

test('L8: what was locked before later terms came into force is carried out, and the later ones stay in force', async () => {
  const { servers, inForce, first, change, callers, made } = await makeWithTerms();
  const under = await change(first);
  await under.propose();
  const promises = await under.promise(1);
  const whole = await under.move(1, promises);
  const locks = await under.lock(1, whole, promises);
  await inForce(servers);
  const yields = await under.yield(whole, under.locksOf(1, whole, locks));
  await under.commit(under.certify(1, whole, { promises, locks, yields }));
  await expect(
    carryChange({ servers: callers, keyId: made.keyId, expiresAt: SOON, terms: first }),
  ).resolves.toMatchObject({
    order: { epoch: 1, termsVersion: 0 },
  });
  const again = await change(first);
  await expect(again.propose()).rejects.toThrow(code('TERMS_DIFFER'));
});

test('the next epoch certifies the terms in force by number and text, and no server signs other ones', async () => {
  const { servers, inForce, later, change, callers, made, keyId } = await makeWithTerms();
  await inForce(servers);
  const other: KeyTerms = { ...later, expiresAt: 2_000_000_000 };
  const false_ = await change(other);
  await false_.propose();
  const promises = await false_.promise(1);
  await expect(false_.move(1, promises)).rejects.toThrow(code('PARAMETERS_DIFFER'));
  const under = await change(later);
  const certificate = await completeChange(under);
  await under.commit(certificate);
  const { change: certified } = parseChangeCertificate(certificate);
  expect([certified.termsVersion, certified.next.termsHash]).toEqual([1, policyHash(later)]);
  for (const caller of callers) expect((await standing(caller, keyId)).policy).toEqual(later);
  await signIn(callers, made, made.key, { epoch: 1, signers: [1, 2] });
});
