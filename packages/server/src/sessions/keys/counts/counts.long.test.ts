// @module-tag long
import { encodeHead, headStatement, parseHead, signIdentityStatement } from '@ckm/api';
import { type CkmError, encodeHex } from '@ckm/foundation';
import type { QuorumSigner } from '@ckm/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyDesk } from '../../../control/desks/key-desk.js';
import { NO_TIGHTENING, storeTightening } from '../../../policy/tightening.js';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, messageOf } from '../../test/bare-servers.js';
import {
  backUp,
  bringBack,
  changeAtFirst,
  changeTo,
  type CountedKey,
  type CountedOptions,
  gatherHeads,
  makeCountedKey,
  signerOf,
  slotsOf,
  tellCounts,
} from '../../test/counted-key.js';
import { createLateStorage } from '../../test/faulty-storage.js';
import { loseShareAt, type Loss } from '../../test/lost-share.js';
import { createRepairCourier } from '../../test/repair-courier.js';

const network = createBareServers();
let now = TEST_TIME;
beforeEach(() => {
  now = TEST_TIME;
});
afterEach(() => network.close());

const HOUR = 3_600;
const DAY = 86_400;
const LIMIT = 4;
const [ALPHA, BRAVO, CHARLIE, DELTA, ECHO] = [0, 1, 2, 3, 4] as const;
const clock = { now: () => now };
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

const makeKey = (options: Partial<CountedOptions> = {}) =>
  makeCountedKey(network, {
    count: 3,
    rateLimit: { count: LIMIT, perSeconds: HOUR },
    server: clock,
    ...options,
  });

let texts = 0;
/** A text that was never signed before. */
const fresh = () => messageOf(`text ${texts++}`);

/** Has as many texts signed as asked for, by servers of these places. */
async function sign(key: CountedKey, places: readonly number[], times = 1): Promise<void> {
  const signer = await signerOf(key);
  for (let i = 0; i < times; i++) await signer.sign(fresh(), slotsOf(key, places));
}

interface LetIn {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly requestId: Uint8Array;
  readonly expiresAt: number;
}

/** Servers of these slots, alpha unless said, let in as many requests as asked for, and give no share for them. */
async function letIn(key: CountedKey, times: number, slots: readonly number[] = [1]): Promise<LetIn[]> {
  const asked = Array.from({ length: times }, (_, i) => {
    const requestId = new Uint8Array(32).fill(i + 1);
    return { ...fresh(), requestId, expiresAt: now + 2 * HOUR };
  });
  const signer = await signerOf(key);
  for (const ask of asked)
    for (const slot of slots) await signer.request(slot, ask, { expiresAt: ask.expiresAt });
  return asked;
}

/** Has alpha give its share for one of them. @returns what became of it */
async function goOn(key: CountedKey, ask: LetIn): Promise<string> {
  const signer = await signerOf(key);
  const attempt = await signer.prepare([1, 3]);
  return (await signer.request(1, ask, { attempt, expiresAt: ask.expiresAt })).state;
}

/** One server alone is asked: the others count nothing by it. */
async function askOnly(key: CountedKey, place: number): Promise<void> {
  await (await signerOf(key)).request(slotsOf(key, [place])[0]!, fresh(), {});
}

/** How many texts these servers sign until one of them refuses. */
async function signAll(key: CountedKey, places: readonly number[]): Promise<number> {
  for (let signed = 0; ; signed++) {
    const error = await sign(key, places).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) continue;
    expect(error).toEqual(code('POLICY_RATE'));
    return signed;
  }
}

/** Alpha, as it was when nothing was signed; since then it has signed with those who come next. */
async function alphaBack(times: number, options: Partial<CountedOptions> = {}): Promise<CountedKey> {
  const key = await makeKey(options);
  const old = await backUp(key, ALPHA);
  await sign(key, [ALPHA, BRAVO, CHARLIE].slice(0, options.needed ?? 2), times);
  now += 1;
  await bringBack(key, ALPHA, old);
  return key;
}

