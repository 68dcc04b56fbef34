import { test } from 'vitest';
import { expectSound, LONG_MS } from './expect-sound.js';

/** Few, always the same; `npm run chaos` draws others, as many as one likes, on both databases. */
const SEEDS = ['basalt', 'cobalt'];

test(
  'random faults between two owners and four servers on SQLite use no nonce twice, lose no key, fork none and leave nothing stuck, whatever is changed meanwhile',
  () => expectSound(SEEDS, null),
  LONG_MS,
);
