import type { Freeze, ServerContext } from '../../../context.js';
import type { ChangeRow, Reader, Transaction } from '../../../storage/storage.js';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { KeyName } from '../../../vault/head-counts.js';
import { openHead } from '../../keys/stored/key-head.js';
import { noteTightened } from '../../keys/stored/note-marks.js';
import { type ChangeRecord, openChange, writeChange } from '../change-record.js';

/** A key that this server is to join, as far as one epoch is concerned. */
export interface JoiningChange {
  readonly row: ChangeRow;
  readonly record: ChangeRecord;
}

/**
 * The epochs behind which this server is to join a key: one for each chain that it was shown. A row that is not what this server stored is
 * reported to its operator and left out.
 */
export async function listJoining(
  context: Pick<ServerContext, 'vault' | 'events'>,
  reader: Reader,
  { owner, keyId }: KeyName,
): Promise<readonly JoiningChange[]> {
  const found: JoiningChange[] = [];
  for (const row of await reader.changes.listOf(owner, keyId)) {
    await passIfTampered(context.events.storageFailed, async () => {
      const record = openChange(context, row);
      if (record.joining !== null) found.push({ row, record });
    });
  }
  return found;
}

/** Every freeze that it keeps for one of these, as often as it is there. */
export function freezesIn(joining: readonly JoiningChange[]): readonly Freeze[] {
  return joining.flatMap(({ record }) => record.freezes ?? []);
}

/** Keeps the freezes of a key that this server is to join, until it has a row of its own. */
export async function storeJoiningFreezes(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  joining: readonly JoiningChange[],
  freezes: readonly Freeze[],
): Promise<void> {
  for (const { row, record } of joining)
    await writeChange(context, transaction, row, null, row, { ...record, freezes });
}

/**
 * A key that comes to this server is as frozen as it was while this server was to join it. They are the key's from then on: what joins it once
 * more must not bring back one that was thawed.
 * @param entered the epoch whose row its caller writes in this transaction; null: none
 */
export async function takeFreezes(
  context: Pick<ServerContext, 'vault' | 'events' | 'policy'>,
  transaction: Transaction,
  name: KeyName,
  entered: number | null,
): Promise<void> {
  const joining = await listJoining(context, transaction, name);
  const freezes = freezesIn(joining);
  if (freezes.length === 0) return;
  const left = joining.filter((one) => one.row.epoch !== entered && freezesIn([one]).length > 0);
  await storeJoiningFreezes(context, transaction, left, []);
  const row = (await transaction.keys.hold(name.owner, name.keyId))!;
  const { owner, keyId } = row;
  const { tightened } = openHead(context, row);
  const stored = await context.policy.addFreezes(transaction, { owner, keyId, tightened }, freezes);
  await noteTightened(context, transaction, row, stored);
}
