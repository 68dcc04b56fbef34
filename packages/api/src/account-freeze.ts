import { z } from 'zod';
import { identifier, unixSeconds } from './fields/fields.js';

/** A freeze of a whole account that stands. `thawAskedAt`: when somebody of the account asked the operator to end it; null: nobody did. */
export const frozenAccount = z.strictObject({
  id: identifier,
  until: unixSeconds,
  thawAskedAt: unixSeconds.nullable(),
  /** Which device of the account said so; absent: its words. */
  device: identifier.exactOptional(),
});

/** @throws UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`; PolicyError `FREEZE_USED_UP` */
export const accountFreeze = {
  parameters: z.strictObject({ id: identifier, from: unixSeconds, until: unixSeconds }),
  result: z.strictObject({
    frozen: frozenAccount.nullable(),
    /** For how long the account may still be frozen within 30 days, from now on. */
    leftSeconds: z.int().min(0),
  }),
};

export const accountThaw = { parameters: z.strictObject({}), result: accountFreeze.result };
