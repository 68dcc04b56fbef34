// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseTerms,
  type RequestReply,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BareCaller } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../sessions/test/bare-servers.js';
import { codeOf, DAY, following, peopleTerms, termsVote } from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());
const random = () => new Uint8Array(randomBytes(32));
const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';
const ROUNDS = 6;

describe.skipIf(!isHere)(`alpha as two replicas on one PostgreSQL, bravo alone${reason}`, () => {
  let cluster: PostgresCluster;
  const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 120_000);
  afterAll(async () => {
    await cluster.stop();
    rmSync(epochKeys, { recursive: true, force: true });
  });

  async function open() {
    const shared = {
      name: 'alpha',
      databaseUrl: await cluster.createDatabase(),
      seed: random(),
      storageKey: random(),
      settings: { epochKeys, quota: { costPerMinute: 600_000 } },
    };
    const twins = [await network.open(shared), await network.open(shared)];
    const bravo = await (await network.open({ name: 'bravo' })).as(alice);
    const at = [await twins[0]!.as(alice), await twins[1]!.as(alice)] as [BareCaller, BareCaller];
    const { keyId, signer } = await makeKey([at[0], bravo]);
    const inForce = async () =>
      parseTerms((await at[0].call('terms.show', { keyId, after: null })).terms, REQUEST_FACTS);
    const change = async (content: (before: KeyTerms) => KeyTerms) => {
      const before = await inForce();
      const after = following(before, content(before));
      const statement = encodeTermsChange(changeOfTerms({ keyId, id: random() }, before, after));
      return { statement, terms: encodeTerms(after), votes: [] as Uint8Array[] };
    };
    return { at, keyId, signer, inForce, change, audience: [twins[0]!.context.identity.xid] };
  }

  test('of two changes to one version that come to both at once one is in force, and the other is refused', async () => {
    const { at, keyId, inForce, change } = await open();
    for (let round = 0; round < ROUNDS; round++) {
      const [one, other] = [
        await change((before) => ({ ...before, rateLimit: { count: 90 - 2 * round, perSeconds: DAY } })),
        await change((before) => ({ ...before, rateLimit: { count: 89 - 2 * round, perSeconds: DAY } })),
      ];
      const said = await Promise.all([
        codeOf(at[0].call('terms.propose', { keyId, ...one })),
        codeOf(at[1].call('terms.propose', { keyId, ...other })),
      ]);
      expect(said.toSorted()).toEqual(['OK', 'TERMS_TWICE']);
      const { version, rateLimit } = await inForce();
      expect(version).toBe(round + 1);
      expect(rateLimit?.count).toBe(said[0] === 'OK' ? 90 - 2 * round : 89 - 2 * round);
    }
  }, 300_000);

  test('of a last yes and a veto that come to both at once one counts, and both replicas say which', async () => {
    const { at, keyId, inForce, change, audience } = await open();
    const first = await change((before) =>
      peopleTerms(before, {
        change: { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: 30 * DAY },
      }),
    );
    await at[0].call('terms.propose', { keyId, ...first });
    for (let round = 0; round < ROUNDS; round++) {
      const before = await inForce();
      const link = await change((now) => ({ ...now, expiresAt: 1_900_000_000 + round }));
      const { waiting } = await at[0].call('terms.propose', { keyId, ...link });
      const votes = ['ann', 'bob'].map((name) => termsVote(name, link, audience));
      const said = await Promise.all([
        codeOf(at[0].call('terms.propose', { keyId, ...link, votes })),
        codeOf(at[1].call('terms.veto', { keyId, change: waiting!.change, votes: [] })),
      ]);
      const { version, over } = await at[1].call('terms.show', { keyId, after: null });
      const isInForce = version === (before.version ?? 0) + 1;
      expect(said).toEqual(isInForce ? ['OK', 'TERMS_CHANGE_UNKNOWN'] : ['TERMS_CHANGE_OVER', 'OK']);
      expect(over === null).toBe(isInForce);
      expect((await at[0].call('terms.show', { keyId, after: null })).version).toBe(version);
    }
  }, 300_000);

  test('P7: of shares that are asked for at one while the other hears of tighter terms each leaves by some terms, and behind them none does', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { at, keyId, signer, change } = await open();
      const once = await change((before) => ({ ...before, rateLimit: { count: 1, perSeconds: DAY } }));
      const ask = async (text: string) => {
        const asked = { ...messageOf(text), requestId: random(), keyId, epoch: 0, expiresAt: SOON };
        const attempt = await signer.prepare([1, 2]);
        return () => stateOf(at[0].call('request.ask', { ...asked, attempt, wanted: null }));
      };
      const [one, other, later] = [await ask('one'), await ask('other'), await ask('later')];
      const tighten = () => codeOf(at[1].call('terms.propose', { keyId, ...once }));
      const deeds = [one, tighten, other];
      // Whichever comes first.
      const said = await Promise.all(deeds.map((_, i) => deeds[(i + round) % deeds.length]!()));
      expect(said.filter((state) => state === 'OK')).toHaveLength(1);
      const shares = said.filter((state) => state === 'answered').length;
      expect(shares).toBeGreaterThanOrEqual(1);
      expect(said.filter((state) => state === 'POLICY_RATE')).toHaveLength(2 - shares);
      expect(await later()).toBe('POLICY_RATE');
    }
  }, 300_000);
});

/** How far a request is, or the code with which it is refused. */
const stateOf = (request: Promise<RequestReply>): Promise<string> =>
  request.then(
    ({ state }) => state,
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
