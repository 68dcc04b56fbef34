import { encodeHex } from '@ckm/foundation';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import type { ChangeRecord } from '../keys/chain/change-record.js';
import type { ChangeFate, ChangeRole, ChangeStage, ChangeState, ChangeTime } from './change-ways.js';
import { codeOf } from './heard.js';
import { keepMoment, type Moment } from './moments.js';
import { approveChanges } from './operators.js';
import { createOwnedKey, NAME } from './owned-key.js';
import { LOOK, runAlone } from './run-alone.js';
import { type NetworkServer, ownerClient, type TestNetwork, unreachable } from './test-network.js';

/** One server that stays besides alpha, the one that leaves, and the one that joins in its place. */
export const WHO = { stays: 'bravo', leaves: 'charlie', joins: 'delta' } as const;
export const WISH = { kind: 'replace-server', server: WHO.leaves, by: WHO.joins } as const;

const DAY = 86_400;
/** Nothing comes by itself while a command waits. */
const ONE_WAIT_MS = 150;

/** A key of three servers, a fourth, and a change of them that is brought to each stage once. */
export interface StagedChange {
  readonly network: TestNetwork;
  /** Hex */
  readonly groupKey: string;
  /** Everybody as when the change had come so far. @returns a client of its owner; whoever asks closes it */
  at(stage: ChangeStage): Promise<Client>;
  /** Something becomes of a server, or of all. */
  befall(state: ChangeState): Promise<void>;
  close(): Promise<void>;
}

export async function createStagedChange(recovery: 'epoch' | 'static'): Promise<StagedChange> {
  const { network, client, store, close } = await createOwnedKey({
    count: 4,
    policy: { changes: 'operator', changeDelay: 0, recovery },
    settings: { backup: recovery },
    client: { timeoutMs: ONE_WAIT_MS },
  });
  const groupKey = encodeHex((await client.showKey(NAME)).public.groupKey);
  const born = await keepMoment(network, store);
  const stages = new Map<ChangeStage, Moment>();
  const clientOf = (records: ClientStore) =>
    ownerClient(network.send, () => network.now, { store: records, timeoutMs: ONE_WAIT_MS });

  async function momentOf(stage: ChangeStage): Promise<Moment> {
    const known = stages.get(stage);
    if (known !== undefined) return known;
    const records = await born.back();
    const mover = clientOf(records);
    await bringTo(network, mover, stage);
    await mover.close();
    const moment = await keepMoment(network, records);
    stages.set(stage, moment);
    return moment;
  }

  return {
    network,
    groupKey,
    at: async (stage) => clientOf(await (await momentOf(stage)).back()),
    befall: (state) => befall(network, born, state),
    async close() {
      for (const moment of [born, ...stages.values()]) moment.drop();
      await close();
    },
  };
}

async function bringTo(network: TestNetwork, client: Client, stage: ChangeStage): Promise<void> {
  const order = () => codeOf(client.changeKey({ name: NAME, wish: WISH }));
  const first = await order();
  if (first !== 'CHANGE_WAITING')
    throw new Error(`the change does not wait for operators: ${first ?? 'it is done'}`);
  await approveChanges(network);
  if (stage !== 'ordered') {
    holdAt(network, stage);
    await order();
    network.makeHonest();
  }
  const [change] = await client.listChanges();
  const [far, wanted] = [farOf(change!), FAR[stage]].map((one) => one.join(' '));
  if (far !== wanted) throw new Error(`the change is at ${far}, and not ${stage}: ${wanted}`);
}

/** Who keeps silent about what, so that the change gets there and no further. */
function holdAt({ servers, cut }: TestNetwork, stage: Exclude<ChangeStage, 'ordered'>): void {
  const all = servers.map(({ name }) => name);
  const others = all.filter((name) => name !== 'alpha');
  switch (stage) {
    case 'promised':
      return all.forEach((name) => cut(name, 'session.propose'));
    case 'moving':
      return [WHO.stays, WHO.joins].forEach((name) => cut(name, 'session.deliver'));
    case 'signed':
      return all.forEach((name) => cut(name, 'change.lock'));
    case 'locked':
      return others.forEach((name) => cut(name, 'change.yield'));
    case 'certified':
      return all.forEach((name) => cut(name, 'change.commit'));
    case 'stored':
      return others.forEach((name) => cut(name, 'change.commit'));
    case 'entered':
      return servers.forEach((server) => keepOut(server, server.name === 'alpha'));
    case 'retiring':
      return others.forEach((name) => cut(name, 'change.retire'));
  }
}

/** It stores the certificate, and goes over only if it may; nobody destroys anything. */
function keepOut(server: NetworkServer, mayEnter: boolean): void {
  server.tamper = ({ name, parameters }, honest) => {
    const { acknowledgements = [] } = parameters as { acknowledgements?: readonly unknown[] };
    const isEntering = name === 'change.commit' && acknowledgements.length > 0;
    const isLost = name === 'change.retire' || (isEntering && !mayEnter);
    return isLost ? Promise.reject(unreachable(server.name)) : honest();
  };
}

/** Its try, whether all have signed, whether it is decided, how many have stored that, and how many have gone over. */
function farOf({ attempt, signed, certificate, acknowledgements, entered }: ChangeRecord) {
  return [attempt, signed !== null, certificate !== null, acknowledgements.length, entered.length];
}

const FAR: Readonly<Record<ChangeStage, readonly (number | boolean)[]>> = {
  ordered: [0, false, false, 0, 0],
  promised: [1, false, false, 0, 0],
  moving: [1, false, false, 0, 0],
  signed: [1, true, false, 0, 0],
  locked: [1, true, false, 0, 0],
  certified: [1, true, true, 0, 0],
  stored: [1, true, true, 1, 0],
  entered: [1, true, true, 3, 1],
  retiring: [1, true, true, 3, 4],
};

async function befall(network: TestNetwork, born: Moment, state: ChangeState): Promise<void> {
  if (isTime(state)) {
    if (state === 'late') network.now += 30 * DAY;
    if (state === 'overdue') await runAlone(network, 'alpha', 7 * DAY + LOOK);
  } else if (state === 'two older') {
    for (const name of [WHO.stays, WHO.joins]) await born.restore(name);
  } else await befallOne(network, born, ...partsOf(state));
}

async function befallOne(
  network: TestNetwork,
  born: Moment,
  role: ChangeRole,
  fate: ChangeFate,
): Promise<void> {
  const name = WHO[role];
  if (fate === 'older' || fate === 'derives') return born.restore(name);
  if (fate === 'gone') return network.cut(name);
  const { voidOpen, changeDesk } = network.server(name).bare.sessions;
  if (fate === 'ended') await voidOpen('the database is an older one');
  else for (const one of (await changeDesk.list()).changes) await changeDesk.reject(one, 'not with me');
}

export function isTime(state: ChangeState): state is ChangeTime {
  return !state.includes(' ');
}

/** Which server, and what has become of it. */
export function partsOf(state: ChangeState): [ChangeRole, ChangeFate] {
  return state.split(' ') as [ChangeRole, ChangeFate];
}
