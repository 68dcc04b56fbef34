import { z } from 'zod';
import { unixSeconds } from '../fields/fields.js';

/**
 * What the owner asks every server of a key to enforce. Its hash is certified with the key, so no server can be told
 * another one. An operator may be stricter, never laxer.
 */
export const keyPolicy = z.strictObject({
  /** Request kinds the key answers to; everything else is refused. */
  kinds: z.array(z.string().min(1).max(32)).min(1).max(16),
  /** At most `count` requests in any window of `perSeconds`; null: no limit of the owner's. */
  rateLimit: z
    .strictObject({ count: z.int().min(1).max(1_000_000), perSeconds: z.int().min(1).max(31_536_000) })
    .nullable(),
  /** The key answers nothing from this moment on. */
  expiresAt: unixSeconds.nullable(),
  /** Whether content that cannot be described may be signed at all. */
  blindAllowed: z.boolean(),
  /** `operator`: each request waits until the server's operator says yes. */
  approval: z.enum(['automatic', 'operator']),
  /**
   * What a change of who holds the key waits for besides its delay: the operator of every server, or nothing. Absent:
   * `operator`. A refresh waits for neither.
   */
  changes: z.enum(['automatic', 'operator']).exactOptional(),
  /** For how long every server lets everybody look at such a change, in seconds. Absent: a day. */
  changeDelay: z.union([z.literal(0), z.literal(86_400), z.literal(604_800)]).exactOptional(),
  /**
   * What gives a server its lost share back. `epoch`: its backup, or the other servers. `static`: its identity too, for ever, out of the
   * certificates of all epochs. Absent: `epoch`.
   */
  recovery: z.enum(['epoch', 'static']).exactOptional(),
});
export type KeyPolicy = z.infer<typeof keyPolicy>;

/** A limit on how often: so many in any window of so many seconds. */
export type RateLimit = NonNullable<KeyPolicy['rateLimit']>;

/**
 * Whether all that one limit lets through, another does too: a span is covered by so many spans of the other length, each of which lets its
 * whole count through.
 */
export function isRateWithin(limit: RateLimit, other: RateLimit): boolean {
  return other.count * Math.ceil(limit.perSeconds / other.perSeconds) <= limit.count;
}
