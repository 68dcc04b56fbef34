import { MAX_CONTACTS } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { passIfTampered } from '../storage/tampered-row.js';
import type { ContactRow, RecoveryRow, Transaction } from '../storage/storage.js';
import { type Counter, COUNT_SECONDS, countOn } from '../sessions/waiting-time.js';
import { counted, ended } from './case.js';
import type { WaysBackMeans } from './means.js';
import { unlessRaced } from './race.js';
import { isForgotten, isOutOfTime, openCaseRow, storeCase } from './stored-cases.js';
import { changeContact, openContact, stateOf } from './stored-contacts.js';

const PAGE = 64;
/** So long somebody has to show that a contact works. Seconds. */
const UNVERIFIED_SECONDS = 86_400;

type Means = Pick<WaysBackMeans, 'context' | 'counting'>;

/** Counts for everything that waits about contacts and recoveries, and forgets what is over. Called every few seconds. */
export function createWaysBackSweep(means: Means): () => Promise<void> {
  const { context, counting } = means;
  // At once, so that what another process counted goes on soon after a start.
  let restsUntil = 0;
  return async () => {
    const counter = counting();
    if (counter.lived < restsUntil) return;
    restsUntil = counter.lived + COUNT_SECONDS;
    await sweepContacts(means, counter);
    await sweepCases(means, counter);
    await context.storage.transact(({ recoveryTries }) => recoveryTries.forget(counter.now));
  };
}

async function sweepContacts({ context }: Means, counter: Counter): Promise<void> {
  const { storage, events } = context;
  for (let after: ContactRow | null = null; ;) {
    const place: ContactRow | null = after;
    const rows: readonly ContactRow[] = await storage.read(({ contacts }) => contacts.listAll(place, PAGE));
    for (const row of rows)
      await passIfTampered(events.storageFailed, () =>
        unlessRaced(storage.transact((transaction) => countContact(context, transaction, counter, row))),
      );
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function countContact(
  context: Means['context'],
  transaction: Transaction,
  counter: Counter,
  row: ContactRow,
): Promise<void> {
  const stored = openContact(context, row);
  const { contact } = stored;
  const state = stateOf(counter, contact);
  const isLate = state === 'unverified' && counter.now - contact.setAt > UNVERIFIED_SECONDS;
  if (state === null || isLate) {
    // Held, and read again: somebody may have shown meanwhile that it works, or had it stay.
    await context.accounts.hold(transaction, row.owner);
    const now = (await transaction.contacts.of(row.owner, MAX_CONTACTS)).find(({ id }) =>
      equalBytes(id, row.id),
    );
    if (now?.version === row.version) await transaction.contacts.remove(row.owner, row.id);
    return;
  }
  if (contact.waited === null) return;
  const waited = state === 'inForce' ? null : countOn(contact.waited, counter);
  if (waited !== contact.waited) await changeContact(context, transaction, stored, { ...contact, waited });
}

async function sweepCases({ context }: Means, counter: Counter): Promise<void> {
  const { storage, events } = context;
  for (let after: Uint8Array | null = null; ;) {
    const place: Uint8Array | null = after;
    const rows: readonly RecoveryRow[] = await storage.read(({ recoveries }) =>
      recoveries.listAll(place, PAGE),
    );
    for (const row of rows)
      await passIfTampered(events.storageFailed, () =>
        unlessRaced(storage.transact((transaction) => countCase(context, transaction, counter, row))),
      );
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}

async function countCase(
  context: Means['context'],
  transaction: Transaction,
  counter: Counter,
  row: RecoveryRow,
): Promise<void> {
  const stored = openCaseRow(context, row);
  if (isOutOfTime(stored, counter)) {
    return storeCase(context, transaction, row, row, ended(stored.one, 'over'));
  }
  if (isForgotten(stored, counter)) {
    await context.accounts.hold(transaction, row.owner);
    if ((await transaction.recoveries.find(row.id))?.version === row.version)
      await transaction.recoveries.remove(row.id);
    return;
  }
  const next = counted(stored.one, counter);
  if (next !== stored.one) await storeCase(context, transaction, row, row, next);
}

/** Ends every recovery that waits, because the database is an older one: what was said of it since is not known. */
export async function voidCases({ context }: Pick<WaysBackMeans, 'context'>): Promise<void> {
  const { storage } = context;
  for (let after: Uint8Array | null = null; ;) {
    const place: Uint8Array | null = after;
    const rows: readonly RecoveryRow[] = await storage.read(({ recoveries }) =>
      recoveries.listAll(place, PAGE),
    );
    for (const row of rows.filter(({ state }) => state === 'waiting')) {
      await passIfTampered(context.events.storageFailed, () =>
        storage.transact((transaction) => {
          const { one } = openCaseRow(context, row);
          return storeCase(context, transaction, row, row, ended(one, 'over'));
        }),
      );
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}
