import { z } from 'zod';
import { hexId, hexText, unixSeconds } from './common.js';
import type { Immutable } from './immutable.js';

/** How many keys are compared at once: as many as are listed at once. */
const MOST_SHARES = 200;

/** What a backup has of a key. `epoch` null: nothing; `publicShare` null: its share does not open, or its epoch key is not in it. */
const drilledShare = z.strictObject({
  owner: hexId,
  keyId: hexId,
  epoch: z.int().min(0).max(4_294_967_295).nullable(),
  publicShare: hexText.max(256).nullable(),
  isDamaged: z.boolean(),
});

/** Of a backup of this server: its id, when it was made, and what it has of some keys. `isLast`: there are no others. */
export const drillParameters = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  takenAt: unixSeconds,
  shares: z.array(drilledShare).max(MOST_SHARES),
  isLast: z.boolean(),
});

export type Drill = Immutable<z.output<typeof drillParameters>>;

/**
 * What is held against the certificate. `whole`: the share in the backup is the certified one of the epoch in use; `otherEpoch`: it is
 * of another one; `sealed`: the key of its epoch is not in the backup; `damaged`: it is not what was certified; `missing`: the backup has nothing of the key.
 */
export const drillVerdict = z.enum(['whole', 'otherEpoch', 'sealed', 'damaged', 'missing']);
export type DrillVerdict = z.infer<typeof drillVerdict>;

export const drillResult = z.object({
  /** Those that this server has a certified share of. */
  keys: z.array(z.object({ owner: hexText, keyId: hexText, verdict: drillVerdict })),
});
export type OperatorDrill = Immutable<z.output<typeof drillResult>>;
