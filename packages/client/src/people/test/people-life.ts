import { parseVote, type Parameters, type RequestReply, type SignedVoucher } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { readVoucher } from '../../contacts/papers.js';
import type { NetworkServer } from '../../test/test-network.js';
import {
  createFamily,
  DAY,
  EVERYBODY,
  type Family,
  type FamilyDevice,
  PEOPLE,
  type PersonName,
  type Place,
} from './family.js';

/** What somebody has said last of a request, as one server has taken it. */
export interface Said {
  readonly serial: number;
  readonly verdict: 'yes' | 'no' | 'takeBack';
  /** UnixSeconds. */
  readonly expiresAt: number;
}

/** A share that left a server for the first time. */
export interface Release {
  readonly server: string;
  readonly requestId: string;
  readonly isAsked: boolean;
  /** When the server let the request in, and when the share left it. UnixSeconds. */
  readonly letInAt: number;
  /** Who had ever said yes there, and who still did. */
  readonly saidYes: readonly PersonName[];
  readonly yes: readonly PersonName[];
  readonly isFrozen: boolean;
}

/** What has been done at one server, as those know who did it. */
export interface ServerState {
  /** Devices that it has heard are out, by name. */
  readonly out: Set<string>;
  /** When it let each device in, in seconds that servers ran. */
  readonly cameAt: Map<string, number>;
  /** UnixSeconds. */
  frozenUntil: number;
  /** By request, by person. */
  readonly said: Map<string, Map<PersonName, Said>>;
  readonly saidYes: Map<string, Set<PersonName>>;
  /** By request: when it was let in, and whether a share has left. */
  readonly letIn: Map<string, number>;
  readonly released: Set<string>;
}

/** A recovery that somebody began at one server. `since`: in seconds that servers ran. */
export interface Case {
  readonly server: string;
  readonly by: Place;
  readonly since: number;
}

