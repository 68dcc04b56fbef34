import type { KeyPolicy } from '@ckm/api';
import { secret } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import type { BareCaller } from '@ckm/server/test';
import type { Client, ClientOptions } from '../client.js';
import { identityForServer } from '../seed/identity.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  type NetworkServer,
  OWNER_SEED,
  ownerClient,
  type TestNetwork,
} from './test-network.js';

export const NAME = 'letters';
export const SERVERS: readonly string[] = ['alpha', 'bravo', 'charlie'];
export const REFRESH = { name: NAME, wish: { kind: 'refresh' } } as const;

/** The wish for other servers, so many of which sign. */
export function requorum(needed: number, servers: readonly string[]) {
  return { kind: 'requorum', quorum: { needed, of: servers.length }, servers: [...servers] } as const;
}

/** One of the machines of an owner, with its records. */
export interface Machine {
  readonly client: Client;
  readonly store: ClientStore;
}

/** A key of which two servers sign; the machine that made it, and others of the same owner. */
export interface OwnedKey extends Machine {
  readonly network: TestNetwork;
  /** Another machine with the records that the first one, or the one named, has now. */
  another(of?: Machine): Promise<Machine>;
  /** The servers too. */
  close(): Promise<void>;
}

export interface OwnedKeyOptions {
  /** Those of the key. Default: alpha, bravo and charlie. */
  readonly servers?: readonly string[];
  /** How many servers there are. Default: those of the key. */
  readonly count?: number;
  /** Default: its servers change at once, and nobody is asked. */
  readonly policy?: Partial<KeyPolicy>;
  /** Of every server. */
  readonly settings?: object;
  /** Of every machine. */
  readonly client?: Partial<Omit<ClientOptions, 'store'>>;
}

/** Every server certifies its address, so that also whoever never added it asks there. */
export async function createOwnedKey({
  servers = SERVERS,
  count = servers.length,
  policy = { changes: 'automatic', changeDelay: 0 },
  settings = {},
  client: options = {},
}: OwnedKeyOptions = {}): Promise<OwnedKey> {
  const network = await createTestNetwork(count, (name) => ({
    settings: { publicUrl: `http://${name}.test`, ...settings },
  }));
  const machines: Machine[] = [];
  const store = memoryStore();
  const client = await network.owner({ ...options, store });
  const quorum = { needed: 2, of: servers.length };
  await client.createKey({ name: NAME, purpose: 'message', quorum, servers, policy });
  const owned: OwnedKey = {
    network,
    client,
    store,
    async another(of = owned) {
      const copy = await copyStore(of.store);
      const machine = {
        client: ownerClient(network.send, () => network.now, { ...options, store: copy }),
        store: copy,
      };
      machines.push(machine);
      return machine;
    },
    async close() {
      for (const machine of machines) await machine.client.close();
      await network.close();
    },
  };
  return owned;
}

/** Who signs. */
export async function signersOf(
  client: Client,
  { text = 'hello', without = [] }: { readonly text?: string; readonly without?: readonly string[] } = {},
): Promise<readonly string[]> {
  return (await client.sign({ key: NAME, ...messageOf(text), without: [...without] })).signers;
}

/** The number of the epoch on record. */
export async function epochOf(client: Client): Promise<number> {
  return (await client.showKey(NAME)).newest.params.epoch;
}

/** Asks a server as the owner, without a client. */
export function asOwner({ bare, identity }: NetworkServer): Promise<BareCaller> {
  return bare.as(identityForServer(secret(OWNER_SEED.slice()), identity.xid as Xid));
}
