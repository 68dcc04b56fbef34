import { reveal } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { aggregate } from './aggregate.js';
import { dealKey } from './fixtures/dealer.js';
import { type Behaviour, driveRoast, honest } from './fixtures/roast-driver.js';
import { answer, commitAs, packageFor, party } from './fixtures/signing.js';

const message = new Uint8Array(32).fill(3);
const refused = (code: string) => expect.objectContaining({ code }) as Error;

describe('whoever hands a signer a package of its key in which one thing is another', () => {
  const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
  const { chainCode, quorum } = dealt.public;

  test.each([
    ['the chain code, so that he chose where a path leads', { chainCode: chainCode.map((byte) => byte ^ 1) }],
    ['the quorum', { quorum: { ...quorum, needed: 3 } }],
  ])('gets nothing signed: %s', (_, change) => {
    const key = deriveKey({ ...dealt.public, ...change }, { path: [0], taproot: null });
    const signers = [1, 2, 3].map((index) => commitAs(dealt, index));
    const signing = packageFor(signers, message);
    expect(() => answer(signers[0]!, key, signing)).toThrow(refused('SHARE_FOREIGN'));
  });
});

test('a coordinator who lists a party’s commitment under another number as well learns one share, and no second one', () => {
  const dealt = dealKey({ suite: 'ed25519', needed: 2, of: 3 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const alice = commitAs(dealt, 1);
  const bob = { ...alice.commitment, party: party(2) };
  const signing = { message, commitments: [alice.commitment, bob] };
  const share = answer(alice, key, signing);
  expect(() => answer(alice, key, signing)).toThrow(refused('NONCES_SPENT'));
  const shares = [share, { party: party(2), share: share.share }];
  expect(aggregate({ key, package: signing, shares })).toEqual({ kind: 'faulty', culprits: [2] });
});

test('whoever zeroes a signer’s nonces in its memory gets no share, which would be the key’s share times public numbers', () => {
  const dealt = dealKey({ suite: 'ed25519', needed: 2, of: 3 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const [alice, bob] = [commitAs(dealt, 1), commitAs(dealt, 2)];
  const { hidingNonce, bindingNonce } = reveal(alice.nonces, 'test');
  hidingNonce.fill(0);
  bindingNonce.fill(0);
  expect(() => answer(alice, key, packageFor([alice, bob], message))).toThrow(
    refused('SIGNATURE_SHARE_WRONG'),
  );
});

test('liars who say that they were restarted spoil two attempts each, and no more', () => {
  const restarted: Behaviour = (server, attempt) => ({
    kind: 'stale',
    party: server.party,
    attempt,
    next: server.commit(),
  });
  const dealt = dealKey({ suite: 'ed25519', needed: 3, of: 5 });
  const run = driveRoast({
    dealt,
    tasks: [{ message, tweak: NO_TWEAK }],
    behaviours: [restarted, restarted, honest, honest, honest],
  });
  expect(run.signatures).toHaveLength(1);
  expect(run.attempts).toBeLessThanOrEqual(2 * (5 - 3) + 1);
  expect(new Set(run.faulty.map(([liar]) => liar))).toEqual(new Set([1, 2]));
});
