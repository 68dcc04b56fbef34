// @module-tag long
import { randomBytes } from 'node:crypto';
import {
  encodeHead,
  type FrostAttempt,
  headStatement,
  parseHead,
  type RequestReply,
  signIdentityStatement,
} from '@ckm/api';
import { CkmError, encodeHex, StateError } from '@ckm/foundation';
import { fetchChain } from '@ckm/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeyDesk } from '../../../control/desks/key-desk.js';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, messageOf } from '../../test/bare-servers.js';
import {
  backUp,
  bringBack,
  changeAtFirst,
  type CountedKey,
  gatherHeads,
  makeCountedKey,
  signerOf,
  slotsOf,
  tellCounts,
} from '../../test/counted-key.js';
import { loseShareAt } from '../../test/lost-share.js';
import { createRepairCourier } from '../../test/repair-courier.js';

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
  by: readonly number[];
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
  | { readonly kind: 'bringBack'; readonly at: number; readonly told: number }
  | { readonly kind: 'repair'; readonly at: number; readonly skip: number; readonly told: number }
  | { readonly kind: 'refresh' }
  | {
      readonly kind: 'change';
      readonly at: number;
      readonly to: number;
      readonly told: number;
      /** Whoever joins goes over at once, and the others with the next step that needs them to. */
      readonly isEarly: boolean;
    }
  | { readonly kind: 'wait'; readonly seconds: number };

/** Behind a change that is not everywhere yet these go on in the epoch before. */
const IN_ANY_EPOCH = ['want', 'goOn', 'retry', 'wait'];

/** Servers besides those that have the key. */
const SPARE = 2;

