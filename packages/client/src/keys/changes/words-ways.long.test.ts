// @module-tag long
import { encodeHex } from '@ckm/foundation';
import { createKeyDesk } from '@ckm/server/test';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { heard } from '../../test/heard.js';
import { keepMoment, type Moment } from '../../test/moments.js';
import { createOwnedKey, NAME, type OwnedKey, requorum, signersOf } from '../../test/owned-key.js';
import { ownerClient } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import {
  formatWordsWays,
  WORDS_FATES,
  WORDS_STAGE_NAMES,
  WORDS_STAGES,
  WORDS_WAYS,
  type WordsFate,
  type WordsStage,
} from '../../test/words-ways.js';
import type { ChangedKey } from './carry-change.js';

const DAY = 86_400;
/** Seconds: longest step between two looks of a server at its clock that counts as time in which it ran. */
const STEP = 1_200;
/** Seven days, and what a server that begins again from its disk has not noted of the last minutes. */
const WAITED = 7 * DAY + 3_600;
const STRUCK = 'bravo';
const GONE = ['charlie', 'delta'];
const ARGS = { name: NAME, wish: requorum(2, ['alpha', STRUCK, 'echo']), byWords: true };
const MOST_TRIES = 8;

let key: OwnedKey;
let client: Client;
let born: Moment;
let groupKey: string;
const stages = new Map<WordsStage, Moment>();
const clients: Client[] = [];

/** What is cut so that the command ends there. */
const ENDS_AT: Readonly<Record<WordsStage, readonly (readonly [string, string])[]>> = {
  ordered: [],
  ripe: [],
  promised: [['echo', 'session.propose']],
  locked: [[STRUCK, 'change.yield']],
  certified: ['alpha', STRUCK, 'echo'].map((name) => [name, 'change.commit'] as const),
};

beforeAll(async () => {
  key = await createOwnedKey({ servers: ['alpha', STRUCK, ...GONE], count: 5 });
  groupKey = encodeHex((await key.client.showKey(NAME)).public.groupKey);
  await key.client.addServer({ name: 'echo', url: key.network.server('echo').url }).catch(() => undefined);
  born = await keepMoment(key.network, key.store);
  for (const stage of WORDS_STAGE_NAMES) {
    const from = stage === 'ordered' ? born : stages.get(stage === 'ripe' ? 'ordered' : 'ripe')!;
    const records = await from.back();
    cutGone();
    const owner = clientOf(records);
    if (stage === 'ripe') await pass(WAITED);
    else {
      for (const [name, called] of ENDS_AT[stage]) key.network.cut(name, called as never);
      expect((await heard(owner.changeKey(ARGS))).code).not.toBeNull();
    }
    stages.set(stage, await keepMoment(key.network, records));
  }
}, 300_000);
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const moment of [born, ...stages.values()]) moment.drop();
  await key.close();
});

function cutGone(): void {
  for (const name of GONE) key.network.cut(name);
}

function clientOf(store: ClientStore): Client {
  const opened = ownerClient(key.network.send, () => key.network.now, { store });
  clients.push(opened);
  return opened;
}

async function pass(seconds: number): Promise<void> {
  const running = key.network.servers.filter(({ name }) => !GONE.includes(name));
  for (let left = seconds; left > 0; left -= STEP) {
    key.network.now += Math.min(left, STEP);
    for (const { bare } of running) await bare.sessions.sweep();
  }
}

async function backTo(stage: WordsStage, fate: WordsFate): Promise<void> {
  const { network } = key;
  client = clientOf(await stages.get(stage)!.back());
  cutGone();
  if (fate === 'older') await born.restore(STRUCK);
  if (fate === 'gone') network.cut(STRUCK);
  if (fate === 'back') network.makeHonest();
  if (fate === 'taken back') {
    const [order] = (await client.openOrders({ name: NAME })).orders;
    await clientOf(await stages.get(stage)!.back()).cancelOrder(order!);
    cutGone();
  }
  if (fate !== 'refused') return;
  const { changeDesk } = network.server(STRUCK).bare.sessions;
  await changeDesk.reject((await changeDesk.list()).changes[0]!, 'the owner sounded strange');
}

/** The operator of the server that was put back says how far the key is. */
async function release(): Promise<void> {
  const { bare } = key.network.server(STRUCK);
  const { keyId } = await client.showKey(NAME);
  await createKeyDesk(bare).release(encodeHex(keyId), null);
}

/** The same command, until it is through, over, or says the same once more. */
async function goOn(): Promise<{ readonly says: readonly string[]; readonly changed: ChangedKey | null }> {
  const says: string[] = [];
  while (says.length < MOST_TRIES) {
    const { done, code } = await heard(client.changeKey(ARGS));
    if (code === null) return { says, changed: done as ChangedKey };
    if (code === says.at(-1) && code !== 'CHANGE_VOTES_TOO_FEW') break;
    says.push(code);
    if (code === 'CHANGE_OVER' || code === 'SERVERS_MISSING') break;
    if (code === 'CHANGE_WAITING') await pass(WAITED);
    else if (code === 'KEY_HEAD_UNKNOWN') await release();
    else key.network.now += 600;
  }
  return { says, changed: null };
}

const ALL = WORDS_WAYS.flatMap(({ at, fates, ...way }) =>
  at.flatMap((stage) => fates.map((fate) => ({ at: stage, fate, ...way }))),
);

describe('an order by the words has a way on or a way out', () => {
  test.each(ALL)(
    'when it is $at, and fate of those left is: $fate',
    async ({ at, fate, says, ends }) => {
      await backTo(at, fate);
      const came = await goOn();
      expect(came.says).toEqual(says);
      if (ends === 'on' || ends === 'repair') {
        expect(came.changed).toMatchObject({ epoch: 1, mayFork: true, isAsOrdered: true });
        if (fate !== 'gone') expect((await client.verifyKey(NAME)).isSound).toBe(ends === 'on');
      } else {
        expect((await client.showKey(NAME)).newest.params.epoch).toBe(0);
      }
      if (ends === 'over') {
        const again = fate === 'taken back' ? 'CHANGE_WAITING' : 'CHANGE_OVER';
        expect((await heard(client.changeKey(ARGS))).code).toBe(again);
      }
      key.network.makeHonest();
      if (ends === 'wait') expect((await goOn()).changed).toMatchObject({ epoch: 1, mayFork: true });
      cutGone();
      expect(await signersOf(client, { text: 'still' })).toHaveLength(2);
      expect(encodeHex((await client.showKey(NAME)).public.groupKey)).toBe(groupKey);
    },
    240_000,
  );

  test('as docs/ceremonies.md prints it', () => {
    expect(missingOnPage([asList(WORDS_STAGES), asList(WORDS_FATES), formatWordsWays()])).toEqual([]);
  });
});
