// @module-tag long
import { randomBytes } from 'node:crypto';
import type { FrostAttempt, RequestReply } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { fetchChain } from '@ckm/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TEST_TIME } from './test/bare-server.js';
import { alice, createBareServers, messageOf } from './test/bare-servers.js';
import {
  backUp,
  bringBack,
  changeTo,
  type CountedKey,
  makeCountedKey,
  signerOf,
  tellCounts,
} from './test/counted-key.js';
import { loseShareAt } from './test/lost-share.js';
import { createRepairCourier } from './test/repair-courier.js';

/** Servers, of which a quorum signs, and how often the key may be used in a window. */
interface Shape {
  readonly of: number;
  readonly needed: number;
}
const LIMIT = 3;
const WINDOW = 100;

/** A text that a thief wants signed by some servers, wherever he has come with it. */
interface Wanted {
  readonly text: string;
  readonly requestId: Uint8Array;
  /** UnixSeconds. */
  readonly expiresAt: number;
  /** Places. */
  readonly by: readonly number[];
  attempts: number;
  attempt: FrostAttempt | null;
  readonly replies: Map<number, RequestReply>;
  /** When each server let it in that gave its share, UnixSeconds. */
  readonly letIn: Map<number, number>;
  isSigned: boolean;
}

type Step =
  | { readonly kind: 'want'; readonly who: number; readonly asks: number; readonly plain: number }
  | { readonly kind: 'goOn'; readonly which: number }
  | { readonly kind: 'retry'; readonly which: number }
  | { readonly kind: 'backUp'; readonly at: number }
  | { readonly kind: 'bringBack'; readonly at: number; readonly skip: number }
  | { readonly kind: 'repair'; readonly at: number; readonly skip: number }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'wait'; readonly seconds: number };

const steps = (of: number): fc.Arbitrary<Step> => {
  const at = fc.nat(of - 1);
  const which = fc.nat(5);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('want'),
        who: fc.nat(99),
        asks: fc.nat(of),
        plain: fc.nat(of),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('goOn'), which }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry'), which }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('backUp'), at }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('bringBack'), at, skip: at }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('repair'), at, skip: at }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refresh') }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 60 }) }),
    },
  ) as fc.Arbitrary<Step>;
};