/** A family, all that has happened to it, and what everybody should know by now. */
export interface PeopleLife {
  readonly family: Family;
  readonly at: Map<string, ServerState>;
  /** By name; those that a thief has are the owner’s no more. */
  readonly devices: Map<string, FamilyDevice>;
  readonly stolen: Set<string>;
  readonly releases: Release[];
  /** Seconds that the servers ran. */
  ran: number;
  /** When any server last heard the owner, in seconds that servers ran. */
  readonly heardAt: Map<string, number>;
  /** Recoveries that wait, and those that somebody said no to. */
  readonly cases: Case[];
  readonly vetoed: Case[];
  /** The version of the terms that each server had last. */
  readonly terms: Map<string, number>;
  /** How many tighter terms anybody has proposed. */
  tightened: number;
  /** Looser ones, by their matters: since when two people had said yes somewhere, in seconds that servers ran. */
  readonly loosened: Map<string, number | null>;
  /** Vouchers of the friend for somebody who never shows them, by server. */
  readonly strayVouchers: Map<string, SignedVoucher>;
  readonly backups: Map<string, { readonly folder: string; readonly state: ServerState }>;
  /** Servers whose database was put back in this step. */
  readonly restored: Set<string>;
  pass(seconds: number): Promise<void>;
  state(server: Pick<NetworkServer, 'name'>): ServerState;
  backUp(server: NetworkServer): Promise<void>;
  restore(server: NetworkServer): Promise<boolean>;
  /** A server is away while something is done. */
  without<T>(server: NetworkServer | null, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const none = (): ServerState => ({
  out: new Set(),
  cameAt: new Map(),
  frozenUntil: 0,
  said: new Map(),
  saidYes: new Map(),
  letIn: new Map(),
  released: new Set(),
});

export async function createPeopleLife(): Promise<PeopleLife> {
  const family = await createFamily();
  const { network } = family;
  const at = new Map(network.servers.map(({ name }) => [name, none()]));
  const life: PeopleLife = {
    family,
    at,
    devices: new Map([['laptop', family.laptop]]),
    stolen: new Set(),
    releases: [],
    ran: 0,
    heardAt: new Map(network.servers.map(({ name }) => [name, 0])),
    cases: [],
    vetoed: [],
    terms: new Map(),
    tightened: 0,
    loosened: new Map(),
    strayVouchers: new Map(),
    backups: new Map(),
    restored: new Set(),
    async pass(seconds) {
      await family.pass(seconds);
      life.ran += seconds;
    },
    state: ({ name }) => at.get(name)!,
    async backUp(server) {
      const folder = await family.backUp(server);
      life.backups.set(server.name, { folder, state: structuredClone(life.state(server)) });
    },
    async restore(server) {
      const backup = life.backups.get(server.name);
      if (backup === undefined) return false;
      await family.restore(server, backup.folder);
      const { released, letIn } = life.state(server);
      // What left it has left it, whatever it remembers.
      at.set(server.name, { ...structuredClone(backup.state), released, letIn });
      life.restored.add(server.name);
      return true;
    },
    async without(server, work) {
      if (server !== null) network.cut(server.name);
      try {
        return await work();
      } finally {
        if (server !== null) server.wire = null;
      }
    },
    close: () => family.close(),
  };
  // Whoever has been there for long is not young.
  for (const state of at.values()) state.cameAt.set('laptop', -365 * DAY);
  const stray = family.newcomer();
  for (const { name: server, url } of network.servers) {
    await stray.run((client) => client.beginRecovery({ name: server, url }));
    const request = await stray.run((client) => client.requestVoucher(server, 'recovery'));
    life.strayVouchers.set(server, readVoucher(await family.voucher(request)));
  }
  for (const server of network.servers) watch(life, server);
  return life;
}

/** Sees whatever clients ask one server, and what leaves it. */
function watch(life: PeopleLife, server: NetworkServer): void {
  server.tamper = async ({ name, parameters }, honest) => {
    const state = life.state(server);
    if (name === 'request.ask') {
      const { votes = [] } = parameters as Parameters<'request.ask'>;
      noteVotes(life, server, votes);
    }
    const answer = await honest();
    if (name === 'alive.carry') life.heardAt.set(server.name, life.ran);
    if (name !== 'request.ask') return answer;
    const { requestId, payload } = parameters as Parameters<'request.ask'>;
    const id = encodeHex(requestId);
    const { now } = life.family.network;
    if (!state.letIn.has(id)) state.letIn.set(id, now);
    if ((answer as RequestReply).state === 'answered' && !state.released.has(id)) {
      state.released.add(id);
      life.releases.push({
        server: server.name,
        requestId: id,
        isAsked: new TextDecoder().decode(payload).includes('asked'),
        letInAt: state.letIn.get(id)!,
        saidYes: [...(state.saidYes.get(id) ?? [])],
        yes: yesAt(life, server, id),
        isFrozen: state.frozenUntil > now,
      });
    }
    return answer;
  };
}

/** Remembers what a server was given, as far as it takes it: of each person what has the highest serial. */
export function noteVotes(
  life: PeopleLife,
  server: Pick<NetworkServer, 'name'>,
  votes: readonly Uint8Array[],
): void {
  const { said, saidYes } = life.state(server);
  for (const bytes of votes) {
    const { statement } = parseVote(bytes);
    const who = EVERYBODY.find((name) => equalBytes(PEOPLE[name].xid, statement.approver));
    if (who === undefined) continue;
    const id = encodeHex(statement.matterId);
    const of = said.get(id) ?? new Map<PersonName, Said>();
    said.set(id, of);
    const { serial, verdict, expiresAt } = statement;
    if (verdict === 'yes') saidYes.set(id, (saidYes.get(id) ?? new Set()).add(who));
    if ((of.get(who)?.serial ?? 0) < serial) of.set(who, { serial, verdict, expiresAt });
  }
}

/** Who has said yes to something at a server, and still says so. */
export function yesAt(
  life: PeopleLife,
  server: Pick<NetworkServer, 'name'>,
  id: string,
): readonly PersonName[] {
  const said = life.state(server).said.get(id) ?? new Map<PersonName, Said>();
  const { now } = life.family.network;
  return [...said].flatMap(([who, { verdict, expiresAt }]) =>
    verdict === 'yes' && expiresAt >= now ? [who] : [],
  );
}

/** Whatever is refused is refused in words. @throws what is a defect of ours */
export async function refusedOr<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    const isRefusal = error instanceof CkmError && error.errorClass !== 'BugError';
    if (isRefusal || (error as Error).message === 'this device is not there') return null;
    throw error;
  }
}
