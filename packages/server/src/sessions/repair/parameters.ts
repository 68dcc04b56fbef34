import { parseRepairParameters, repairOrder } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  encodeRepair,
  type LossStatement,
  parseRepair,
  type PartyIndex,
  type Repair,
  verifyRepair,
} from '@ckm/threshold';
import { demand } from '../../refusals.js';
import type { Seats } from '../room/seats.js';

/** What this server knows of a repair before its parameters are agreed on. */
export interface Known {
  /** Of a certificate that this server verified itself. */
  readonly key: CertifiedEpoch;
  readonly loss: LossStatement;
  /** Where this server sits in the key. */
  readonly slot: PartyIndex;
  /** What it put forward as a helper; null: it is the target. */
  readonly nonce: Uint8Array | null;
}

/**
 * Reads the parameters that a courier hands over, and takes nothing from them but who helps: all else has to be what follows
 * from this server's own certificate and from the statement of the loss.
 * @throws EncodingError as `parseRepairParameters`, `verifyRepair`; AccessError `LOSS_STATEMENT_INVALID`; StateError
 * `PARAMETERS_DIFFER`
 */
export function agreeOnRepair({ key, loss, slot, nonce }: Known, bytes: Uint8Array): Repair {
  const { repair: shown, nonces } = parseRepairParameters(bytes);
  const { helpers } = parseRepair(shown);
  const repair = verifyRepair({ key, loss, helpers });
  const isSame = equalBytes(encodeRepair(repair), shown) && nonces.length === repair.helpers.length;
  demand(isSame, 'PARAMETERS_DIFFER', 'the parameters describe another repair than the one proposed');
  const own = nonces[repair.helpers.indexOf(slot)];
  const isOwn = nonce === null ? own === undefined : own !== undefined && equalBytes(own, nonce);
  demand(isOwn, 'PARAMETERS_DIFFER', 'the parameters hold something else for this server than it offered');
  return repair;
}

/** Where the servers of a repair sit in its session: helpers in ascending order of their slots, then the target. */
export function seatOf({ helpers, loss }: Repair, slot: number): number {
  return slot === loss.slot ? helpers.length + 1 : helpers.findIndex((helper) => helper === slot) + 1;
}

/** The slot of a seat; undefined for a seat that nobody has. */
export function slotAt({ helpers, loss }: Repair, seat: number): PartyIndex | undefined {
  return seat === helpers.length + 1 ? loss.slot : helpers[seat - 1];
}

export function seatsOfRepair(repair: Repair, slot: PartyIndex): Seats {
  const { key, helpers, loss } = repair;
  const entries = [...helpers, loss.slot].map((one) => key.params.roster[one - 1]!);
  return {
    identityKeys: entries.map(({ identityKey }) => identityKey),
    sealingKeys: entries.map(({ sealingKey }) => sealingKey),
    ownSlot: seatOf(repair, slot),
    epoch: key.params.epoch,
    ...repairOrder(helpers.length),
  };
}
