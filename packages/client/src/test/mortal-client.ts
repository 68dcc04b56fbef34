import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { ownerClient, type TestNetwork } from './test-network.js';

/** Around what a process of the owner dies: its messages to servers, or the writes of its records. */
export const ARROWS = ['message', 'write'] as const;
export type Arrow = (typeof ARROWS)[number];

/** A client that dies. */
export interface MortalClient {
  readonly client: Client;
  /** Whether it has died. */
  isDead(): boolean;
}

/**
 * A process of the owner with these records, which dies at such an arrow, counted from its beginning: at odd ones before it, at even ones
 * behind it, where the server has done what it was asked for and nobody has read the answer. Nothing leaves it then, and nothing is stored.
 */
export function createMortalClient(
  network: TestNetwork,
  store: ClientStore,
  arrow: Arrow,
  at: number,
): MortalClient {
  const isBefore = at % 2 === 1;
  let isDead = false;
  let count = 0;
  const assertAlive = () => {
    if (isDead) throw new Error('the process is dead');
  };
  /** Does something that is counted, unless the process dies around it. */
  const around = async <T>(what: Arrow, work: () => Promise<T>): Promise<T> => {
    assertAlive();
    const isIt = what === arrow && ++count === at;
    isDead ||= isIt && isBefore;
    assertAlive();
    const done = await work();
    isDead ||= isIt;
    assertAlive();
    return done;
  };
  const client = ownerClient(
    (url, request) => around('message', () => network.send(url, request)),
    () => network.now,
    {
      store: {
        ...store,
        put: (path, bytes) => around('write', () => store.put(path, bytes)),
        delete: (path) => around('write', () => store.delete(path)),
      },
    },
  );
  return { client, isDead: () => isDead };
}
