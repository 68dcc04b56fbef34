import { z } from 'zod';
import { identifier, label, unixSeconds } from '../fields/fields.js';
import { signedStatement } from './signed-statement.js';

/** A freeze of a key that stands. `thawAskedAt`: when its owner asked the operator to end it; null: he did not. */
export const frozenKey = z.strictObject({
  id: identifier,
  until: unixSeconds,
  thawAskedAt: unixSeconds.nullable(),
  /** Who signed it; absent: the account of its owner said so. `name`: of an approver, in the terms. */
  by: z
    .discriminatedUnion('who', [
      z.strictObject({ who: z.literal('owner') }),
      z.strictObject({ who: z.literal('devices') }),
      z.strictObject({ who: z.literal('approver'), name: label(32) }),
    ])
    .exactOptional(),
});

/** @throws AccessError `STATEMENT_FOREIGN`, also where there is no such key */
export const freezeCarry = {
  parameters: z.strictObject({ freeze: signedStatement }),
  result: z.strictObject({
    /** The freeze that stands there now, which may be a longer one; null: this one is over. */
    frozen: frozenKey.nullable(),
  }),
};