describe('P14: a server that came back from an older state', () => {
  test('counts each window as spent until others say otherwise, and then from the sum of what n − t + 1 of them say', async () => {
    const key = await alphaBack(3);
    await key.callers[ALPHA]!.call('key.heads', {
      keyId: key.keyId,
      heads: await gatherHeads(key, ALPHA, [BRAVO, CHARLIE], []),
    });
    await expect(askOnly(key, ALPHA)).rejects.toMatchObject({
      code: 'POLICY_COUNT_UNKNOWN',
      httpStatus: 429,
      retryable: true,
      facts: { since: now, until: now + HOUR },
    });
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 3);
  });

  test('hears both answers at once, and says in its log how often it was', async () => {
    const key = await alphaBack(3);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 3);
    const { context } = key.servers[ALPHA]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(lines.filter(({ deed }) => deed === 'key.heads').map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/, 3 in 1 h$/),
    ]);
  });

  test('knows by itself when the window has passed', async () => {
    const key = await alphaBack(3);
    await key.callers[ALPHA]!.call('key.heads', {
      keyId: key.keyId,
      heads: await gatherHeads(key, ALPHA, [BRAVO, CHARLIE], []),
    });
    now += HOUR;
    const asked = await key.callers[ALPHA]!.call('key.head', { keyId: key.keyId, nonce: new Uint8Array(32) });
    expect(asked).toMatchObject({ asks: null, windows: [] });
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(LIMIT);
  });

  test('never counts less than what it has itself', async () => {
    const key = await makeKey();
    const signer = await signerOf(key);
    for (let i = 0; i < 3; i++) await signer.request(1, fresh(), {});
    const old = await backUp(key, ALPHA);
    now += 1;
    await bringBack(key, ALPHA, old);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 3);
  });

  test('hears no old statement, no guess, no stranger, nobody twice, and not who does not know himself', async () => {
    const key = await alphaBack(1);
    const { keyId, callers, servers } = key;
    const [bravo, charlie] = await gatherHeads(key, ALPHA, [BRAVO, CHARLIE]);
    const show = (heads: object[]) => callers[ALPHA]!.call('key.heads', { keyId, heads: heads as never });
    await callers[ALPHA]!.call('key.heads', {
      keyId,
      heads: await gatherHeads(key, ALPHA, [BRAVO, CHARLIE], []),
    });
    const said = (place: number, change: object) => {
      const head = encodeHead({ ...parseHead(charlie!.head), ...change });
      const signature = signIdentityStatement(servers[place]!.context.identity, headStatement(head));
      return { slot: 3, epoch: 0, head, signature };
    };
    const counts = (count: number | null, within = HOUR, most = LIMIT) => ({
      counts: [{ within, most, count, from: 0 }],
    });
    for (const other of [
      { ...bravo!, slot: 3 },
      { ...charlie!, epoch: 1 },
      said(BRAVO, counts(0)),
      said(CHARLIE, counts(null)),
      said(CHARLIE, counts(0, HOUR - 1)),
      // It has stopped counting where alpha still wants to know more.
      said(CHARLIE, counts(1, HOUR, 1)),
      said(CHARLIE, { ...counts(0), nonce: new Uint8Array(32) }),
      said(CHARLIE, { ...counts(0), isSure: false }),
      said(CHARLIE, { ...counts(0), transcriptHash: new Uint8Array(32) }),
      { ...said(CHARLIE, {}), head: Uint8Array.of(1) },
    ])
      await expect(show([bravo!, other])).rejects.toMatchObject({
        code: 'COUNTS_TOO_FEW',
        facts: { needed: 2, slots: '3' },
      });
    await show([bravo!, charlie!]);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 1);
  });

  test('a statement that its server has signed and that cannot be read keeps it from nothing', async () => {
    const key = await alphaBack(1, { count: 5, needed: 3 });
    const heads = await gatherHeads(key, ALPHA, [BRAVO, CHARLIE, DELTA]);
    const head = Uint8Array.of(0xff);
    const signature = signIdentityStatement(key.servers[4]!.context.identity, headStatement(head));
    await key.callers[ALPHA]!.call('key.heads', {
      keyId: key.keyId,
      heads: [{ slot: 5, head, signature }, ...heads],
    });
    expect(await signAll(key, [ALPHA, CHARLIE, DELTA])).toBe(LIMIT - 2);
  });

  test('counts what it lets in by a clock that is behind, as that of another replica may be', async () => {
    const key = await alphaBack(1);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    now -= 60;
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 1);
  });

  test('is used by what it has where its operator releases it, and still tells nobody how often that was', async () => {
    const key = await alphaBack(3);
    const { keyId, servers, callers } = key;
    const release = () =>
      servers[ALPHA]!.context.storage.transact((transaction) =>
        servers[ALPHA]!.sessions.releaseHead(transaction, { owner: alice.xid, keyId }),
      );
    expect([await release(), await release()]).toEqual([true, false]);
    const question = { keyId, nonce: new Uint8Array(32), windows: [{ within: HOUR, most: LIMIT }] };
    const { head } = await callers[ALPHA]!.call('key.head', question);
    expect(parseHead(head)).toMatchObject({ isSure: true, counts: [{ within: HOUR, count: null }] });
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(LIMIT);
  });
});

