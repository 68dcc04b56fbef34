import type { ContactNews } from '../outbox/contact-texts.js';
import { PEOPLE_MAIL, type PeopleMail } from '../outbox/people-ways.js';
import type { Transaction } from '../storage/storage.js';
import type { WaysBackMeans } from './means.js';
import { contactsOf, isUsable } from './stored-contacts.js';

/** Tells every contact of an account that can be told. Devices see it when they next look; the operator is told by the audit log. */
export async function tellContacts(
  { context, counting }: WaysBackMeans,
  transaction: Transaction,
  owner: Uint8Array,
  what: ContactNews,
): Promise<void> {
  const counter = counting();
  for (const { contact } of await contactsOf(context, transaction, owner)) {
    if (contact.kind !== 'mail' || !isUsable(counter, contact)) continue;
    const content: PeopleMail = { to: contact.name, what, at: context.clock() };
    await context.outbox.put(transaction, { owner, way: PEOPLE_MAIL, content });
  }
}
