import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { openChange } from '../changes/change-record.js';
import { settledOtherwise } from '../changes/deciding.js';
import { type EpochName, firstOther } from '../changes/chain/shown-epochs.js';
import { keyForked } from '../keys/over.js';
import { readPublicEpoch } from '../keys/past-epochs.js';
import { openHead } from '../keys/stored/key-head.js';
import { readEpoch } from '../keys/stored/read-key.js';
import { otherEpoch } from './held-key.js';
import type { PassedEpoch } from './passed-epochs.js';

/** Who asks for a share, and of which key: its epochs, the first one first. */
export interface Asked {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly passed: readonly PassedEpoch[];
}

/**
 * A share belongs to a server, and to one account there: with two of them it would vote, count and answer twice. Another key of the
 * same id, which anybody may make, is in nobody's way.
 * @throws StateError `SHARE_NOT_LOST` when another account of this server has this very key
 */
export async function assertOfNobodyElse(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, passed }: Asked,
): Promise<void> {
  const { parameters } = passed[0]!;
  for (const row of await reader.keys.withId(keyId)) {
    if (equalBytes(row.owner, owner)) continue;
    if (equalBytes(await firstParameters(context, reader, row), parameters)) {
      throw refusal('SHARE_NOT_LOST', 'this server holds this key for another account');
    }
  }
}

async function firstParameters(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
): Promise<Uint8Array> {
  const isFirst = row.epoch === 0;
  const { parameters } = isFirst
    ? await readEpoch(context, reader, row, openHead(context, row))
    : await readPublicEpoch(context, reader, row, 0);
  return parameters;
}

/**
 * Of a forked key a share comes back only once its servers have settled which certificate counts, and only by that one: what came of
 * another is destroyed when this server is told.
 * @throws StateError `KEY_FORKED` where nothing is settled here, or the share is of before that; `CHANGE_SETTLED` for another chain
 */
export async function assertCounted(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
  passed: Asked['passed'],
): Promise<void> {
  const epoch = passed.length - 1;
  const { forked, counts } = openHead(context, row);
  if (forked !== undefined && (counts === undefined || epoch < forked)) throw keyForked(forked);
  const following = forked ?? row.epoch + 1;
  const before = await reader.changes.find(row.owner, row.keyId, following - 1);
  const settled = before === null ? null : openChange(context, before).settled;
  const only = counts ?? settled?.names[0];
  if (only === undefined || epoch < following) return;
  if (!equalBytes(only, passed[following]!.transcriptHash)) throw settledOtherwise();
}

/**
 * A server that is behind holds an earlier epoch of the very key that is shown, and nothing of a later one; where it left the key, it left by a certificate of
 * that chain.
 * @throws StateError `KEY_EPOCH_DIFFERS` where it is ahead; `CERTIFICATE_OF_ANOTHER_KEY`; `KEY_FORKED` where it left by another certificate
 */
export async function assertBehind(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
  passed: Asked['passed'],
): Promise<void> {
  const epoch = passed.length - 1;
  if (row.epoch >= epoch) throw otherEpoch(row.epoch, epoch);
  const head = openHead(context, row);
  const { parameters } = await readEpoch(context, reader, row, head);
  const shown = passed[row.epoch]!;
  const isShown = equalBytes(parameters, shown.parameters);
  const { certified } = head;
  const isSame =
    isShown && (certified === null || equalBytes(certified.transcriptHash, shown.transcriptHash));
  demand(isSame, 'CERTIFICATE_OF_ANOTHER_KEY', 'this server has another key of this id');
  const other = await firstOther(context, reader, { row, head }, newestFirst(passed));
  if (other !== null) throw keyForked(other.epoch);
}

function* newestFirst(passed: Asked['passed']): Generator<EpochName, void> {
  for (const [epoch, { transcriptHash }] of [...passed.entries()].toReversed())
    yield { epoch, transcriptHash };
}