describe('P14: a liar among the others who says too much', () => {
  /** Charlie says that it was used more often than anybody allows, and bravo says the truth. */
  async function lieToAlpha(key: CountedKey): Promise<void> {
    const [bravo, charlie] = await gatherHeads(key, ALPHA, [BRAVO, CHARLIE]);
    const counts = [{ within: HOUR, most: 1_000_000, count: 1_000_000, from: 0 }];
    const head = encodeHead({ ...parseHead(charlie!.head), counts });
    const signature = signIdentityStatement(key.servers[CHARLIE]!.context.identity, headStatement(head));
    const { keyId } = key;
    await key.callers[ALPHA]!.call('key.heads', { keyId, heads: [bravo!, { slot: 3, head, signature }] });
  }

  /** What the operator of alpha sees in its log of what was done. */
  async function logged(key: CountedKey, deed: string): Promise<string[]> {
    const { context } = key.servers[ALPHA]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    return lines.filter((line) => line.deed === deed).map(({ detail }) => detail);
  }

  test('spends a window of a restored server only until its operator releases the key; the log says who said it, and 2-of-3 sign without the liar', async () => {
    const key = await alphaBack(1);
    const [back, { context, sessions }] = [now, key.servers[ALPHA]!];
    await lieToAlpha(key);
    await expect(askOnly(key, ALPHA)).rejects.toMatchObject({
      code: 'POLICY_RATE',
      message: expect.stringMatching(/other servers say that it was used so often before/),
      facts: { count: LIMIT, perSeconds: HOUR, since: back, until: back + HOUR },
    });
    expect(await logged(key, 'key.heads')).toEqual([
      expect.stringMatching(/^slots 2 \(1 in 1 h\) 3 \(1000000 or more in 1 h\), .*, 4 or more in 1 h$/),
    ]);
    const { release } = createKeyDesk({ context, sessions });
    const prefix = encodeHex(key.keyId);
    await release(prefix, null);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 1);
    await expect(askOnly(key, ALPHA)).rejects.toMatchObject({ facts: { count: LIMIT, perSeconds: HOUR } });
    await release(prefix, null);
    expect(await logged(key, 'operator.release')).toEqual([
      'it was not stopped; counted by this server alone, whatever others told it',
      'it was not stopped',
    ]);
  });

  test('is still believed where its operator has only let a key answer again that a wrong share had stopped', async () => {
    const key = await alphaBack(1);
    const { context, sessions } = key.servers[ALPHA]!;
    await lieToAlpha(key);
    await context.storage.transact(async (transaction) => {
      const row = (await transaction.keys.hold(alice.xid, key.keyId))!;
      const stopped = { ...NO_TIGHTENING, stoppedAt: now };
      const stored = await storeTightening(context.vault, transaction, sessions.keyFacts(row), stopped);
      await sessions.noteTightened(transaction, row, stored);
    });
    const { release } = createKeyDesk({ context, sessions });
    await release(encodeHex(key.keyId), null);
    await expect(askOnly(key, ALPHA)).rejects.toThrow(code('POLICY_RATE'));
    await release(encodeHex(key.keyId), null);
    await askOnly(key, ALPHA);
    expect(await logged(key, 'operator.release')).toEqual([
      'stopped by a wrong share',
      'it was not stopped; counted by this server alone, whatever others told it',
    ]);
  });
});

