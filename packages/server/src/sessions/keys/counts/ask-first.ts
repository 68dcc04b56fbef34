import type { ServerContext } from '../../../context.js';
import type { KeyRow, Transaction } from '../../../storage/storage.js';
import { countingAnew } from './count-anew.js';
import { marksOf, openHead } from '../stored/key-head.js';
import { noteMarks } from '../stored/note-marks.js';

const ASKS_BYTES = 32;

/**
 * What comes out of certificates, or from the other servers, may be of an epoch that is over long since, and under terms that others have followed by now: like a server
 * that came back from a backup, this one uses such a key, and judges by its terms, when enough others have said how far both are (L5, L8).
 * @param row as it is held
 */
export async function askFirst(
  context: Pick<ServerContext, 'vault' | 'clock' | 'random'>,
  transaction: Transaction,
  row: KeyRow,
): Promise<void> {
  const asks = context.random(ASKS_BYTES);
  const head = openHead(context, row);
  const counting = countingAnew(context, head, { nonce: asks });
  await noteMarks(context, transaction, row, { ...marksOf(head), asks, ...counting });
}
