import { z } from 'zod';
import { hexId, hexText, saidName, wholeNumber } from './common.js';

/** A key by its whole name. */
export const silenceParameters = z.strictObject({ keyId: hexId, owner: hexId });

/** @property without XIDs of the servers whose word was missing when whoever agrees has looked: he agrees to no other ones. */
export const agreeSilenceParameters = silenceParameters.extend({
  without: z.array(hexId).min(1).max(31),
  as: saidName,
});

/** For how long the owner of a key is silent here, and who asks for it; null: its terms name no heirs, or nothing was counted yet. */
export const silenceResult = z.object({
  silence: z
    .object({
      afterSeconds: wholeNumber,
      silentSeconds: wholeNumber,
      /** Who asks, by the name in the terms, and how long that takes still here; null: somebody has to be told. */
      case: z.object({ heir: z.string(), leftSeconds: wholeNumber.nullable() }).nullable(),
      quorum: z.object({ needed: wholeNumber, of: wholeNumber }),
      /** XIDs of servers whose word is missing. */
      missing: z.array(hexText),
      /** Whether it goes on without all of these. */
      isAgreed: z.boolean(),
      /** Who takes the owner to be alive, by the names in the terms, and has had the days of the case begin anew; absent: nobody. */
      doubted: z.array(z.string()).optional(),
    })
    .nullable(),
});