describe('P14: a thief with the owner’s client', () => {
  /** Alpha gives its shares for texts that bravo has not seen, with commitments that bravo gave. */
  async function takeInAdvance(signer: QuorumSigner) {
    const taken = [];
    for (let i = 0; i < LIMIT; i++) {
      const ask = fresh();
      const attempt = await signer.prepare([1, 2]);
      const requestId = new Uint8Array(32).fill(i + 1);
      taken.push({
        ask,
        attempt,
        requestId,
        share: await signer.request(1, { ...ask, requestId }, { attempt }),
      });
    }
    return taken;
  }

  test('gets nothing from shares that a server gave before it came back: who says how often it was used voids what they were made for', async () => {
    const key = await makeKey();
    const old = await backUp(key, ALPHA);
    const signer = await signerOf(key);
    const taken = await takeInAdvance(signer);
    now += 1;
    await bringBack(key, ALPHA, old);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    for (const { ask, attempt, requestId } of taken) {
      const reply = await signer.request(2, { ...ask, requestId }, { attempt });
      expect(reply.state).toBe('stale');
    }
    // The quota of bravo is used up by that, and alpha has its own left for charlie alone.
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(LIMIT);
    expect(await signAll(key, [BRAVO, CHARLIE])).toBe(0);
  });

  test('gets nothing from an attempt that had read the key before its nonces were voided, and was held up until after', async () => {
    const late = createLateStorage();
    const key = await makeKey({ server: { ...clock, wrap: late.wrap } });
    const { storage } = key.servers[BRAVO]!.context;
    const signer = await signerOf(key);
    const attempt = await signer.prepare([1, 2]);
    const row = (await storage.read(({ keys }) => keys.find(alice.xid, key.keyId)))!;
    const windows = [{ within: HOUR, most: LIMIT }];
    const nonce = new Uint8Array(32);
    await key.callers[BRAVO]!.call('key.head', { keyId: key.keyId, nonce, windows });
    late.arm(row);
    expect((await signer.request(2, fresh(), { attempt })).state).toBe('stale');
  });

  test('gets nothing more from requests that were let in before a backup and are signed behind it', async () => {
    const key = await makeKey();
    const before = await letIn(key, 2);
    const old = await backUp(key, ALPHA);
    await sign(key, [ALPHA, BRAVO], 2);
    now += 1;
    await bringBack(key, ALPHA, old);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    // Alpha had let in four, and knows of two; the two that others tell of are others.
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 2);
    for (const ask of before) await expect(goOn(key, ask)).rejects.toThrow(code('POLICY_RATE'));
  });

  test('gets nothing more from a server that is brought back again and again', async () => {
    const key = await makeKey();
    const old = await backUp(key, ALPHA);
    let signed = 0;
    for (let turn = 0; turn < 3; turn++) {
      signed += await signAll(key, [ALPHA, turn % 2 === 0 ? BRAVO : CHARLIE]);
      now += 1;
      await bringBack(key, ALPHA, old);
      await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    }
    expect(signed).toBe(LIMIT);
  });
});

