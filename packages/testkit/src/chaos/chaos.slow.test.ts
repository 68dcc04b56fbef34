import { test } from 'vitest';
import { expectSound, LONG_MS } from './expect-sound.js';

/** Few, always the same; `npm run chaos` draws others, as many as one likes, on both databases. */
const SEEDS = ['anchor', 'basalt', 'cinder'];

test(
  'random faults between two owners and three servers on SQLite use no nonce twice, lose no key and leave nothing stuck',
  () => expectSound(SEEDS, null),
  LONG_MS,
);
