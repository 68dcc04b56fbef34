import { EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { MAX_LOSS_BYTES, MAX_REPAIR_BYTES } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, certificateChain, epoch, identifier, slot } from './fields/fields.js';
import { EVERYONE, type Order } from './speeches.js';
import { keyTerms } from './terms/schema.js';

/** Seconds after which a server helps whose operator has said nothing, counted while it ran (L6, L12). */
export const REPAIR_DELAY_SECONDS = 86_400;

/**
 * The proposal to the server that has lost its share: what it needs to know of the key. It takes part when its operator says
 * that the share is lost.
 */
export const repairTargetProposal = z.strictObject({
  kind: z.literal('repair'),
  role: z.literal('target'),
  keyId: identifier,
  epoch,
  /**
   * Certificates: the one that made the key, then those of each change up to this epoch; or what is behind epochs that the server was
   * shown (`key.learn`).
   */
  chain: certificateChain.min(1),
  policy: keyTerms,
});
export type RepairTargetProposal = z.infer<typeof repairTargetProposal>;

/** The proposal to a server that helps. It holds the key, and believes nothing but the signature under the loss. */
export const repairHelperProposal = z.strictObject({
  kind: z.literal('repair'),
  role: z.literal('helper'),
  keyId: identifier,
  epoch,
  /** Of the server that has lost its share. */
  slot,
  /** Its statement, as `encodeLoss` writes it. */
  loss: bytesUpTo(MAX_LOSS_BYTES),
});
export type RepairHelperProposal = z.infer<typeof repairHelperProposal>;

export const repairProposal = z.discriminatedUnion('role', [repairTargetProposal, repairHelperProposal]);
export type RepairProposal = z.infer<typeof repairProposal>;

/** What the server that has lost its share puts forward: its statement. */
export const lossOffer = z.strictObject({ loss: bytesUpTo(MAX_LOSS_BYTES) });
export type LossOffer = z.infer<typeof lossOffer>;

/** What a helper puts forward: fresh bytes, so that what it says is of one run. */
export const helpOffer = z.strictObject({ nonce: bytesOf(32) });
export type HelpOffer = z.infer<typeof helpOffer>;

/**
 * What a finished repair leaves. `acknowledgement`: the promise of the server that has its share again that it is stored, as
 * after the making of the key; null at a helper.
 */
export const repairResult = z.strictObject({
  kind: z.literal('repair'),
  keyId: identifier,
  transcriptHash: bytesOf(32),
  acknowledgement: bytesOf(64).nullable(),
});
export type RepairResult = z.infer<typeof repairResult>;

/**
 * Who speaks when in a repair, by seats: its helpers, in ascending order of their slots, sit in 1 to that many, and the target
 * behind them. Helpers open and split before everyone, and answer the target alone, who says nothing.
 */
export function repairOrder(helpers: number): Order {
  const from = Array.from({ length: helpers }, (_, i) => i + 1);
  const told = [{ from, to: EVERYONE }];
  return { speeches: [told, told, [{ from, to: [helpers + 1] }]] };
}

/** What all servers of a repair join with. */
export interface RepairParameters {
  /** As `encodeRepair` writes it. */
  readonly repair: Uint8Array;
  /** What each helper put forward, in ascending order of slots: parameters are then of one run (`runIdOf`). */
  readonly nonces: readonly Uint8Array[];
}

const parameters = z.strictObject({
  repair: bytesUpTo(MAX_REPAIR_BYTES),
  nonces: z.array(bytesOf(32)).min(1).max(32),
});
/** What is longer or holds more is refused unread. */
const LIMITS = { maxBytes: 65_536, maxDepth: 2, maxItems: 64 } as const;

export function encodeRepairParameters({ repair, nonces }: RepairParameters): Uint8Array {
  return encodeData({ repair, nonces: [...nonces] });
}

/** @throws EncodingError `PARAMETERS_INVALID`, or as `decodeData` */
export function parseRepairParameters(bytes: Uint8Array): RepairParameters {
  const parsed = parameters.safeParse(decodeData(bytes, LIMITS));
  if (parsed.success) return parsed.data;
  throw new EncodingError('the parameters of a repair are not of their form', {
    code: 'PARAMETERS_INVALID',
    hint: 'compare the versions of client and server, and the field named',
  });
}