/** Everything that a thief with the owner’s client, and operators who restore and repair, do with one key. */
function createThief(key: CountedKey, { of, needed }: Shape, clock: { now: number }) {
  const wanted: Wanted[] = [];
  const backups = new Map<number, string>();
  let texts = 0;

  /** Some quorum, by a number. */
  function quorum(who: number): number[] {
    const places = Array.from({ length: of }, (_, place) => place);
    while (places.length > needed) places.splice(who % places.length, 1);
    return places;
  }

  async function askNext(one: Wanted): Promise<void> {
    const place = one.by.find((each) => !one.replies.has(each));
    if (place === undefined || one.attempt === null) return;
    const { text, requestId, expiresAt, attempt } = one;
    const reply = await (
      await signerOf(key)
    ).request(place + 1, { ...messageOf(text), requestId }, { attempt, expiresAt });
    if (reply.state !== 'answered') return;
    one.replies.set(place, reply);
    const { storage } = key.servers[place]!.context;
    const row = await storage.read(({ requests }) => requests.find(alice.xid, requestId));
    one.letIn.set(place, row!.createdAt);
    if (one.replies.size < one.by.length) return;
    const replies = one.by.map((each) => one.replies.get(each)!);
    const [made] = (await signerOf(key)).combine(messageOf(text), attempt, replies);
    if (made!.kind === 'signature') one.isSigned = true;
  }

  async function prepare(one: Wanted): Promise<void> {
    const slots = one.by.map((place) => place + 1);
    one.attempts += 1;
    one.replies.clear();
    one.attempt = await (await signerOf(key)).prepare(slots, 1, one.attempts);
  }

  /** As few others as are enough, one that is skipped aside. */
  async function tell(at: number, skip: number): Promise<void> {
    const others = Array.from({ length: of }, (_, place) => place).filter((place) => place !== at);
    const enough = of - needed + 1;
    if (others.length > enough) others.splice(skip % others.length, others.length - enough);
    await tellCounts(key, at, others);
  }

  const open = () => wanted.filter(({ isSigned }) => !isSigned);

  return {
    wanted,
    async take(step: Step): Promise<void> {
      const { servers, callers, keyId, made } = key;
      if (step.kind === 'wait') clock.now += step.seconds;
      if (step.kind === 'want') {
        const by = quorum(step.who);
        const one: Wanted = {
          text: `text ${texts++}`,
          requestId: new Uint8Array(randomBytes(32)),
          expiresAt: clock.now + 600,
          by,
          attempts: 0,
          attempt: null,
          replies: new Map(),
          letIn: new Map(),
          isSigned: false,
        };
        wanted.push(one);
        await prepare(one);
        // Let in, and left: what comes of it may come behind a restore.
        const { text, requestId, expiresAt } = one;
        for (const place of by.slice(0, step.plain)) {
          const signer = await signerOf(key);
          await signer.request(place + 1, { ...messageOf(text), requestId }, { expiresAt });
        }
        for (let i = 0; i < step.asks; i++) await askNext(one);
      }
      if (step.kind === 'goOn') {
        const one = open().at(-1 - step.which);
        if (one === undefined) return;
        for (let i = 0; i < needed; i++) await askNext(one);
      }
      if (step.kind === 'retry') {
        const one = open().at(-1 - step.which);
        if (one === undefined) return;
        await prepare(one);
        for (let i = 0; i < needed; i++) await askNext(one);
      }
      if (step.kind === 'backUp') backups.set(step.at, await backUp(key, step.at));
      if (step.kind === 'bringBack') {
        const folder = backups.get(step.at);
        if (folder === undefined) return;
        await bringBack(key, step.at, folder);
        await tell(step.at, step.skip);
      }
      if (step.kind === 'refresh') {
        const all = Array.from({ length: of }, (_, place) => place);
        await changeTo(key, all, needed);
        backups.clear();
      }
      // Where all of them sign, nobody else could help.
      if (step.kind === 'repair' && of > needed) {
        const chain = await fetchChain(callers[(step.at + 1) % of]!, keyId);
        const { policy } = await callers[(step.at + 1) % of]!.call('key.show', { keyId });
        const target = step.at + 1;
        await loseShareAt(key.network, servers, callers, keyId, target, 'all');
        backups.delete(step.at);
        const helpers = quorum(step.skip)
          .map((place) => place + 1)
          .filter((slot) => slot !== target);
        for (let slot = 1; helpers.length < needed; slot++)
          if (slot !== target && !helpers.includes(slot)) helpers.push(slot);
        const expiresAt = clock.now + 600;
        const repair = createRepairCourier({
          servers,
          callers,
          made,
          policy,
          chain,
          target,
          helpers,
          expiresAt,
        });
        await repair.begin();
        await repair.finish();
        await tell(step.at, step.skip);
      }
    },
  };
}

/** The most texts that were signed by servers that all let them in within one window. */
function mostInWindow(wanted: readonly Wanted[]): number {
  const spans = wanted
    .filter(({ isSigned }) => isSigned)
    .map(({ by, letIn }) => {
      const times = by.map((place) => letIn.get(place)!);
      return { from: Math.min(...times), to: Math.max(...times) };
    });
  const within = (end: number) => spans.filter(({ from, to }) => from > end - WINDOW && to <= end).length;
  return Math.max(0, ...spans.map(({ to }) => within(to)));
}

test.each([
  { of: 2, needed: 2 },
  { of: 3, needed: 2 },
  { of: 3, needed: 3 },
])(
  'P14: whatever a thief asks in which order, at $needed of $of servers that are restored, repaired and refreshed in turn, a window gives no more than ⌊nq/t⌋ texts',
  async ({ of, needed }) => {
    let signed = 0;
    let fullest = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(steps(of), { minLength: 20, maxLength: 40 }), async (order) => {
        const network = createBareServers();
        const clock = { now: TEST_TIME };
        try {
          const rateLimit = { count: LIMIT, perSeconds: WINDOW };
          const server = { now: () => clock.now };
          const key = await makeCountedKey(network, { count: of, needed, rateLimit, server });
          const thief = createThief(key, { of, needed }, clock);
          for (const step of order) {
            // What is refused is tried, and gone on from.
            await thief.take(step).catch((error: unknown) => {
              if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
            });
          }
          const most = mostInWindow(thief.wanted);
          expect(most).toBeLessThanOrEqual(Math.floor((of * LIMIT) / needed));
          signed += thief.wanted.filter(({ isSigned }) => isSigned).length;
          fullest = Math.max(fullest, most);
        } finally {
          await network.close();
        }
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(signed).toBeGreaterThan(25);
    expect(fullest).toBeGreaterThanOrEqual(LIMIT);
  },
  400_000,
);
