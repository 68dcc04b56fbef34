import type { Primitives } from './contract.js';
import { noble } from './noble.js';

/** A platform without a prebuilt native module still works, only slower; `primitives.name` tells which it is. */
async function pickFastest(): Promise<Primitives> {
  try {
    return (await import('./sodium.js')).sodiumNative;
  } catch {
    return noble;
  }
}

/** The primitives of this runtime. */
export const primitives: Primitives = await pickFastest();
