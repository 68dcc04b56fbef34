import type { ServerContext } from '../context.js';
import type { Crafts } from '../crafts/craft.js';
import type { ActiveKeys } from '../sessions/keys/active-keys.js';

/** What requests are answered with. */
export interface RequestMeans {
  readonly context: ServerContext;
  readonly keys: ActiveKeys;
  readonly crafts: Crafts;
}
