import { encodeHex, type Secret, StateError } from '@ckm/foundation';
import { type Identity, wipeIdentity, type Xid } from '@ckm/gordian';
import { type ChangeMemory, createChangeMemory } from '@ckm/threshold';
import { openOwnerSecrets, type Owner, type SeedSource } from '../owner/owner.js';
import type { ClockOffset } from '../servers/clock-difference.js';
import type { LastSeen } from '../servers/last-seen.js';
import type { ServerRecord } from '../servers/server-record.js';
import type { ClientStore } from '../store/client-store.js';
import { createRecordStore, type OnUnreadable, type RecordStore } from '../store/record-store.js';
import { createServerLink, type LinkMeans, type ServerLink } from '../carrier/server-link.js';

/** What a client is made with, besides its seed and store. */
export interface ClientMeans extends LinkMeans {
  /** How long a server may keep the others of a quorum waiting. */
  readonly patienceMs: number;
  /** Keeps a device that has learnt of a server, sealed, before that server hears of it. */
  keepDevice(device: Secret<Uint8Array>): Promise<void>;
}

/** What every part of a client works with. */
export interface ClientContext extends ClientMeans {
  readonly store: RecordStore;
  /** Who speaks here: the words, or one of the owner's devices. */
  owner(): Promise<Owner>;
  /** Who we are to that server. @throws StateError `DEVICE_UNKNOWN_THERE` */
  identityFor(server: Xid): Promise<Identity>;
  /** When servers answered since this client was made. */
  readonly answered: LastSeen;
  /** How the clocks of servers stand against ours, as far as they have said so since this client was made. */
  clockOffsets(): readonly ClockOffset[];
  /** Signed changes that this client has checked. */
  readonly checkedChanges: ChangeMemory;
  /** A way to ask a pinned server; the same one every time. */
  linkTo(server: ServerRecord): Promise<ServerLink>;
  /** A way to ask it as somebody else: with the words, where a device speaks. The caller wipes the identity. */
  linkAs(identity: Identity, server: ServerRecord): ServerLink;
  /** Wipes every secret; the context is of no use afterwards. */
  close(): void;
}

export function createContext(
  means: ClientMeans,
  store: ClientStore,
  source: SeedSource,
  onUnreadable?: OnUnreadable,
): ClientContext {
  let opened: Promise<Owner> | undefined;
  let closed = false;
  const identities = new Map<string, Identity>();
  const links = new Map<string, ServerLink>();
  const answered = new Map<string, number>();
  const onAnswer: LinkMeans['onAnswer'] = ({ xid }) => answered.set(encodeHex(xid), means.clock());
  const clocks = new Map<string, ClockOffset>();
  const onClock: LinkMeans['onClock'] = ({ xid }, offset) => clocks.set(encodeHex(xid), offset);
  const owner = async (): Promise<Owner> => {
    if (closed) throw clientClosed();
    opened ??= Promise.resolve(typeof source === 'function' ? source() : source).then(openOwnerSecrets);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  const identityFor = async (server: Xid): Promise<Identity> => {
    if (closed) throw clientClosed();
    const key = encodeHex(server);
    const known = identities.get(key) ?? (await owner()).identityAt(server);
    identities.set(key, known);
    return known;
  };
  const linkAs = (identity: Identity, server: ServerRecord): ServerLink =>
    createServerLink({ ...means, onAnswer, onClock }, identity, server);
  return {
    ...means,
    store: createRecordStore(store, async () => (await owner()).recordKey, onUnreadable),
    answered,
    checkedChanges: createChangeMemory(),
    clockOffsets: () => [...clocks.values()].toSorted((a, b) => (a.server < b.server ? -1 : 1)),
    owner,
    identityFor,
    linkAs,
    linkTo: async (server) => {
      const key = `${encodeHex(server.xid)} ${server.url} ${server.name} ${server.authority ?? ''}`;
      const { asking } = await owner();
      const known = links.get(key) ?? as(asking, linkAs(await identityFor(server.xid), server));
      links.set(key, known);
      return known;
    },
    close: () => {
      closed = true;
      for (const identity of identities.values()) wipeIdentity(identity);
      identities.clear();
      links.clear();
      void opened?.then(
        (one) => one.wipe(),
        () => undefined,
      );
    },
  };
}

function as(asking: Owner['asking'], link: ServerLink): ServerLink {
  return asking === undefined ? link : asking(link);
}

function clientClosed(): StateError {
  return new StateError('this client was closed', {
    code: 'CLIENT_CLOSED',
    hint: 'create a new client',
    retryable: false,
  });
}
