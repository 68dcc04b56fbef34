// @module-tag long
import { encodeHex } from '@ckm/foundation';
import { createKeyDesk } from '@ckm/server/test';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import {
  FREEZE_FATES,
  FREEZE_STAGE_NAMES,
  FREEZE_STAGES,
  FREEZE_WAYS,
  type FreezeFate,
  type FreezeStage,
  formatFreezeWays,
} from '../../test/freeze-ways.js';
import { codeOf } from '../../test/heard.js';
import { keepMoment, type Moment } from '../../test/moments.js';
import { createOwnedKey, NAME, type OwnedKey, signersOf } from '../../test/owned-key.js';
import { ownerClient } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import type { KeyFreeze } from './freeze-key.js';

const HOUR = 3_600;
const DAY = 86_400;
const STRUCK = 'bravo';

let key: OwnedKey;
let client: Client;
let born: Moment;
const stages = new Map<FreezeStage, Moment>();
const clients: Client[] = [];

beforeAll(async () => {
  key = await createOwnedKey();
  born = await keepMoment(key.network, key.store);
  for (const stage of FREEZE_STAGE_NAMES) {
    const records = await born.back();
    await bringTo(clientOf(records), stage);
    key.network.makeHonest();
    stages.set(stage, await keepMoment(key.network, records));
  }
}, 120_000);
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const moment of [born, ...stages.values()]) moment.drop();
  await key.close();
});

function clientOf(store: ClientStore): Client {
  const { network } = key;
  const opened = ownerClient(network.send, () => network.now, { store });
  clients.push(opened);
  return opened;
}

async function bringTo(owner: Client, stage: FreezeStage): Promise<void> {
  const { network } = key;
  const away = stage === 'few' ? [STRUCK, 'charlie'] : stage === 'stopped' ? ['charlie'] : [];
  for (const name of away) network.cut(name);
  const { isStopped } = await owner.freezeKey(NAME, stage === 'used up' ? 7 * DAY : HOUR);
  expect(isStopped).toBe(stage !== 'few');
  network.now += 60;
  if (stage === 'asked' || stage === 'thawed') await owner.thawKey(NAME);
  if (stage === 'thawed') await thawAt('alpha', STRUCK);
  if (stage === 'passed') network.now += HOUR;
  if (stage === 'used up') network.now += 7 * DAY;
}

/** Their operators end it. */
async function thawAt(...names: readonly string[]): Promise<void> {
  const { keyId } = await key.client.showKey(NAME);
  for (const name of names) await createKeyDesk(key.network.server(name).bare).thaw(encodeHex(keyId), null);
}

async function backTo(stage: FreezeStage, fate: FreezeFate): Promise<void> {
  client = clientOf(await stages.get(stage)!.back());
  if (fate === 'older') await born.restore(STRUCK);
  if (fate === 'gone') key.network.cut(STRUCK);
}

const signs = async (text: string) => (await codeOf(signersOf(client, { text }))) === null;

/** Those that say that they have it, and answer. */
function holding({ servers }: KeyFreeze): readonly string[] {
  return servers.flatMap(({ server, verdict }) => (verdict === 'frozen' ? [server] : []));
}

const ALL = FREEZE_WAYS.flatMap(({ at, fates, ...way }) =>
  at.flatMap((stage) => fates.map((fate) => ({ at: stage, fate, ...way }))),
);

describe('a freeze has a way on or a way out', () => {
  test.each(ALL)('when it is $at, and a server is $fate', async ({ at, fate, isStopped, ends }) => {
    const { network } = key;
    await backTo(at, fate);
    expect(await signs('before')).toBe(!isStopped);
    const stated = (await client.freezeKey(NAME, null)).until!;
    const again = await client.freezeKey(NAME, null);
    expect([again.isStopped, again.until]).toEqual([ends !== 'no', stated]);
    expect(await signs('frozen')).toBe(ends === 'no');
    if (ends === 'no') {
      const said = again.servers.filter(({ verdict }) => verdict === 'refused');
      expect(said.map(({ code }) => code)).toContain('FREEZE_USED_UP');
      network.now += 30 * DAY;
      network.makeHonest();
      expect(await client.freezeKey(NAME, HOUR)).toMatchObject({ isStopped: true });
      return;
    }
    // Out before its end: its operators. They are asked, and each ends it for his own server.
    expect(holding(await client.thawKey(NAME))).toEqual(holding(again));
    await thawAt(...holding(again));
    expect(await signs('thawed')).toBe(true);
    // Or by itself.
    await backTo(at, fate);
    const { until } = await client.freezeKey(NAME, null);
    expect(until! - network.now).toBe(ends === 'same' ? HOUR - 60 : 72 * HOUR);
    network.now = until!;
    expect(await signs('over')).toBe(true);
  });

  test('every stage is in the table with every fate', () => {
    for (const stage of FREEZE_STAGE_NAMES) {
      const fates = FREEZE_WAYS.filter(({ at }) => at.includes(stage)).flatMap((one) => one.fates);
      expect(fates.toSorted()).toEqual(Object.keys(FREEZE_FATES).toSorted());
    }
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [FREEZE_STAGES, FREEZE_FATES].map(asList);
  expect(missingOnPage([...lists, formatFreezeWays()])).toEqual([]);
});
