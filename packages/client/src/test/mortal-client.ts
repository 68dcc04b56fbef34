import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { ownerClient, type TestNetwork } from './test-network.js';

/** Where a process of the owner dies: around one of its messages to servers, or of the writes of its records. */
export interface Arrow {
  readonly around: 'message' | 'write';
  /** `behind` a message the server has done what it was asked for, and nobody has read the answer. */
  readonly when: 'before' | 'behind';
}

/** Nothing comes by itself while a command waits: it waits once, and so asks those who can be asked only when others have answered. */
export const ONE_WAIT_MS = 150;

/** A client that dies. */
export interface MortalClient {
  readonly client: Client;
  /** Whether it has died. */
  isDead(): boolean;
}

/**
 * A process of the owner with these records, which dies at such an arrow, counted from its beginning. Nothing leaves it then, and nothing is stored.
 * @param at which of them, from 1
 */
export function createMortalClient(
  network: TestNetwork,
  store: ClientStore,
  arrow: Arrow,
  at: number,
): MortalClient {
  let isDead = false;
  let count = 0;
  const assertAlive = () => {
    if (isDead) throw new Error('the process is dead');
  };
  /** Does something that is counted, unless the process dies around it. */
  const around = async <T>(what: Arrow['around'], work: () => Promise<T>): Promise<T> => {
    assertAlive();
    const isIt = what === arrow.around && ++count === at;
    isDead ||= isIt && arrow.when === 'before';
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
      timeoutMs: ONE_WAIT_MS,
      store: {
        ...store,
        put: (path, bytes) => around('write', () => store.put(path, bytes)),
        delete: (path) => around('write', () => store.delete(path)),
      },
    },
  );
  return { client, isDead: () => isDead };
}
