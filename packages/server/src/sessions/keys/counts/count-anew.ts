import { DRILL } from '@ckm/requests';
import type { ServerContext } from '../../../context.js';
import type { Transaction } from '../../../storage/storage.js';
import type { KeyName } from '../../../vault/head-counts.js';
import { type KeyHead, type KeyMarks, marksOf, openHead } from '../stored/key-head.js';
import { noteMarks } from '../stored/note-marks.js';

const NONCE_BYTES = 32;

/** What the head of a key says from now on of a server that has not seen every request for it. */
type Anew = Pick<KeyMarks, 'counting'>;

/**
 * That this server counts requests for a key from now on, and knows of none before. A key of a drill signs one fixed text.
 * @param more the epoch in which it joins the key; the nonce where others are asked with one already
 */
export function countingAnew(
  { clock, random }: Pick<ServerContext, 'clock' | 'random'>,
  { purpose }: Pick<KeyHead, 'purpose'>,
  {
    joined,
    nonce = random(NONCE_BYTES),
  }: { readonly joined?: number; readonly nonce?: Uint8Array | undefined } = {},
): Anew {
  if (purpose === DRILL) return {};
  return { counting: { at: clock(), nonce, told: [], ...(joined === undefined ? {} : { joined }) } };
}

/** Of a key whose share came back. */
export async function countAnew(
  context: Pick<ServerContext, 'vault' | 'clock' | 'random'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
): Promise<void> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) return;
  const head = openHead(context, row);
  const counting = countingAnew(context, head, { nonce: head.asks });
  await noteMarks(context, transaction, row, { ...marksOf(head), ...counting });
}