const steps = (of: number): fc.Arbitrary<Step> => {
  const at = fc.nat(of + SPARE - 1);
  const which = fc.nat(5);
  const told = fc.nat(2 ** (of + SPARE) - 1);
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
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('bringBack'), at, told }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('repair'), at, skip: at, told }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refresh') }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('change'), at, to: at, told, isEarly: fc.boolean() }),
    },
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
  /** Who came back in this epoch, and decides on no change of it. */
  const forgot = new Set<number>();
  let texts = 0;
  let isHalfDone = false;
  /** Of a change to which only the server that joins has gone over. */
  let rest: (() => Promise<void>) | null = null;
  let changes = 0;
  const members = () => key.rosters.at(-1)!;
  const slotOf = (place: number) => members().indexOf(place) + 1;

  /** Some quorum, by a number. */
  function quorum(who: number): number[] {
    const places = [...members()];
    while (places.length > needed) places.splice(who % places.length, 1);
    return places;
  }

  async function askNext(one: Wanted): Promise<void> {
    const place = one.by.find((each) => !one.replies.has(each));
    if (place === undefined || one.attempt === null || !members().includes(place)) return;
    const { text, requestId, expiresAt, attempt } = one;
    const reply = await (
      await signerOf(key)
    ).request(slotOf(place), { ...messageOf(text), requestId }, { attempt, expiresAt });
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
    // Some have left the key.
    if (!one.by.every((place) => members().includes(place))) one.by = quorum(one.attempts);
    one.by = one.by.toSorted((a, b) => slotOf(a) - slotOf(b));
    const slots = one.by.map(slotOf);
    one.letIn.clear();
    one.attempts += 1;
    one.replies.clear();
    one.attempt = await (await signerOf(key)).prepare(slots, 1, one.attempts);
  }

  /** Some others, whom the thief chooses; all, where those are too few. */
  async function tell(at: number, told: number): Promise<void> {
    const others = Array.from({ length: of + SPARE }, (_, place) => place).filter((place) => place !== at);
    const known = others.filter((place) => key.rosters.some((roster) => roster.includes(place)));
    const some = known.filter((place) => ((told >> place) & 1) === 1);
    await tellCounts(key, at, some).catch(() => tellCounts(key, at, known));
  }

  /** What is half done is no subject here: the rest of a run is left out then. So it is where one that joined early is not told. */
  async function finish(): Promise<void> {
    const goOver = rest;
    [rest, isHalfDone] = [null, true];
    await goOver?.();
    isHalfDone = false;
  }

  /** @param first who goes over before the others, and is told by some when they do */
  async function change(to: readonly number[], first: readonly number[] = [], told = 0): Promise<void> {
    const by = members().filter((place) => !forgot.has(place));
    if (by.length < Math.max(needed, Math.floor(of / 2) + 1)) throw nobodyDecides();
    isHalfDone = true;
    const goOver = await changeAtFirst(key, to, needed, { first, by });
    isHalfDone = false;
    rest = async () => {
      await goOver();
      backups.clear();
      forgot.clear();
      for (const place of first) await tell(place, told);
    };
    if (first.length === 0) await finish();
  }

  async function repair(at: number, skip: number, told: number): Promise<void> {
    const { keyId, made } = key;
    // As its roster has them: couriers count by slots.
    const servers = members().map((place) => key.servers[place]!);
    const callers = members().map((place) => key.callers[place]!);
    const target = slotOf(at);
    const witness = callers[target % of]!;
    const chain = await fetchChain(witness, keyId);
    const { policy } = await witness.call('key.show', { keyId });
    isHalfDone = true;
    await loseShareAt(key.network, servers, callers, keyId, target, 'all');
    [key.servers[at], key.callers[at]] = [servers[target - 1]!, callers[target - 1]!];
    backups.delete(at);
    forgot.add(at);
    const helpers = quorum(skip)
      .map(slotOf)
      .filter((slot) => slot !== target);
    for (let slot = 1; helpers.length < needed; slot++)
      if (slot !== target && !helpers.includes(slot)) helpers.push(slot);
    const expiresAt = clock.now + 600;
    const courier = createRepairCourier({
      servers,
      callers,
      made,
      policy,
      chain,
      target,
      helpers,
      expiresAt,
    });
    isHalfDone = false;
    await courier.begin();
    await courier.finish();
    await tell(at, told);
  }

  const open = () => wanted.filter(({ isSigned }) => !isSigned);

  return {
    wanted,
    /** How often others joined. */
    changes: () => changes,
    async take(step: Step): Promise<void> {
      if (isHalfDone) return;
      if (!IN_ANY_EPOCH.includes(step.kind)) await finish();
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
          await signer.request(slotOf(place), { ...messageOf(text), requestId }, { expiresAt });
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
        forgot.add(step.at);
        await tell(step.at, step.told);
      }
      if (step.kind === 'refresh') await change(members());
      if (step.kind === 'change') {
        const outside = Array.from({ length: of + SPARE }, (_, place) => place).filter(
          (place) => !members().includes(place),
        );
        const to = outside[step.to % outside.length]!;
        const others = members().filter((_, i) => i !== step.at % of);
        await change([...others, to], step.isEarly ? [to] : [], step.told);
        changes += 1;
        if (!step.isEarly) await tell(to, step.told);
      }
      // Where all of them sign, nobody else could help.
      if (step.kind === 'repair' && of > needed && members().includes(step.at))
        await repair(step.at, step.skip, step.told);
    },
  };
}

function nobodyDecides(): StateError {
  return new StateError('too many came back in this epoch', { code: 'CHANGE_REFUSED', hint: 'wait' });
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

/** Plays one life of a key. @returns how many texts were signed, how many of them in the fullest window, and how often others joined */
async function playLife({ of, needed }: Shape, order: readonly Step[]) {
  const network = createBareServers();
  const clock = { now: TEST_TIME };
  try {
    const rateLimit = { count: LIMIT, perSeconds: WINDOW };
    const server = { now: () => clock.now };
    const key = await makeCountedKey(network, { count: of + SPARE, of, needed, rateLimit, server });
    const thief = createThief(key, { of, needed }, clock);
    for (const step of order) {
      // What is refused is tried, and gone on from.
      await thief.take(step).catch((error: unknown) => {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      });
    }
    const signed = thief.wanted.filter(({ isSigned }) => isSigned).length;
    return { signed, most: mostInWindow(thief.wanted), changes: thief.changes() };
  } finally {
    await network.close();
  }
}

test.each([
  { of: 2, needed: 2 },
  { of: 3, needed: 2 },
  { of: 3, needed: 3 },
])(
  'P14: whatever a thief asks in which order, at $needed of $of servers that are restored, repaired, refreshed and changed in turn, a window gives no more than ⌊nq/t⌋ texts',
  async ({ of, needed }) => {
    let [signed, fullest, changes] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(steps(of), { minLength: 20, maxLength: 40 }), async (order) => {
        const life = await playLife({ of, needed }, order);
        expect(life.most).toBeLessThanOrEqual(Math.floor((of * LIMIT) / needed));
        signed += life.signed;
        fullest = Math.max(fullest, life.most);
        changes += life.changes;
      }),
      { numRuns: 25, endOnFailure: true },
    );
    // How many it is, is chance.
    expect(signed).toBeGreaterThan(0);
    expect(fullest).toBeGreaterThan(0);
    expect(changes).toBeGreaterThan(0);
  },
  400_000,
);

