import { packCommitments, type FrostAttempt, sharesIn } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { KeyShare, PartyIndex } from '@ckm/threshold';
import { expect, test } from 'vitest';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import { random } from '../../test/rooms.js';
import { createPace, inSlices } from '../pace.js';
import { signAttempt } from './attempt.js';
import { createNoncePool } from './nonce-pool.js';

const TASKS = 256;
const SIGNERS = 32;
/** For how long nobody else may have to wait, in CPU time of this process. */
const MOST_MS = 50;
/** The CPU time of a turn counts the collector of the whole process too. */
const MOST_TRIES = 4;

const bytesOf = (scalar: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((scalar >> BigInt(8 * i)) & 0xffn));
const pointOf = (scalar: bigint) => ed25519.Point.BASE.multiply(scalar).toBytes();

/** A key of 2 of 32 out of a polynomial that everybody may know. */
function largeKey(): ActiveKey {
  const shareAt = (slot: number) => 7n + 11n * BigInt(slot);
  const slots = Array.from({ length: SIGNERS }, (_, i) => i + 1);
  const publicKey = {
    suite: 'ed25519',
    quorum: { needed: 2, of: SIGNERS },
    groupKey: pointOf(7n),
    commitment: [pointOf(7n), pointOf(11n)],
    verifyingShares: slots.map((slot) => pointOf(shareAt(slot))),
    chainCode: new Uint8Array(32),
  } as const;
  const share: KeyShare = { party: 1 as PartyIndex, share: secret(bytesOf(shareAt(1))), public: publicKey };
  return {
    name: 'large',
    owner: new Uint8Array(32).fill(1),
    keyId: new Uint8Array(32).fill(2),
    epoch: 0,
    transcriptHash: new Uint8Array(32),
    version: 1,
    tightened: 0,
    stoppedAt: null,
    frozenUntil: null,
    counting: null,
    voided: 0,
    policy: { kinds: [], rateLimit: null, expiresAt: null, blindAllowed: true, approval: 'automatic' },
    context: { suite: 'ed25519', purpose: 'message', public: publicKey },
    share,
  };
}

/** Signs everything once: the longest turn of the event loop, in CPU milliseconds of this process, and how many turns it took. */
async function longestTurn(): Promise<{ readonly longest: number; readonly turns: number }> {
  const key = largeKey();
  const pool = createNoncePool({ random, clock: () => 1_000 });
  const own = pool.issue(key, TASKS);
  const others = Array.from({ length: SIGNERS - 1 }, (_, i) => ({
    hiding: pointOf(101n + BigInt(i)),
    binding: pointOf(1_009n + BigInt(i)),
  }));
  const attempt: FrostAttempt = {
    craft: 'frost',
    number: 1,
    signers: Array.from({ length: SIGNERS }, (_, i) => i + 1),
    commitments: own.map((pair) => packCommitments([pair, ...others])),
  };
  const tasks = own.map((_, i) => ({
    craft: 'frost' as const,
    message: new Uint8Array(32).fill(i),
    tweak: { path: [], taproot: null },
  }));
  const nonces = pool.take(key, own)!;

  let longest = 0;
  let turns = 0;
  let isOver = false;
  let before = process.cpuUsage();
  const look = () => {
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1_000);
    before = process.cpuUsage();
    turns++;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const { answer, problem } = await signAttempt(
    attempt,
    key,
    tasks,
    nonces,
    inSlices(createPace().of('mallory')),
  );
  isOver = true;
  expect(problem).toBeNull();
  expect(sharesIn({ answer })).toHaveLength(TASKS);
  return { longest, turns };
}

test('V70: an attempt of 256 tasks by 32 signers never holds the event loop for more than 50 ms of CPU time', async () => {
  // What a turn costs by itself is in every try; what other files of this process left to be collected is in one at most.
  let best = await longestTurn();
  for (let tries = 1; tries < MOST_TRIES && best.longest >= MOST_MS; tries++) {
    const next = await longestTurn();
    if (next.longest < best.longest) best = next;
  }
  expect(best.turns).toBeGreaterThan(20);
  expect(best.longest).toBeLessThan(MOST_MS);
});
