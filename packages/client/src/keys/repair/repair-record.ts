import { type RepairTargetProposal, repairTargetProposal } from '@ckm/api';
import { type Data, encodeData } from '@ckm/gordian';
import type { CertifiedEpoch, PartyIndex } from '@ckm/threshold';
import { type SessionRecord, sessionPath } from '../../sessions/session-record.js';
import { corrupt, readRecord } from '../../store/record-reader.js';
import { type CheckedEpoch, encodeChecked, readChecked } from '../chain/key-chain.js';

/** What a session that repairs a share holds besides what all hold. */
export interface RepairRecord {
  readonly proposal: RepairTargetProposal;
  /** The epoch before the newest, where the proposal has the newest certificate alone; null: it has all. */
  readonly before: CertifiedEpoch | null;
  /** Of the server that has lost its share: the last of the session's servers. */
  readonly slot: PartyIndex;
  /** In ascending order, as the session's other servers. */
  readonly helpers: readonly PartyIndex[];
}

/** What a session remembers of it and tells no server. */
export function notesOf({
  slot,
  helpers,
  before,
}: Pick<RepairRecord, 'slot' | 'helpers'> & { readonly before: CheckedEpoch | null }): Data {
  return { slot, helpers: [...helpers], ...(before === null ? {} : { before: encodeChecked(before) }) };
}

/** @throws StorageError `STORE_CORRUPT` */
export function readRepairRecord({ sessionId, proposal, notes, servers }: SessionRecord): RepairRecord {
  const path = sessionPath(sessionId);
  const parsed = repairTargetProposal.safeParse(proposal);
  const { slot, helpers } = (notes ?? {}) as { readonly slot?: unknown; readonly helpers?: unknown };
  const areSlots = Array.isArray(helpers) && [slot, ...helpers].every(isSlot);
  if (!parsed.success || !areSlots || servers.length !== helpers.length + 1) throw corrupt(path);
  const noted = readRecord(path, encodeData({ version: 1, notes })).record('notes');
  const before = noted.has('before') ? readChecked(path, noted.record('before')).epoch : null;
  return { proposal: parsed.data, before, slot: slot as PartyIndex, helpers: helpers as PartyIndex[] };
}

function isSlot(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 32;
}
