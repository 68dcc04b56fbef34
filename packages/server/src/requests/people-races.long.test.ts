// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ballotOfThaw, type RequestAsk } from '@ckm/api';
import { type CkmError, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hashExport, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { createKeyDesk } from '../control/desks/key-desk.js';
import { type BareServer, TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey } from '../sessions/test/bare-servers.js';
import { join as joinExport, orderOf, propose, yesesOf } from '../sessions/test/export-courier.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import { ann, requesterOf, askingTerms, bob, voteOn } from '../votes/test/asked-people.js';

const network = createBareServers();
const hasPostgres = postgresPrograms() !== null;
const random = () => new Uint8Array(randomBytes(32));
/** Of each race: whichever comes first, both orders are seen with near certainty. */
const ROUNDS = 40;

const codeOf = (error: unknown) => (error as CkmError).code;

const OVER = ['VOTES_FINAL', 'MATTER_UNKNOWN'];

describe.each(hasPostgres ? ['SQLite', 'PostgreSQL, as two replicas'] : ['SQLite'])('on %s', (kind) => {
  const isReplicated = kind !== 'SQLite';
  let cluster: PostgresCluster | undefined;
  const folders: string[] = [];
  beforeAll(async () => {
    if (isReplicated) cluster = await startPostgres();
  }, 120_000);
  afterEach(() => network.close());
  afterAll(async () => {
    await cluster?.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** Alpha, by two doors where it has replicas, and bravo; a key that asks two of three. */
  async function open() {
    const url = await cluster?.createDatabase();
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      name: 'alpha',
      seed: random(),
      storageKey: random(),
      ...(url === undefined ? {} : { databaseUrl: url, settings: { epochKeys } }),
    };
    const first = await network.open(shared);
    const second = isReplicated ? await network.open(shared) : first;
    const bravo = await network.open({ name: 'bravo' });
    const callers = [await first.as(alice), await bravo.as(alice)];
    const change = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: null };
    const rules = { change, changes: 'automatic', changeDelay: 0 } as const;
    const policy = askingTerms(BY_DOMAIN, rules);
    const made = await makeKey(callers, { policy, exportable: true });
    return { ...made, first, second, bravo, callers, servers: [first, bravo] as const };
  }

  type Opened = Awaited<ReturnType<typeof open>>;

  /** A request to which ann and bob have said yes at alpha, an attempt at it, and what bob would take back. */
  async function readyToSign({ keyId, first, servers, signer }: Opened, text: string) {
    const ask = {
      requestId: random(),
      kind: 'message',
      payload: buildMessageRequest({ domain: 'asked', bytes: encodeUtf8(text) }),
    };
    const requester = requesterOf({ ...ask, keyId });
    const request = (more: Partial<RequestAsk>) => signer.request(1, ask, { requester, ...more });
    await request({});
    const named = { matter: 'request', matterId: ask.requestId, keyId, known: null } as const;
    const shown = await first.asAnybody(ann).call('approval.show', named);
    const votes = [ann, bob].map((who) => voteOn(who, shown, servers));
    expect(await request({ votes })).toMatchObject({ state: 'ready' });
    const attempt = await signer.prepare([1, 2]);
    const back = voteOn(bob, shown, servers, { serial: 2, verdict: 'takeBack' });
    return { ask, request, attempt, back };
  }

  test('P5: votes taken back between the answer and the commit release nothing: a word is counted, or told that it is too late', async () => {
    const opened = await open();
    const seen = { released: 0, kept: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const { request, attempt, back } = await readyToSign(opened, `round ${round}`);
      const give = (server: BareServer) => server.asAnybody(bob).call('approval.give', { votes: [back] });
      const isFirst = round % 2 === 0;
      const [given, reply] = isFirst
        ? await Promise.all([give(opened.second), request({ attempt })])
        : (await Promise.all([request({ attempt }), give(opened.second)])).toReversed();
      const { refused } = given as Awaited<ReturnType<typeof give>>;
      const { state } = reply as Awaited<ReturnType<typeof request>>;
      // Either the word came first and nothing was released, or the share did and the word was told so.
      if (state === 'answered') {
        expect(refused.map(({ code }) => code)).toEqual([expect.toBeOneOf(OVER)]);
        seen.released++;
      } else {
        expect(state).toBe('waiting');
        expect(refused).toEqual([]);
        seen.kept++;
      }
    }
    expect(seen.released + seen.kept).toBe(ROUNDS);
  }, 300_000);

  test('P5: a share leaves with an export, or the yes that was taken back holds it: never both', async () => {
    const opened = await open();
    const { keyId, certificate, first, second, bravo, servers, callers } = opened;
    const epoch = verifyFirstEpoch(parseCertificate(certificate));
    const world = { keyId, epoch, callers, expiresAt: TEST_TIME + 86_400 };
    const seen = { given: 0, held: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const order = orderOf(world);
      for (const slot of [1, 2]) await propose(world, slot, order);
      const matterId = hashExport(order.proposal, order.proposal);
      const named = { matter: 'export', matterId, keyId, known: null } as const;
      const shown = await first.asAnybody(ann).call('approval.show', named);
      const votes = [ann, bob].map((who) => voteOn(who, shown, servers));
      for (const server of [first, bravo]) await server.asAnybody(ann).call('approval.give', { votes });
      const yeses = await yesesOf(world, order, [1, 2]);
      const back = voteOn(bob, shown, servers, { serial: 2, verdict: 'takeBack' });
      const give = () => second.asAnybody(bob).call('approval.give', { votes: [back] });
      const give1 = () => joinExport(world, 1, order, yeses).then(({ state }) => state, codeOf);
      const isFirst = round % 2 === 0;
      const [given, state] = isFirst
        ? await Promise.all([give(), give1()])
        : await Promise.all([give1(), give()]).then(([one, other]) => [other, one] as const);
      const codes = given.refused.map(({ code }) => code);
      if (state === 'finished') {
        expect(codes).toEqual([expect.toBeOneOf(OVER)]);
        seen.given++;
      } else {
        expect([state, codes]).toEqual(['EXPORT_PEOPLE_MISSING', []]);
        seen.held++;
      }
      // One export of a key at a time.
      for (const caller of callers)
        await caller.call('session.cancel', { sessionId: order.sessionId, reason: 'next' });
    }
    expect(seen.given + seen.held).toBe(ROUNDS);
  }, 300_000);

  test('P5: a freeze ends, or the yes that was taken back keeps it: never both', async () => {
    const opened = await open();
    const { keyId, first, second, servers, callers } = opened;
    const desk = createKeyDesk(first);
    for (let round = 0; round < ROUNDS / 2; round++) {
      const freezeId = random();
      const freeze = { keyId, id: freezeId, from: TEST_TIME, until: TEST_TIME + 3_600 };
      await callers[0]!.call('key.freeze', freeze);
      await callers[0]!.call('key.thaw', { keyId });
      const { matterId } = ballotOfThaw({ keyId, freezeId }, { termsHash: keyId, expiresAt: 0 });
      const named = { matter: 'thaw', matterId, keyId, known: null } as const;
      const shown = await first.asAnybody(ann).call('approval.show', named);
      await first.asAnybody(ann).call('approval.give', { votes: [voteOn(ann, shown, servers)] });
      const [yes, back] = [1, 2].map((serial) =>
        voteOn(bob, shown, servers, { serial, verdict: serial === 1 ? 'yes' : 'takeBack' }),
      ) as [Uint8Array, Uint8Array];
      // By these terms the operator is not asked: the second yes ends it, unless it is taken back before it is counted.
      const give = (server: BareServer, vote: Uint8Array) =>
        server.asAnybody(bob).call('approval.give', { votes: [vote] });
      const [, taken] = await Promise.all([give(first, yes), give(second, back)]);
      const { frozen } = await desk.keyPolicy(encodeHex(keyId), null);
      if (frozen === null) expect(taken.refused.map(({ code }) => code)).toEqual(['MATTER_UNKNOWN']);
      else expect(taken.refused).toEqual([]);
      if (frozen !== null) {
        await give(first, voteOn(bob, shown, servers, { serial: 3 }));
        expect((await desk.keyPolicy(encodeHex(keyId), null)).frozen).toBeNull();
      }
    }
  }, 300_000);

  test('P11: a freeze that stands before the share keeps it back, however many have said yes', async () => {
    const opened = await open();
    const at = await opened.second.as(alice);
    const { keyId } = opened;
    const { request, attempt } = await readyToSign(opened, 'frozen');
    const freeze = { keyId, id: random(), from: TEST_TIME, until: TEST_TIME + 60 };
    const [frozen, reply] = await Promise.allSettled([at.call('key.freeze', freeze), request({ attempt })]);
    expect(frozen.status).toBe('fulfilled');
    if (reply.status === 'rejected') expect(codeOf(reply.reason)).toBe('POLICY_KEY_FROZEN');
    else expect(reply.value.state).toBe('answered');
    // From then on nothing is given, for this request or another attempt at it.
    const later = await request({ attempt: { ...attempt, number: 2 } }).then(({ state }) => state, codeOf);
    expect(later).toBe('POLICY_KEY_FROZEN');
  }, 120_000);

  test('two words of one person at once are one, whichever door they come by', async () => {
    const opened = await open();
    const { keyId, first, second, servers, signer } = opened;
    const ask = {
      requestId: random(),
      kind: 'message',
      payload: buildMessageRequest({ domain: 'asked', bytes: encodeUtf8('twice') }),
    };
    const requester = requesterOf({ ...ask, keyId });
    await signer.request(1, ask, { requester });
    const named = { matter: 'request', matterId: ask.requestId, keyId, known: null } as const;
    const shown = await first.asAnybody(ann).call('approval.show', named);
    const words = Array.from({ length: 12 }, (_, at) =>
      voteOn(ann, shown, servers, { serial: at + 1, verdict: at % 2 === 0 ? 'yes' : 'no' }),
    );
    const given = await Promise.all(
      words.map((vote, at) =>
        (at % 2 === 0 ? first : second).asAnybody(ann).call('approval.give', { votes: [vote] }),
      ),
    );
    const codes = given.flatMap(({ refused }) => refused.map(({ code }) => code));
    expect(new Set(codes).size).toBeLessThanOrEqual(1);
    expect(await signer.request(1, ask, { requester })).toMatchObject({
      state: 'waiting',
      people: { yes: [], no: ['ann'] },
    });
  }, 120_000);
});
