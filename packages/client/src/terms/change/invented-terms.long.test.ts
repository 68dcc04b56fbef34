// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  policyHash,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { asOwner, createOwnedKey, NAME, type OwnedKey, REFRESH } from '../../test/owned-key.js';

const DAY = 86_400;
let owned: OwnedKey;
afterEach(() => owned.close());

const policyNow = async () => (await owned.client.showKey(NAME)).record.policy;

/** As an owner writes them: whom they ask comes of invitations. */
const written = ({ approvers: _none, ...policy }: KeyTerms, more: Pick<KeyTerms, 'rateLimit'>) => ({
  ...policy,
  ...more,
});

/** Changes that nobody proposed, each behind the one before. */
function invent(keyId: Uint8Array, certified: KeyTerms, contents: readonly Partial<KeyTerms>[]) {
  const links: TermsLink[] = [];
  let before = certified;
  for (const [at, content] of contents.entries()) {
    const after = {
      ...before,
      ...content,
      version: versionOf(before) + 1,
      previous: policyHash(before),
    };
    const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(at + 1) }, before, after);
    links.push({ statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] });
    before = after;
  }
  return { links, last: before };
}

/** Has a server say that those are in force there. */
async function claims(name: string, contents: readonly Partial<KeyTerms>[]): Promise<void> {
  const { keyId } = await owned.client.showKey(NAME);
  const { links, last } = invent(keyId, await policyNow(), contents);
  owned.network.server(name).tamper = async (asked, honest) => {
    const answer = await honest();
    if (asked.name !== 'terms.show') return answer;
    const shown = { version: versionOf(last), hash: policyHash(last), terms: encodeTerms(last) };
    return { ...(answer as object), ...shown, links, next: null };
  };
}

async function standing(name: string) {
  const { keyId } = await owned.client.showKey(NAME);
  const caller = await asOwner(owned.network.server(name));
  return caller.call('terms.show', { keyId, after: null });
}

/** Terms by which the operator who lies is asked for everything. */
function hostage(): Partial<KeyTerms> {
  const people = [0x21, 0x22].map((byte) => createIdentity(secret(new Uint8Array(32).fill(byte))));
  const names = ['eve', 'mallory'];
  return {
    ownerKey: new Uint8Array(32).fill(9),
    approvers: people.map(({ xid, publicKeys }, at) => ({
      name: names[at]!,
      xid: xid.slice(),
      keys: [{ kind: 'ed25519', key: publicKeys.signing.bytes }],
    })),
    approvals: [{ when: { all: [] }, needed: 1, of: ['eve'] }],
    change: { needed: 1, of: names, delaySeconds: 31 * DAY, words: null },
  };
}

const INVENTED: readonly (readonly [string, () => Partial<KeyTerms>])[] = [
  ['first terms that ask its operator', hostage],
  ['a limit that leaves the key useless', () => ({ rateLimit: { count: 1, perSeconds: 31 * DAY } })],
  ['a loosening', () => ({ expiresAt: 1_900_000_000 })],
];

describe('terms that one server alone says are in force', () => {
  test.each(INVENTED)(
    'are brought to no other server by its owner’s client: %s',
    async (_, content) => {
      owned = await createOwnedKey();
      const { client } = owned;
      await claims('bravo', [content()]);
      const plan = await client.planChange(REFRESH);
      expect(plan.order.termsVersion).toBe(0);
      await expect(client.proposeTerms(NAME, null)).rejects.toMatchObject({ code: 'TERMS_NOT_PROPOSED' });
      await client.changeKey(REFRESH);
      const own = written(await policyNow(), { rateLimit: { count: 1_000, perSeconds: 3_600 } });
      const { servers } = await client.proposeTerms(NAME, own);
      expect(servers[0]).toMatchObject({ server: 'alpha', verdict: 'inForce' });
      for (const name of ['alpha', 'charlie']) {
        const { version, waiting, terms } = await standing(name);
        const { record } = await client.showKey(NAME);
        const after = { ...record.policy, rateLimit: own.rateLimit, version: 1 };
        expect([version, waiting]).toEqual([1, null]);
        expect(terms).toEqual(encodeTerms({ ...after, previous: policyHash(record.policy) }));
      }
    },
    120_000,
  );

  test('keep nobody from changing the terms, and the server that shows them is removed', async () => {
    owned = await createOwnedKey();
    const { client } = owned;
    const limit = (count: number) => ({ rateLimit: { count, perSeconds: 3_600 } });
    const before = await owned.another();
    await client.proposeTerms(NAME, written(await policyNow(), limit(1_000)));
    await claims('bravo', [limit(900), limit(800)]);
    for (const each of [client, before.client]) {
      const { servers, history, isTwice } = await each.showTerms(NAME);
      expect(servers.map(({ verdict }) => verdict)).toEqual(['has', 'differs', 'has']);
      expect([history.at(-1)!.terms.version, history.at(-1)!.have, isTwice]).toEqual([
        1,
        ['alpha', 'charlie'],
        true,
      ]);
    }
    const { servers } = await client.proposeTerms(NAME, written(await policyNow(), limit(700)));
    for (const at of [0, 2]) expect(servers[at]).toMatchObject({ verdict: 'inForce' });
    const wish = { kind: 'remove-server', server: 'bravo' } as const;
    expect((await client.planChange({ name: NAME, wish })).order.termsVersion).toBe(2);
    expect(await client.changeKey({ name: NAME, wish })).toMatchObject({ epoch: 1, isAsOrdered: true });
    expect((await policyNow()).version).toBe(2);
  }, 120_000);
});
