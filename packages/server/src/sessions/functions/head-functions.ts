import type { Handlers } from '../../context.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { SessionMeans } from '../session/session-revise.js';
import { hearHeads } from './hear-heads.js';
import { sayHead } from './say-head.js';

/** A signature made, or checked, in milliseconds of one core. */
const SIGNATURE_MS = 0.2;
/** The head of the key written, and a line in the log, in the same. What is counted comes on top. */
const VOID_MS = 1;

/** How servers that came back from an older state learn, through the owner, that no newer epoch of a key is known to others (L5). */
export function headHandlers({
  context,
  charge,
}: Pick<SessionMeans, 'context' | 'charge'>): Handlers<'key.head' | 'key.heads'> {
  return {
    'key.head': async (call, asked) => {
      const isCounted = (asked.windows?.length ?? 0) > 0;
      charge(call.account, SIGNATURE_MS + (isCounted ? VOID_MS : 0));
      return sayHead(context, call, asked, (costMs) => charge(call.account, costMs));
    },
    'key.heads': async (call, shown) => {
      charge(call.account, shown.heads.length * SIGNATURE_MS);
      return repeatWhenRaced(() => hearHeads(context, call, shown));
    },
  };
}
