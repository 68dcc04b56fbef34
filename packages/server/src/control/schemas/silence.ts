import { z } from 'zod';
import { hexId, hexText, saidName, wholeNumber } from './common.js';

/** A key by its whole name. */
export const silenceParameters = z.strictObject({ keyId: hexId, owner: hexId });

export const agreeSilenceParameters = silenceParameters.extend({ as: saidName });

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
      /** Whether it goes on without them. */
      isAgreed: z.boolean(),
    })
    .nullable(),
});
