import { AvailabilityError } from '@ckm/foundation';
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
/** An open device is the longest of what is kept, `MOST_DEVICE_BYTES`: written down here, so that nobody reads the client in to ask a socket. */
const MOST_KEPT_BYTES = 8_192;

/**
 * Asks the keeper that runs for a folder. Null: none does, or it does not answer; then the passphrase is asked for.
 * Channel: a Unix socket that only its owner can reach. Secrecy: the answer to `seed` is the seed, or the device in its place; wipe it.
 */
export async function askKeeper(home: Home, question: KeeperQuestion): Promise<Uint8Array | null> {
  const answer = await hearKeeper(home, question);
  return typeof answer === 'string' ? null : answer;
}

/**
 * Makes the keeper of a folder wipe its seed. False: none runs.
 * @throws AvailabilityError `KEEPER_SILENT`: one is there and does not say that it has; the seed may be open still
 */
export async function lockKeeper(home: Home): Promise<boolean> {
  const answer = await hearKeeper(home, 'lock');
  if (answer === 'nobody') return false;
  if (typeof answer !== 'string' && Buffer.from(answer).toString() === 'ok') return true;
  throw new AvailabilityError(
    'the process that keeps the owner seed open does not answer: it may be open still',
    {
      code: 'KEEPER_SILENT',
      hint: 'try again; if it stays silent, end the process whose command line says: unlock --keep',
    },
  );
}

/** What a keeper says; or that there is none, or that it says nothing that can be used. */
function hearKeeper(home: Home, question: KeeperQuestion): Promise<Uint8Array | 'nobody' | 'silent'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = createConnection(keeperSocket(home));
    const end = (answer: Uint8Array | 'nobody' | 'silent') => {
      socket.destroy();
      for (const chunk of chunks) chunk.fill(0);
      resolve(answer);
    };
    socket.setTimeout(LONGEST_ANSWER_MS, () => {
      end('silent');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      end(code === 'ENOENT' || code === 'ECONNREFUSED' ? 'nobody' : 'silent');
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_KEPT_BYTES) end('silent');
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
