import { type RepairTargetProposal, repairTargetProposal } from '@ckm/api';
import type { PartyIndex } from '@ckm/threshold';
import { type SessionRecord, sessionPath } from '../../sessions/session-record.js';
import { corrupt } from '../../store/record-reader.js';

/** What a session that repairs a share holds besides what all hold. */
export interface RepairRecord {
  readonly proposal: RepairTargetProposal;
  /** Of the server that has lost its share: the last of the session's servers. */
  readonly slot: PartyIndex;
  /** In ascending order, as the session's other servers. */
  readonly helpers: readonly PartyIndex[];
}

/** What a session remembers of it and tells no server. */
export function notesOf({ slot, helpers }: Omit<RepairRecord, 'proposal'>) {
  return { slot, helpers: [...helpers] };
}

/** @throws StorageError `STORE_CORRUPT` */
export function readRepairRecord({ sessionId, proposal, notes, servers }: SessionRecord): RepairRecord {
  const parsed = repairTargetProposal.safeParse(proposal);
  const { slot, helpers } = (notes ?? {}) as { readonly slot?: unknown; readonly helpers?: unknown };
  const areSlots = Array.isArray(helpers) && [slot, ...helpers].every(isSlot);
  if (!parsed.success || !areSlots || servers.length !== helpers.length + 1) {
    throw corrupt(sessionPath(sessionId));
  }
  return { proposal: parsed.data, slot: slot as PartyIndex, helpers: helpers as PartyIndex[] };
}

function isSlot(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 32;
}
