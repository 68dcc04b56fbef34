import { type Secret, secret, wipe } from '@ckm/foundation';
import type { Home } from '../home/home.js';
import { compareSeed } from '../home/seed-print.js';
import { askKeeper } from './keeper-socket.js';

const SEED_BYTES = 32;

/** The seed of a folder, if `ckm unlock` keeps it open. Null: nobody does, or what answers keeps another one. */
export async function keptSeed(home: Home): Promise<Secret<Uint8Array> | null> {
  const answer = await askKeeper(home, 'seed');
  if (answer === null || answer.length !== SEED_BYTES) return null;
  const seed = secret(answer);
  if ((await compareSeed(home, seed)) === 'same') return seed;
  wipe(seed);
  return null;
}
