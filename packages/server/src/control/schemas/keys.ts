import { keyPolicy } from '@ckm/api';
import { REQUEST_KIND_NAMES } from '@ckm/requests';
import { z } from 'zod';
import { tighteningSchema } from '../../policy/tightening.js';
import { hexId, hexPrefix, hexText, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

/** Where a list of keys has come to. */
const keyCursor = z.strictObject({ owner: hexId, keyId: hexId });
export type OperatorKeyCursor = Immutable<z.output<typeof keyCursor>>;

export const keysParameters = keyCursor
  .partial()
  .refine(({ owner, keyId }) => (owner === undefined) === (keyId === undefined), {
    error: 'owner and keyId belong together',
  });

/** `owner` is only needed when ids of two accounts begin alike. */
export const keyParameters = z.strictObject({ keyId: hexPrefix, owner: hexId.optional() });

const kindName = z.enum(REQUEST_KIND_NAMES, {
  error: `there is no such kind of request: choose from ${REQUEST_KIND_NAMES.join(', ')}`,
});
const tightening = tighteningSchema
  .omit({ stoppedAt: true })
  .extend({ kinds: z.array(kindName).nullable() })
  .partial();
export type TightenBody = z.infer<typeof tightening>;

/** Changes what the operator takes away from the owner's policy; what is absent stays as it is. */
export const tightenParameters = keyParameters.extend(tightening.shape);

/** One key this server has a share of. */
const operatorKey = z.object({
  owner: hexText,
  keyId: hexText,
  purpose: z.string(),
  suite: z.string(),
  quorum: z.object({ needed: wholeNumber, of: wholeNumber }),
  /** Which place in the quorum this server has. */
  slot: wholeNumber,
  state: z.enum(['pending', 'active']),
  createdAt: unixSeconds,
  /** When this server stopped it, because it had computed a wrong share with it; null: it answers. */
  stoppedAt: unixSeconds.nullable(),
  /** When this server gave its share of the key out, to its owner; null: it never did. */
  exportedAt: unixSeconds.nullable(),
  /** Whether its other servers gave their shares out, as it was shown. */
  isExportedElsewhere: z.boolean(),
  /** Until when it is frozen, by whom in words (`its owner`: his account, or a device of his), and when he asked to have that ended; null: it is not frozen. */
  frozen: z
    .object({ until: unixSeconds, thawAskedAt: unixSeconds.nullable(), by: z.string().max(128) })
    .nullable(),
  /** What its likeness is made of; null while it waits for its certificate. */
  transcriptHash: hexText.nullable(),
});
export type OperatorKey = Immutable<z.output<typeof operatorKey>>;

/** A page, by owner and id; `next` is where the following one begins, null at the end. */
export const keysResult = z.object({
  keys: z.array(operatorKey),
  /** Those whose rows cannot be read any more. */
  unreadable: z.array(keyCursor),
  next: keyCursor.nullable(),
});
export type OperatorKeys = Immutable<z.output<typeof keysResult>>;

const rateLimit = z.object({ count: wholeNumber, perSeconds: wholeNumber }).nullable();

export const operatorKeyPolicy = operatorKey.extend({
  /** What the owner certified. */
  owned: keyPolicy,
  /** All that its terms say, in sentences; empty: they say nothing beyond `owned`. */
  terms: z.array(z.string()),
  /** What the operator took away for this key. */
  tightening: tighteningSchema,
  /** For which people the end of a freeze waits, in words; null: for nobody, or it is not frozen. */
  thawWaits: z.string().nullable(),
  /** What `config.json` takes away for every key; `name` is how verdicts in the audit log name it, null: nothing. */
  server: z.object({
    kinds: z.array(z.string()).nullable(),
    rateLimit,
    blindAllowed: z.boolean(),
    approval: z.enum(['automatic', 'operator']),
    changeDelay: wholeNumber,
    name: z.string().nullable(),
  }),
});
export type OperatorKeyPolicy = Immutable<z.output<typeof operatorKeyPolicy>>;
