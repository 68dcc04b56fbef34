import type { Primitives } from './contract.js';
import { noble } from './noble.js';

/** The primitives of this runtime. */
export const primitives: Primitives = noble;
