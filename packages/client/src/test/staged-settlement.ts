import { encodeHex } from '@ckm/foundation';
import type { Client } from '../client.js';
import { listSettlements, type SettlementRecord } from '../keys/forks/settlement-record.js';
import { loseShare } from './disks.js';
import { createForkedKey, type ForkedKey } from './forked-key.js';
import { codeOf } from './heard.js';
import { keepMoment, type Moment } from './moments.js';
import { approveChanges } from './operators.js';
import { type Machine, NAME } from './owned-key.js';
import { LOOK, runAlone } from './run-alone.js';
import type { SettleFate, SettleRole, SettleStage, SettleState, SettleTime } from './settle-ways.js';
import { ownerClient, recordsOf, type TestNetwork } from './test-network.js';

/**
 * The servers of a forked key in each role. By the certificate that is to count alpha, bravo, charlie and delta hold it, by the other one bravo, charlie and
 * echo; alpha and bravo settle.
 */
export const WHO: Readonly<Record<SettleRole, string>> = {
  settles: 'bravo',
  holds: 'delta',
  twice: 'charlie',
  dies: 'echo',
};

const DAY = 86_400;

/** A forked key, and settling which of its two certificates counts, brought to each stage once. */
export interface StagedSettlement {
  readonly network: TestNetwork;
  /** Hex */
  readonly groupKey: string;
  /** Everybody as when it had come so far. @returns a machine of the owner; whoever asks closes its client */
  at(stage: SettleStage): Promise<Machine>;
  /** Something becomes of a server, of all, or of the order. */
  befall(state: SettleState): Promise<void>;
  /** A machine of the owner that went on by the other certificate, and knows of no order. */
  other(): Promise<Machine>;
  close(): Promise<void>;
}

export async function createStagedSettlement(): Promise<StagedSettlement> {
  const key = await createForkedKey({ changes: 'operator', changeDelay: 0 });
  const { network, one } = key;
  const { keyId, public: half } = await one.client.showKey(NAME);
  const forked = await keepMoment(network, one.store);
  const stages = new Map<SettleStage, Moment>([['forked', forked]]);
  const machineWith = (store: Machine['store']): Machine => ({
    client: ownerClient(network.send, () => network.now, { store }),
    store,
  });

  async function momentOf(stage: SettleStage): Promise<Moment> {
    const known = stages.get(stage);
    if (known !== undefined) return known;
    const machine = machineWith(await forked.back());
    await bringTo(network, machine.client, stage);
    await machine.client.close();
    assertIsAt(stage, await listSettlements(recordsOf(machine.store), keyId));
    const moment = await keepMoment(network, machine.store);
    stages.set(stage, moment);
    return moment;
  }

  return {
    network,
    groupKey: encodeHex(half.groupKey),
    at: async (stage) => machineWith(await (await momentOf(stage)).back()),
    befall: (state) => befall(key, forked, state),
    other: () => key.another(key.other),
    async close() {
      for (const moment of stages.values()) moment.drop();
      await key.close();
    },
  };
}

async function bringTo(network: TestNetwork, client: Client, stage: SettleStage): Promise<void> {
  const settle = () => codeOf(client.settleKey({ name: NAME }));
  const first = await settle();
  if (first !== 'CHANGE_WAITING')
    throw new Error(`settling does not wait for operators: ${first ?? 'it is done'}`);
  if (stage === 'asked') return;
  await approveChanges(network);
  if (stage === 'ordered') return;
  holdAt(network, stage);
  await settle();
  network.makeHonest();
}

/** Who keeps silent about what, so that it gets there and no further. */
function holdAt({ servers, cut }: TestNetwork, stage: SettleStage): void {
  const all = servers.map(({ name }) => name);
  if (stage === 'promised') all.forEach((name) => cut(name, 'change.lock'));
  if (stage === 'locked') cut(WHO.settles, 'change.yield');
  if (stage === 'settled') all.forEach((name) => cut(name, 'fork.end'));
  if (stage === 'told') [WHO.settles, WHO.holds, WHO.twice].forEach((name) => cut(name, 'fork.end'));
}

/** Its try, whether it is settled, and whether anybody has heard of that. */
const FAR: Readonly<Record<SettleStage, string>> = {
  forked: '',
  asked: 'open 0 false 0',
  ordered: 'open 0 false 0',
  promised: 'open 1 false 0',
  locked: 'open 1 false 0',
  settled: 'open 1 true 0',
  told: 'open 1 true 1',
};

function assertIsAt(stage: SettleStage, records: readonly SettlementRecord[]): void {
  const far = records
    .map(({ state, attempt, votes, told }) => [state, attempt, votes !== null, told.length].join(' '))
    .join('; ');
  if (far !== FAR[stage]) throw new Error(`settling is at ${far}, and not ${stage}: ${FAR[stage]}`);
}

async function befall(key: ForkedKey, forked: Moment, state: SettleState): Promise<void> {
  const { network } = key;
  if (!isTime(state)) return befallOne(network, forked, ...partsOf(state));
  if (state === 'late') network.now += 8 * DAY;
  if (state === 'long') network.now += 30 * DAY;
  if (state === 'overdue') await runAlone(network, 'alpha', 7 * DAY + LOOK);
  if (state === 'taken back') await (await key.another(key.other)).client.cancelSettlement(NAME);
}

async function befallOne(
  network: TestNetwork,
  forked: Moment,
  role: SettleRole,
  fate: SettleFate,
): Promise<void> {
  const name = WHO[role];
  const server = network.server(name);
  if (fate === 'older') return forked.restore(name);
  if (fate === 'gone') return network.cut(name);
  if (fate === 'lost') return loseShare(server);
  const { voidOpen, changeDesk } = server.bare.sessions;
  if (fate === 'ended') await voidOpen('the database is an older one');
  else for (const one of (await changeDesk.list()).changes) await changeDesk.reject(one, 'not with me');
}

export function isTime(state: SettleState): state is SettleTime {
  return !/^(settles|holds|twice|dies) /.test(state);
}

/** Which server, and what has become of it. */
export function partsOf(state: SettleState): [SettleRole, SettleFate] {
  return state.split(' ') as [SettleRole, SettleFate];
}