test('P14: a text that both of 2 servers had let in and not signed is not signed besides what others have counted, when both have left the key and joined it again within one second', async () => {
  const want = { kind: 'want', who: 0, asks: 2, plain: 0 } as const;
  const change = { kind: 'change', at: 1, to: 0, told: 1, isEarly: false } as const;
  const { signed } = await playLife({ of: 2, needed: 2 }, [
    change,
    { ...want, asks: 0, plain: 2 },
    want,
    want,
    change,
    { ...change, at: 0, to: 1 },
    want,
    { ...change, to: 1, told: 2 },
    { ...change, at: 0, told: 2 },
    { kind: 'retry', which: 0 },
  ]);
  expect(signed).toBe(LIMIT);
});

/** A 2-of-3 of which alpha came back, and of which charlie says what he likes. */
const [ALPHA, BRAVO, CHARLIE] = [0, 1, 2] as const;
const PAIRS = [
  [ALPHA, BRAVO],
  [ALPHA, CHARLIE],
  [BRAVO, CHARLIE],
] as const;

/** How many texts these servers sign until one of them refuses. */
async function signAll(key: CountedKey, places: readonly number[]): Promise<number> {
  const signer = await signerOf(key);
  for (let signed = 0; ; signed++) {
    const text = messageOf(`text ${encodeHex(new Uint8Array(randomBytes(8)))}`);
    const error = await signer.sign(text, slotsOf(key, places)).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) continue;
    expect(error).toMatchObject({ code: 'POLICY_RATE' });
    return signed;
  }
}

test('P14: whatever a liar says of how often a key was used, it spends a window only until an operator releases the key: then two honest servers of three sign what they have left', async () => {
  const lies = fc.oneof(fc.nat(2 * LIMIT), fc.constant(1_000_000));
  const used = fc.array(fc.constantFrom(...PAIRS), { maxLength: LIMIT - 1 });
  await fc.assert(
    fc.asyncProperty(used, lies, fc.constantFrom(LIMIT, 1_000_000), async (pairs, count, most) => {
      const network = createBareServers();
      const clock = { now: TEST_TIME };
      try {
        const rateLimit = { count: LIMIT, perSeconds: WINDOW };
        const key = await makeCountedKey(network, { count: 3, rateLimit, server: { now: () => clock.now } });
        const old = await backUp(key, ALPHA);
        let signer = await signerOf(key);
        for (const [i, pair] of pairs.entries()) await signer.sign(messageOf(`${i}`), slotsOf(key, pair));
        clock.now += 1;
        await bringBack(key, ALPHA, old);
        signer = await signerOf(key);
        const [bravo, charlie] = await gatherHeads(key, ALPHA, [BRAVO, CHARLIE]);
        const counts = [{ within: WINDOW, most, count: Math.min(count, most), from: 0 }];
        const head = encodeHead({ ...parseHead(charlie!.head), counts });
        const { context, sessions } = key.servers[ALPHA]!;
        const { identity } = key.servers[CHARLIE]!.context;
        const lie = { slot: 3, head, signature: signIdentityStatement(identity, headStatement(head)) };
        await key.callers[ALPHA]!.call('key.heads', { keyId: key.keyId, heads: [bravo!, lie] });
        const counted = pairs.filter((pair) => pair.some((place) => place === BRAVO)).length;
        const believed = Math.max(0, LIMIT - counted - count);
        for (let i = 0; i < believed; i++)
          await signer.sign(messageOf(`believed ${i}`), slotsOf(key, [ALPHA, BRAVO]));
        // Alone: bravo would count it.
        const more = signer.request(ALPHA + 1, messageOf('more'), {});
        await expect(more).rejects.toMatchObject({ code: 'POLICY_RATE' });
        await createKeyDesk({ context, sessions }).release(encodeHex(key.keyId), null);
        expect(believed + (await signAll(key, [ALPHA, BRAVO]))).toBe(LIMIT - counted);
      } finally {
        await network.close();
      }
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 200_000);
