import { encodeHex, type Secret, StateError, wipe } from '@ckm/foundation';
import { type Identity, wipeIdentity, type Xid } from '@ckm/gordian';
import { type ChangeMemory, createChangeMemory } from '@ckm/threshold';
import { identityForServer } from '../seed/identity.js';
import type { ClockOffset } from '../servers/clock-difference.js';
import type { LastSeen } from '../servers/last-seen.js';
import type { ServerRecord } from '../servers/server-record.js';
import type { ClientStore } from '../store/client-store.js';
import { deriveRecordKey, type RecordKey } from '../store/record-seal.js';
import { createRecordStore, type OnUnreadable, type RecordStore } from '../store/record-store.js';
import { createServerLink, type LinkMeans, type ServerLink } from '../carrier/server-link.js';

/** The owner seed, or how to get it when it is first needed: to speak to a server, or to check a stored record. */
export type SeedSource = Secret<Uint8Array> | (() => Promise<Secret<Uint8Array>>);

/** What a client is made with, besides its seed and store. */
export interface ClientMeans extends LinkMeans {
  /** How long a server may keep the others of a quorum waiting. */
  readonly patienceMs: number;
}

/** What every part of a client works with. */
export interface ClientContext extends ClientMeans {
  readonly store: RecordStore;
  /** Who we are to that server. */
  identityFor(server: Xid): Promise<Identity>;
  /** When servers answered since this client was made. */
  readonly answered: LastSeen;
  /** How the clocks of servers stand against ours, as far as they have said so since this client was made. */
  clockOffsets(): readonly ClockOffset[];
  /** Signed changes that this client has checked. */
  readonly checkedChanges: ChangeMemory;
  /** A way to ask a pinned server; the same one every time. */
  linkTo(server: ServerRecord): Promise<ServerLink>;
  /** Wipes every secret; the context is of no use afterwards. */
  close(): void;
}

export function createContext(
  means: ClientMeans,
  store: ClientStore,
  source: SeedSource,
  onUnreadable?: OnUnreadable,
): ClientContext {
  let seed: Promise<Secret<Uint8Array>> | undefined;
  let closed = false;
  const identities = new Map<string, Identity>();
  const links = new Map<string, ServerLink>();
  const answered = new Map<string, number>();
  const onAnswer: LinkMeans['onAnswer'] = ({ xid }) => answered.set(encodeHex(xid), means.clock());
  const clocks = new Map<string, ClockOffset>();
  const onClock: LinkMeans['onClock'] = ({ xid }, offset) => clocks.set(encodeHex(xid), offset);
  const openSeed = async (): Promise<Secret<Uint8Array>> => {
    seed ??= typeof source === 'function' ? source() : Promise.resolve(source);
    try {
      return await seed;
    } catch (error) {
      seed = undefined;
      throw error;
    }
  };
  let recordKey: RecordKey | undefined;
  const recordKeyOf = async (): Promise<RecordKey> => {
    if (closed) throw clientClosed();
    recordKey ??= deriveRecordKey(await openSeed());
    return recordKey;
  };
  const identityFor = async (server: Xid): Promise<Identity> => {
    if (closed) throw clientClosed();
    const key = encodeHex(server);
    const known = identities.get(key) ?? identityForServer(await openSeed(), server);
    identities.set(key, known);
    return known;
  };
  return {
    ...means,
    store: createRecordStore(store, recordKeyOf, onUnreadable),
    answered,
    checkedChanges: createChangeMemory(),
    clockOffsets: () => [...clocks.values()].toSorted((a, b) => (a.server < b.server ? -1 : 1)),
    identityFor,
    linkTo: async (server) => {
      const key = `${encodeHex(server.xid)} ${server.url} ${server.name} ${server.authority ?? ''}`;
      const known =
        links.get(key) ??
        createServerLink({ ...means, onAnswer, onClock }, await identityFor(server.xid), server);
      links.set(key, known);
      return known;
    },
    close: () => {
      closed = true;
      for (const identity of identities.values()) wipeIdentity(identity);
      identities.clear();
      links.clear();
      if (recordKey !== undefined) wipe(recordKey.mac);
      void seed?.then(wipe, () => undefined);
    },
  };
}

function clientClosed(): StateError {
  return new StateError('this client was closed', {
    code: 'CLIENT_CLOSED',
    hint: 'create a new client',
    retryable: false,
  });
}
