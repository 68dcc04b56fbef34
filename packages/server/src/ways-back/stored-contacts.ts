import type { ContactKind, ContactState, ContactView } from '@ckm/api';
import { MAX_CONTACTS } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { AccountKey } from '../accounts/accounts.js';
import type { ContactRow, Reader, Transaction } from '../storage/storage.js';
import { type Counter, countedBy, type WaitingTime } from '../sessions/waiting-time.js';
import { passIfTampered } from '../storage/tampered-row.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { WaysBackMeans } from './means.js';

/** A contact of an account, as it is kept. */
export interface Contact {
  readonly kind: ContactKind;
  /** As `ContactView` has it. */
  readonly name: string;
  /** Of `totp`: what the app has too, 20 bytes; else null. */
  readonly secret: Uint8Array | null;
  readonly delaySeconds: number;
  readonly setAt: number;
  readonly setBy: Uint8Array;
  /** Null: nobody has shown yet that it works. */
  readonly verifiedAt: number | null;
  /** Of the last code or voucher that was taken, so that none is taken twice; null: none was. */
  readonly lastStep: number | null;
  /** What it waits for, to come or to leave; null: for nothing. */
  readonly waited: WaitingTime | null;
  /** The key that has it leave; null: it stays. */
  readonly leavesBy: Uint8Array | null;
}

export interface StoredContact {
  readonly row: ContactRow;
  readonly contact: Contact;
}

type Sealer = Pick<WaysBackMeans['context'], 'vault'>;

/** Those of an account. One that is not what this server stored brings nobody back, is reported, and keeps nothing of the others from going on. */
export async function contactsOf(
  context: Pick<WaysBackMeans['context'], 'vault' | 'events'>,
  reader: Reader,
  owner: Uint8Array,
): Promise<readonly StoredContact[]> {
  const found: StoredContact[] = [];
  for (const row of await reader.contacts.of(owner, MAX_CONTACTS)) {
    await passIfTampered(context.events.storageFailed, async () => {
      found.push(openContact(context, row));
    });
  }
  return found;
}

export function openContact({ vault }: Sealer, row: ContactRow): StoredContact {
  return { row, contact: openRecord<Contact>(vault, 'contacts', row) };
}

export function sealContact(
  { vault }: Sealer,
  columns: Omit<ContactRow, 'sealed'>,
  contact: Contact,
): ContactRow {
  return sealRecord(vault, 'contacts', columns, contact);
}

/** Writes a contact over what was stored of it. */
export async function changeContact(
  context: Sealer,
  transaction: Transaction,
  { row }: Pick<StoredContact, 'row'>,
  contact: Contact,
  handle: Uint8Array | null = row.handle,
): Promise<void> {
  const { sealed: _sealed, ...columns } = row;
  const next = { ...columns, handle, version: row.version + 1 };
  await transaction.contacts.update(sealContact(context, next, contact));
}

/** Ends what somebody has begun about contacts: what they set does not come, what they had leave stays. */
export async function endBegun(
  { context, counting }: Pick<WaysBackMeans, 'context' | 'counting'>,
  transaction: Transaction,
  owner: Uint8Array,
  isTheirs: (by: Uint8Array) => boolean,
): Promise<void> {
  const counter = counting();
  for (const stored of await contactsOf(context, transaction, owner)) {
    const { row, contact } = stored;
    const state = stateOf(counter, contact);
    const isNew = state === 'coming' || state === 'unverified';
    if (isNew && isTheirs(contact.setBy)) await transaction.contacts.remove(owner, row.id);
    else if (state === 'leaving' && contact.leavesBy !== null && isTheirs(contact.leavesBy))
      await changeContact(context, transaction, stored, { ...contact, waited: null, leavesBy: null });
  }
}

/** Null: its time to leave is over, and it is not there any more. */
export function stateOf(counter: Counter, { verifiedAt, waited, leavesBy }: Contact): ContactState | null {
  if (verifiedAt === null) return 'unverified';
  const isOver = waited === null || countedBy(counter, waited) >= waited.needed;
  if (leavesBy !== null) return isOver ? null : 'leaving';
  return isOver ? 'inForce' : 'coming';
}

/** Whether it brings its owner back. */
export function isUsable(counter: Counter, contact: Contact): boolean {
  const state = stateOf(counter, contact);
  return state === 'inForce' || state === 'leaving';
}

/** Letters of the name of an app that say which one it is, and name nothing: the others have 40 bits. */
const SHOWN_LETTERS = 4;

/** Whether a key sets up an app: it alone, and the words, see what the app has too, until it is verified. */
export function setsUp({ contact }: Pick<StoredContact, 'contact'>, by: AccountKey): boolean {
  return contact.verifiedAt === null && (by.may === null || equalBytes(contact.setBy, by.id));
}

/** Whoever knows the name of an app can use up its tries: it stands in the app alone, and is shown to whoever sets that up. */
function shownName(stored: Pick<StoredContact, 'contact'>, by: AccountKey): string {
  const { kind, name } = stored.contact;
  return kind !== 'totp' || setsUp(stored, by) ? name : `${name.slice(0, SHOWN_LETTERS)}…`;
}

/** @param by whoever is shown it */
export function viewOf(counter: Counter, stored: StoredContact, by: AccountKey): ContactView | null {
  const { row, contact } = stored;
  const state = stateOf(counter, contact);
  if (state === null) return null;
  const { kind, delaySeconds, setAt, setBy, waited } = contact;
  const name = shownName(stored, by);
  const isWaiting = waited !== null && (state === 'coming' || state === 'leaving');
  const readyAt = isWaiting ? counter.now + waited.needed - countedBy(counter, waited) : null;
  return { id: row.id, kind, state, name, delaySeconds, setAt, setBy, readyAt };
}
