import type { ServerContext } from '../context.js';
import type { FairQueue } from '../turns/fair-queue.js';
import type { Crafts } from '../crafts/craft.js';
import type { Pace } from '../crafts/pace.js';
import type { ActiveKeys } from '../sessions/keys/active-keys.js';
import type { Reader } from './reading/reader.js';
import type { CostBudget } from './request-cost.js';

/** What requests are answered with. */
export interface RequestMeans {
  readonly context: ServerContext;
  readonly keys: ActiveKeys;
  readonly crafts: Crafts;
  readonly reader: Reader;
  readonly pace: Pace;
  readonly costs: CostBudget;
  /** One large attempt at a time of each request. */
  readonly large: FairQueue;
}
