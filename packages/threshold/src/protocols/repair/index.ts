import type { Protocol } from '../../protocol/contract.js';
import { type RepairMessage, repairMessageCodec } from './messages.js';
import { awaited, type RepairOutput } from './output.js';
import { open, type RepairParams } from './round-0-open.js';
import { split } from './round-1-split.js';
import { answer } from './round-2-answer.js';
import { finish } from './round-3-finish.js';
import { type RepairState, repairStateCodec } from './state.js';

export { findRepairFault } from './find-fault.js';
export {
  createLoss,
  encodeLoss,
  type Loss,
  type LossStatement,
  lossStatement,
  MAX_LOSS_BYTES,
  parseLoss,
  verifyLoss,
} from './loss.js';
export type { RepairMessage } from './messages.js';
export type { RepairOutput } from './output.js';
export { encodeRepair, MAX_REPAIR_BYTES, parseRepair, type Repair, verifyRepair } from './repair.js';
export type { RepairParams } from './round-0-open.js';
export type { RepairState } from './state.js';

/**
 * Repair of a lost share: a quorum of the other servers of the same epoch gives one server its certified share again. All
 * other shares, and the key, stay as they are. Three messages of each helper (open, split, answer); the target listens.
 *
 * Secrecy: with fresh randomness a helper learns nothing but its own part, and the target nothing but its share; fewer
 * than the quorum together learn no more than their shares. The old share, wherever it is, stays valid: where it may have
 * been stolen, the epoch must be changed instead, and soon after a repair in any case.
 * Channel: the transport authenticates the sender and binds a message to one run and round; it may do with messages
 * whatever it likes but that.
 * Durability: a state is stored before its outbox is sent, and never restored from a backup.
 * Source: Stinson and Wei, eprint 2017/1155, enrolment protocol; commitments, final check and keys of the run: docs/adr/0038-repair-and-key-checks.md
 */
export const repairProtocol: Protocol<RepairParams, RepairState, RepairMessage, RepairOutput> = {
  id: 'ckm/repair/v1',
  state: repairStateCodec,
  message: repairMessageCodec,
  start: open,
  awaiting: awaited,
  advance(state, inbox) {
    if (state.round === 0) return split(state, inbox);
    if (state.round === 1) return answer(state, inbox);
    return finish(state, inbox);
  },
};
