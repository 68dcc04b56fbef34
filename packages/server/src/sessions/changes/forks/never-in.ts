import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import { isBehind } from '../../keys/head-memory.js';
import type { EpochRecord } from '../../keys/stored/epoch-record.js';
import type { KeyHead } from '../../keys/stored/key-head.js';
import type { ChangeRecord } from '../change-record.js';
import { ownEntry } from '../deciding.js';
import { isOwnNonce } from '../receiver-seeds.js';
import type { Evidence } from './evidence.js';
import type { ForkedKey } from './forked-key.js';

/**
 * Whether a server that went on by another certificate was never in the epoch that counts, and so has said nothing of what follows it: the certificate
 * holds what this server offered out of the row of that change, which has been here ever since, and it has lost its memory neither meanwhile nor
 * since. One that was restored, or whose rows went back, does not know. Nor does anybody of a server that signed twice, which may run on
 * two machines, or of one that joined, which decides on nothing that would show it.
 */
export function wasNeverIn(
  context: Pick<ServerContext, 'identity' | 'epochKeys'>,
  { epoch, row, head }: Pick<ForkedKey, 'epoch' | 'row' | 'head'>,
  record: ChangeRecord,
  { before, epochs: [counts], parsed: [certificate], twice }: Evidence,
): boolean {
  const decided = ownEntry(context, before.params);
  const own = ownEntry(context, counts!.params);
  if (head.forgot !== undefined || isBehind(context, row, head)) return false;
  if (decided === null || own === null || row.epoch < epoch || twice.includes(decided.slot)) return false;
  const nonce = certificate!.change.nonces[own.slot - 1]!;
  return isOwnNonce({ record, key: { row, head }, former: null }, nonce);
}

/** Whether an epoch is the one for which this server waits, and in which it was never, as it found when it went back. */
export function isNewIn(
  { neverIn, forgot, forked, counts }: KeyHead,
  { epoch, certified }: Pick<EpochRecord, 'epoch' | 'certified'>,
): boolean {
  if (neverIn !== true || forgot !== undefined || forked !== epoch) return false;
  return counts !== undefined && certified !== null && equalBytes(counts, certified.transcriptHash);
}
