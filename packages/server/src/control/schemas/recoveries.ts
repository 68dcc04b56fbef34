import { z } from 'zod';
import { hexId, hexText, saidName, sentence, unixSeconds, wholeNumber } from './common.js';

/** `request`: what whoever asks has written, in hex; `words`: the six words of his key, as he reads them out. */
export const recoverParameters = z.strictObject({
  xid: hexId,
  request: hexText.min(2).max(1_024),
  words: sentence.min(1),
  as: saidName,
});

export const recoverResult = z.object({
  /** The id of the key that asks. */
  caseId: hexText,
  state: z.enum(['waiting', 'vetoed', 'done', 'over']),
  /** When its delay is over, if the server runs on; null: it is, or nothing waits. */
  readyAt: unixSeconds.nullable(),
  vetoes: wholeNumber,
});
