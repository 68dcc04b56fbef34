import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Home } from '../home/home.js';

/** Where the keeper of an open seed is asked: in the owner's folder, which only its owner may enter. */
export function keeperSocket({ path }: Home): string {
  return join(path, 'unlocked.sock');
}

/** What may be asked of a keeper, one line each. */
export type KeeperQuestion = 'seed' | 'lock' | 'left';

const LONGEST_ANSWER_MS = 1_000;
const MOST_BYTES = 64;

/**
 * Asks the keeper that runs for a folder. Null: none does, or it does not answer; then the passphrase is asked for.
 * Channel: a Unix socket that only its owner can reach. Secrecy: the answer to `seed` is the seed; wipe it.
 */
export function askKeeper(home: Home, question: KeeperQuestion): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = createConnection(keeperSocket(home));
    const end = (answer: Uint8Array | null) => {
      socket.destroy();
      for (const chunk of chunks) chunk.fill(0);
      resolve(answer);
    };
    socket.setTimeout(LONGEST_ANSWER_MS, () => {
      end(null);
    });
    socket.once('error', () => {
      end(null);
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_BYTES) end(null);
    });
    socket.once('end', () => {
      const all = Buffer.concat(chunks);
      const answer = new Uint8Array(all);
      all.fill(0);
      end(answer);
    });
    socket.write(`${question}\n`);
  });
}