describe('P14: a server whose share was repaired', () => {
  test.each(['keys', 'all'] as const)('starts from what others say (%s lost)', async (loss: Loss) => {
    const key = await makeKey();
    const { keyId, servers, callers, made } = key;
    await sign(key, [ALPHA, BRAVO], 3);
    const { policy } = await callers[ALPHA]!.call('key.show', { keyId });
    now += 1;
    await loseShareAt(network, servers, callers, keyId, BRAVO + 1, loss);
    const repair = createRepairCourier({
      servers,
      callers,
      made,
      policy,
      target: BRAVO + 1,
      helpers: [1, 3],
      expiresAt: now + 600,
    });
    await repair.begin();
    await repair.finish();
    // Whose rows are gone does not know either how far the key is.
    if (loss === 'all') {
      await expect(askOnly(key, BRAVO)).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
      const heads = await gatherHeads(key, BRAVO, [ALPHA, CHARLIE], []);
      await callers[BRAVO]!.call('key.heads', { keyId, heads });
    }
    await expect(askOnly(key, BRAVO)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    const question = { keyId, nonce: new Uint8Array(32), windows: [{ within: HOUR, most: LIMIT }] };
    const { head } = await callers[BRAVO]!.call('key.head', question);
    expect(parseHead(head)).toMatchObject({ isSure: true, counts: [{ within: HOUR, count: null }] });
    await expect(tellCounts(key, BRAVO, [ALPHA])).rejects.toThrow(code('COUNTS_TOO_FEW'));
    await tellCounts(key, BRAVO, [ALPHA, CHARLIE]);
    expect(await signAll(key, [BRAVO, CHARLIE])).toBe(LIMIT - 3);
  });
});

describe('P14: a server that joined', () => {
  test('starts from what n − t + 1 servers of the epoch before have counted, those that left it too', async () => {
    const key = await makeKey({ count: 4, of: 3 });
    await sign(key, [ALPHA, BRAVO], 3);
    await changeTo(key, [CHARLIE, DELTA], 2);
    await expect(askOnly(key, DELTA)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    await expect(tellCounts(key, DELTA, [CHARLIE])).rejects.toMatchObject({
      code: 'COUNTS_TOO_FEW',
      facts: { needed: 2, slots: '1, 2' },
    });
    await tellCounts(key, DELTA, [CHARLIE, BRAVO]);
    expect(await signAll(key, [CHARLIE, DELTA])).toBe(LIMIT - 3);
  });

  test('hears nobody who has not met the certificate of its epoch: he may still sign in the one before', async () => {
    const key = await makeKey({ count: 4, of: 3 });
    const before = await backUp(key, BRAVO);
    await changeTo(key, [CHARLIE, DELTA], 2);
    key.servers[BRAVO] = await network.restart(key.servers[BRAVO]!, { dataDir: before });
    key.callers[BRAVO] = await key.servers[BRAVO].as(alice);
    await expect(tellCounts(key, DELTA, [CHARLIE, BRAVO])).rejects.toThrow(code('COUNTS_TOO_FEW'));
    await tellCounts(key, DELTA, [CHARLIE, ALPHA]);
    expect(await signAll(key, [CHARLIE, DELTA])).toBe(LIMIT);
  });

  test('goes by what others told it for as long as a window from when they did: who has not met its epoch signs in the one before until then', async () => {
    const key = await makeKey({ count: 4, of: 3 });
    const goOver = await changeAtFirst(key, [ALPHA, BRAVO, DELTA], 2, { first: [DELTA] });
    now += 60;
    await sign(key, [BRAVO, CHARLIE], LIMIT);
    await goOver();
    await tellCounts(key, DELTA, [BRAVO, CHARLIE]);
    const until = now + HOUR;
    now = until - 1;
    await expect(askOnly(key, DELTA)).rejects.toMatchObject({
      code: 'POLICY_RATE',
      facts: { since: until - HOUR, until },
    });
    now = until;
    expect(await signAll(key, [ALPHA, DELTA])).toBe(LIMIT);
  });

  test('a refresh changes no count', async () => {
    const key = await makeKey();
    await sign(key, [ALPHA, BRAVO], 3);
    await changeTo(key, [ALPHA, BRAVO, CHARLIE], 2);
    expect(await signAll(key, [ALPHA, CHARLIE])).toBe(1);
    expect(await signAll(key, [BRAVO, CHARLIE])).toBe(1);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(0);
  });

  test('that comes back from a backup asks those of the epoch before too, or who joined with it', async () => {
    const key = await makeKey({ count: 4, of: 3 });
    await sign(key, [BRAVO, CHARLIE], LIMIT);
    await changeTo(key, [ALPHA, DELTA], 2);
    await tellCounts(key, DELTA, [ALPHA, BRAVO]);
    expect(await signAll(key, [ALPHA, DELTA])).toBe(0);
    const old = await backUp(key, DELTA);
    now += 1;
    await bringBack(key, DELTA, old);
    // Alpha alone is enough to say that the epoch is in use, and knows of no signature.
    await tellCounts(key, DELTA, [ALPHA]);
    await expect(askOnly(key, DELTA)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    await tellCounts(key, DELTA, [ALPHA, CHARLIE]);
    expect(await signAll(key, [ALPHA, DELTA])).toBe(0);
  });
});

describe('P14: servers that leave a key and join it again', () => {
  /** Alpha and bravo let a text in and leave, charlie and delta sign as many, and alpha and bravo are back, all in one second. */
  async function bothBack(signed: number): Promise<{ key: CountedKey; ask: LetIn }> {
    const key = await makeKey({ count: 4, of: 2 });
    const [ask] = await letIn(key, 1, [1, 2]);
    await changeTo(key, [CHARLIE, DELTA], 2);
    for (const place of [CHARLIE, DELTA]) await tellCounts(key, place, [ALPHA]);
    await sign(key, [CHARLIE, DELTA], signed);
    await changeTo(key, [ALPHA, BRAVO], 2);
    for (const place of [ALPHA, BRAVO]) await tellCounts(key, place, [CHARLIE]);
    return { key, ask: ask! };
  }

  /** Asks both for their shares of it. @returns what each of them says */
  async function askBoth(key: CountedKey, ask: LetIn, number = 1): Promise<string[]> {
    const signer = await signerOf(key);
    const attempt = await signer.prepare([1, 2], 1, number);
    const codeOf = (error: unknown) => (error as CkmError).code;
    const said: string[] = [];
    for (const slot of [1, 2]) {
      const reply = signer.request(slot, ask, { attempt, expiresAt: ask.expiresAt });
      said.push(await reply.then(({ state }) => state, codeOf));
    }
    return said;
  }

  test('sign nothing that both had let in before where others have used all of it up', async () => {
    const { key, ask } = await bothBack(LIMIT);
    expect(await askBoth(key, ask)).toEqual(['POLICY_RATE', 'POLICY_RATE']);
  });

  test('sign it, counted once, where others have left room for it', async () => {
    const { key, ask } = await bothBack(LIMIT - 1);
    expect(await askBoth(key, ask)).toEqual(['answered', 'answered']);
    expect(await askBoth(key, ask, 2)).toEqual(['answered', 'answered']);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(0);
  });
});

describe('P14: a change of members, and a refresh behind it', () => {
  /** Bravo and charlie use all of it up, and the key goes over to alpha and delta, which hears nothing before there is an epoch more. */
  async function changedAndRefreshed(): Promise<CountedKey> {
    const key = await makeKey({ count: 4, of: 3, rateLimit: { count: LIMIT, perSeconds: 30 * DAY } });
    await sign(key, [BRAVO, CHARLIE], LIMIT);
    await changeTo(key, [ALPHA, DELTA], 2);
    now += DAY;
    await changeTo(key, [ALPHA, DELTA], 2);
    return key;
  }

  test('who joined still asks those of the epoch before it did, who have left by that change and know of no later one', async () => {
    const key = await changedAndRefreshed();
    const asked = await key.callers[DELTA]!.call('key.head', { keyId: key.keyId, nonce: new Uint8Array(32) });
    expect(asked.rosters).toEqual([0]);
    await expect(tellCounts(key, DELTA, [ALPHA])).rejects.toMatchObject({
      code: 'COUNTS_TOO_FEW',
      facts: { needed: 2, slots: '2, 3' },
    });
    await expect(askOnly(key, DELTA)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    await tellCounts(key, DELTA, [ALPHA, CHARLIE]);
    expect(await signAll(key, [ALPHA, DELTA])).toBe(0);
  });

  test('who joined and comes back from a backup does so too', async () => {
    const key = await changedAndRefreshed();
    await tellCounts(key, DELTA, [ALPHA, BRAVO]);
    const old = await backUp(key, DELTA);
    now += 1;
    await bringBack(key, DELTA, old);
    await tellCounts(key, DELTA, [ALPHA]);
    await expect(askOnly(key, DELTA)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    await tellCounts(key, DELTA, [ALPHA, BRAVO]);
    expect(await signAll(key, [ALPHA, DELTA])).toBe(0);
  });
});

describe('P14: two changes of members within a window', () => {
  /** Bravo and charlie use all of it up; delta takes their place, and echo takes that of delta a while later. */
  async function changedTwice(seconds: number): Promise<CountedKey> {
    const key = await makeKey({ count: 5, of: 3 });
    await sign(key, [BRAVO, CHARLIE], LIMIT);
    await changeTo(key, [ALPHA, DELTA], 2);
    await tellCounts(key, DELTA, [ALPHA, BRAVO]);
    now += seconds;
    await changeTo(key, [ALPHA, ECHO], 2);
    return key;
  }

  test.each([
    ['who joined by the first one', DELTA],
    ['who signed before it', BRAVO],
  ])('who joins by the second one is told by %s too: who stayed knows nothing of it', async (_who, other) => {
    const key = await changedTwice(60);
    await expect(tellCounts(key, ECHO, [ALPHA])).rejects.toMatchObject({
      code: 'COUNTS_TOO_FEW',
      facts: { needed: 2, slots: '2, 3' },
    });
    await expect(askOnly(key, ECHO)).rejects.toThrow(code('POLICY_COUNT_UNKNOWN'));
    await tellCounts(key, ECHO, [ALPHA, other]);
    expect(await signAll(key, [ALPHA, ECHO])).toBe(0);
  });

  test('who stayed is enough where the first one was longer ago than the window', async () => {
    const key = await changedTwice(HOUR);
    await tellCounts(key, ECHO, [ALPHA]);
    expect(await signAll(key, [ALPHA, ECHO])).toBe(LIMIT);
  });

  test('who forgot in the second of the first one says nothing of what others signed between', async () => {
    const key = await makeKey({ count: 5, of: 3 });
    await bringBack(key, ALPHA, await backUp(key, ALPHA));
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    await sign(key, [BRAVO, CHARLIE], LIMIT);
    await changeTo(key, [ALPHA, DELTA], 2, [BRAVO, CHARLIE]);
    await tellCounts(key, DELTA, [ALPHA, BRAVO]);
    await changeTo(key, [ALPHA, ECHO], 2);
    await expect(tellCounts(key, ECHO, [ALPHA])).rejects.toThrow(code('COUNTS_TOO_FEW'));
    await tellCounts(key, ECHO, [ALPHA, DELTA]);
    expect(await signAll(key, [ALPHA, ECHO])).toBe(0);
  });

  test('who joined by the second one, and has forgotten what it was told, asks them again', async () => {
    const key = await changedTwice(60);
    await tellCounts(key, ECHO, [ALPHA, DELTA]);
    const old = await backUp(key, ECHO);
    now += 1;
    await bringBack(key, ECHO, old);
    await tellCounts(key, ECHO, [ALPHA]);
    await expect(tellCounts(key, ECHO, [ALPHA])).rejects.toThrow(code('COUNTS_TOO_FEW'));
    await tellCounts(key, ECHO, [ALPHA, DELTA]);
    expect(await signAll(key, [ALPHA, ECHO])).toBe(0);
  });
});

describe('P14, L14: an honest owner gets on', () => {
  test('what was let in before a backup is signed behind it, up to the limit, each counted once', async () => {
    const key = await makeKey();
    const before = await letIn(key, LIMIT);
    const old = await backUp(key, ALPHA);
    now += 1;
    await bringBack(key, ALPHA, old);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE]);
    const signer = await signerOf(key);
    for (const ask of before) {
      expect(await goOn(key, ask)).toBe('answered');
      expect((await signer.request(1, ask, { expiresAt: ask.expiresAt })).state).toBe('ready');
    }
    await expect(askOnly(key, ALPHA)).rejects.toThrow(code('POLICY_RATE'));
  });

  test('2-of-2: one of them restored', async () => {
    const key = await alphaBack(1, { count: 2 });
    await tellCounts(key, ALPHA, [BRAVO]);
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 1);
  });

  test('2-of-3: one of them dead and another restored, by the word of its operator', async () => {
    const key = await alphaBack(1);
    const { keyId, servers } = key;
    await expect(tellCounts(key, ALPHA, [BRAVO])).rejects.toThrow(code('HEADS_TOO_FEW'));
    await servers[ALPHA]!.context.storage.transact((transaction) =>
      servers[ALPHA]!.sessions.releaseHead(transaction, { owner: alice.xid, keyId }),
    );
    expect(await signAll(key, [ALPHA, BRAVO])).toBe(LIMIT - 1);
  });

  test('3-of-5: one of them dead, one restored, one more repaired or restored', async () => {
    const key = await makeKey({ count: 5, needed: 3 });
    const old = [await backUp(key, ALPHA), await backUp(key, BRAVO)];
    await sign(key, [ALPHA, BRAVO, CHARLIE], 1);
    now += 1;
    await bringBack(key, ALPHA, old[0]!);
    await tellCounts(key, ALPHA, [BRAVO, CHARLIE, DELTA]);
    await bringBack(key, BRAVO, old[1]!);
    await tellCounts(key, BRAVO, [ALPHA, CHARLIE, DELTA]);
    expect(await signAll(key, [ALPHA, BRAVO, DELTA])).toBeGreaterThan(0);
  });
});
