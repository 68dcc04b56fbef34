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

/** Brings a sign of life. `number`: the highest of this signer that the server has heard, which may be a later one. */
export const aliveCarry = {
  parameters: z.strictObject({ alive: signedStatement }),
  result: z.strictObject({
    number: z.int().min(0),
    /** Whose asking for the key has ended by it, by the name in the terms; absent: nobody asked. */
    ended: label(32).exactOptional(),
  }),
};

/** How long a server has heard nothing of the owner of a key. Seconds that it ran; null: the terms of the key say nothing of silence, or it has not begun to count. */
export const keyLife = {
  parameters: z.strictObject({ keyId: identifier }),
  result: z.strictObject({
    silence: z
      .strictObject({
        silentSeconds: z.int().min(0),
        /** After so many heirs may open a case. */
        afterSeconds: z.int().min(0),
        warned: z.enum(['nothing', 'half', 'nearly']),
        /** An heir has asked for the key, by the name in the terms; absent: nobody has. */
        case: z.strictObject({ heir: label(32), isGranted: z.boolean() }).exactOptional(),
      })
      .nullable(),
  }),
};

/** @throws AccessError `STATEMENT_FOREIGN`, also where there is no such key */
export const freezeCarry = {
  parameters: z.strictObject({ freeze: signedStatement }),
  result: z.strictObject({
    /** The freeze that stands there now, which may be a longer one; null: this one is over. */
    frozen: frozenKey.nullable(),
  }),
};
