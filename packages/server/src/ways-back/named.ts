import { type ContactName, contactXid, type Parameters } from '@ckm/api';
import { concatBytes } from '@ckm/foundation';
import type { AskerCall } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import type { Decoys } from './decoy.js';
import { handleOf } from './handles.js';
import type { WaysBackMeans } from './means.js';
import { type Judged, judgeProof, type ReadProof } from './proof.js';
import { isUsable, openContact, type StoredContact } from './stored-contacts.js';
import { isSecondCode, MOST_TRIES, takeTry } from './tries.js';

/** Contacts of one name that are looked at: one and the same address may be that of several accounts. */
const MOST_NAMED = 8;
/** Of a code that is sent and holds for one key: it has more digits. */
const MOST_LONG_TRIES = 200;

export interface NamedMeans extends WaysBackMeans {
  readonly decoys: Decoys;
}

/**
 * Judges what somebody shows who names a contact, after it was counted. With a name that nobody has the same is read, computed and written.
 * @returns null: it shows nobody to be a contact
 */
export async function judgeNamed(
  { context, counting, decoys }: NamedMeans,
  transaction: Transaction,
  { sender }: AskerCall,
  { contact, deed }: Pick<Parameters<'recovery.prove'>, 'contact' | 'deed'>,
  read: ReadProof,
): Promise<{ readonly stored: StoredContact; readonly judged: Judged } | null> {
  const handle = handleOfName(context, contact, read);
  const most = contact.kind === 'totp' ? MOST_TRIES : MOST_LONG_TRIES;
  const ofAsker = handleOf(context.handleKey, 'asker', concatBytes(handle, sender));
  const isAllowed = await takeTry(context, transaction, handle, most);
  const isOfFew = await takeTry(context, transaction, ofAsker);
  const rows = await transaction.contacts.withHandle(handle, MOST_NAMED);
  const found =
    rows.length === 0 ? [decoys(contact.kind, handle)] : rows.map((row) => openContact(context, row));
  const meant = { vouched: deed === 'veto' ? 'veto' : 'recovery', about: sender } as const;
  const counter = counting();
  const shown = found.flatMap((stored) => {
    const judged = judgeProof(context, stored, read, meant);
    const isReal = rows.length > 0 && isUsable(counter, stored.contact);
    return judged !== null && isReal ? [{ stored, judged }] : [];
  });
  // The one that was there first.
  const first = shown.toSorted((a, b) => a.stored.contact.setAt - b.stored.contact.setAt)[0] ?? null;
  // Nobody guesses a voucher: it is counted so that it leaves what others leave.
  if (first === null || read.kind === 'voucher') return first;
  if (!isOfFew) return null;
  const isHeard = isAllowed || (await isSecondCode(context, transaction, ofAsker, first.judged.step));
  return isHeard ? first : null;
}

function handleOfName(
  { handleKey }: WaysBackMeans['context'],
  { kind, name }: ContactName,
  read: ReadProof,
): Uint8Array {
  if (kind !== 'xid') return handleOf(handleKey, kind, name.toLowerCase());
  return handleOf(handleKey, 'xid', read.kind === 'voucher' ? contactXid(read.voucher) : new Uint8Array(32));
}
