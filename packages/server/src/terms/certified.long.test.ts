// @module-tag long
import {
  encodeTerms,
  encodeTermsChange,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  versionOf,
} from '@ckm/api';
import { carryChange, completeChange } from '@ckm/testkit';
import { parseChangeCertificate } from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import { createBareServers } from '../sessions/test/bare-servers.js';
import { signIn } from '../sessions/test/signs.js';
import { codeOf, createTermsWorld, DAY, peopleTerms, type TermsWorld } from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

/** A key of three servers, whose terms were tightened twice since it was made. */
async function tightened() {
  const world = await createTermsWorld(network, 3);
  const { keyId } = world.made;
  for (const count of [9, 5]) {
    const link = await world.change((before) => ({ ...before, rateLimit: { count, perSeconds: DAY } }));
    for (const at of [0, 1, 2]) await (await world.words(at)).call('terms.propose', { keyId, ...link });
  }
  const callers = await Promise.all([0, 1, 2].map((at) => world.words(at)));
  return { world, keyId, callers };
}

const orderUnder = async (world: TermsWorld, version: number) => {
  const { keyId } = world.made;
  const callers = await Promise.all([0, 1, 2].map((at) => world.words(at)));
  const terms = await world.inForce();
  expect(versionOf(terms)).toBe(version);
  return carryChange({ servers: callers, keyId, expiresAt: world.now() + 600, terms });
};

test('L8: the certificate of the next epoch names the terms in force, and from then on they are those that are certified', async () => {
  const { world, keyId, callers } = await tightened();
  expect(await callers[0]!.call('terms.show', { keyId, after: null })).toMatchObject({
    version: 2,
    certified: 0,
  });
  const under = await orderUnder(world, 2);
  const certificate = await completeChange(under);
  await under.commit(certificate);
  const inForce = await world.inForce();
  const { change } = parseChangeCertificate(certificate);
  expect([change.termsVersion, change.next.termsHash]).toEqual([2, policyHash(inForce)]);
  for (const caller of callers) {
    const { version, certified } = await caller.call('terms.show', { keyId, after: null });
    expect([version, certified]).toEqual([2, 2]);
    expect((await caller.call('key.show', { keyId })).policy).toEqual(inForce);
  }
  await signIn(callers, world.made, world.made.key, { epoch: 1, signers: [1, 2] });
  // What comes into force behind it is certified by the epoch behind that.
  const link = await world.change((before) => peopleTerms(before));
  for (const caller of callers) await caller.call('terms.propose', { keyId, ...link });
  for (const caller of callers) {
    expect(await caller.call('terms.show', { keyId, after: null })).toMatchObject({
      version: 3,
      certified: 2,
    });
    expect((await caller.call('key.show', { keyId })).policy).toEqual(inForce);
  }
}, 120_000);

test('L8: a server that is behind is shown the change before it promises', async () => {
  const { world, keyId, callers } = await tightened();
  const link = await world.change((before) => ({ ...before, rateLimit: { count: 2, perSeconds: DAY } }));
  for (const at of [0, 1]) await callers[at]!.call('terms.propose', { keyId, ...link });
  const under = await orderUnder(world, 3);
  const { order } = under;
  const { policy } = await callers[2]!.call('key.show', { keyId });
  const propose = callers[2]!.call('change.propose', { order, chain: [], policy });
  await expect(propose).rejects.toMatchObject({ code: 'TERMS_DIFFER' });
  const { links } = await callers[0]!.call('terms.show', { keyId, after: 2 });
  const heads = await Promise.all(
    [0, 1].map(async (at) => {
      const { head, signature } = await callers[at]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
      return { slot: at + 1, head, signature };
    }),
  );
  await callers[2]!.call('terms.learn', { keyId, links, heads });
  await under.commit(await completeChange(under));
  for (const caller of callers)
    expect(await caller.call('terms.show', { keyId, after: null })).toMatchObject({
      version: 3,
      certified: 3,
    });
}, 120_000);

test('a change that takes back what has been certified meanwhile is over with a word, and other terms may follow', async () => {
  const { world, keyId, callers } = await tightened();
  await world.growUp();
  const [, first] = (await callers[0]!.call('terms.show', { keyId, after: null })).links;
  const { previous } = parseTermsChange(first!.statement);
  const back = { ...(await world.inForce()), rateLimit: null, version: 4, previous };
  const change = {
    keyId,
    id: new Uint8Array(32).fill(7),
    previous,
    version: 4,
    termsHash: policyHash(back),
  };
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(back), votes: [] };
  for (const at of [0, 1, 2])
    expect(await world.laptop(at).call('terms.propose', { keyId, ...link })).toMatchObject({
      version: 2,
      waiting: { version: 4 },
    });
  const under = await orderUnder(world, 2);
  await under.commit(await completeChange(under));
  const name = termsChangeDigest(change);
  const word = { change: name, reason: 'an epoch was certified under later terms than it goes on from' };
  for (const caller of callers)
    expect(await caller.call('terms.show', { keyId, after: null })).toMatchObject({
      version: 2,
      waiting: null,
      proposed: null,
      over: word,
    });
  // Whoever stops it finds it over, and the time that it waits brings it nowhere.
  expect(await world.phone(1).call('terms.veto', { keyId, change: name, votes: [] })).toMatchObject({
    version: 2,
    waiting: null,
  });
  await world.pass(4 * DAY);
  for (const at of [0, 1, 2]) expect((await world.inForce(at)).version).toBe(2);
  expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...link }))).toBe('TERMS_VERSION_WRONG');
  const next = await world.change((before) => ({ ...before, rateLimit: { count: 3, perSeconds: DAY } }), 9);
  for (const at of [0, 1, 2])
    expect(await world.laptop(at).call('terms.propose', { keyId, ...next })).toMatchObject({ version: 3 });
}, 120_000);
