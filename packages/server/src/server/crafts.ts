import type { CraftName } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { Craft, Crafts } from '../crafts/craft.js';
import { createEvaluation } from '../crafts/evaluation/evaluation.js';
import { createFrost } from '../crafts/frost/frost.js';

/** Every craft, at the start of a server. Another one is a folder beside `frost` and a line here. */
export function createCrafts(context: ServerContext): Crafts {
  return { frost: createFrost(context), evaluation: createEvaluation(context) };
}

/** All of them, whichever they are. */
export function everyCraft(crafts: Crafts): readonly Pick<Craft<CraftName>, 'sweep' | 'close'>[] {
  return Object.values(crafts);
}
