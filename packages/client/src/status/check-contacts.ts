import { CkmError } from '@ckm/foundation';
import type { AloneContact, ContactAt } from '../contacts/alone.js';
import { nameOfContact } from '../contacts/alone.js';
import { listContacts } from '../contacts/contacts.js';
import type { ClientContext } from '../context/context.js';
import type { DoctorLine } from './doctor-line.js';

/** Whether one contact is enough alone for a key, or the same everywhere: whoever has it has the account at each of those servers, after a delay. */
export async function checkContacts(context: ClientContext): Promise<readonly DoctorLine[]> {
  try {
    const { contacts, alone } = await listContacts(context);
    return contactLines(contacts, alone);
  } catch (error) {
    if (error instanceof CkmError) return [];
    throw error;
  }
}

const FIX = 'choose different contacts at different servers, then remove those that are the same';

/** @param alone as `aloneContacts` finds them */
export function contactLines(
  contacts: readonly ContactAt[],
  alone: readonly AloneContact[],
): readonly DoctorLine[] {
  const lines = alone.map(({ who, key, servers, needed }): DoctorLine => ({
    level: 'warn',
    subject: key,
    text: `NOT a way back: ${whoText(who)} would bring back ${servers.join(', ')}, and with ${needed} of them the key is usable`,
    fix: FIX,
  }));
  const servers = [...new Set(contacts.map(({ server }) => server))];
  const same = [...new Set(contacts.map(nameOfContact))].filter(
    (who) =>
      who !== null &&
      servers.every((server) => contacts.some((one) => one.server === server && nameOfContact(one) === who)),
  );
  if (lines.length > 0 || servers.length < 2 || same.length === 0) return lines;
  const text = `are the same at all of ${servers.join(', ')}: ${same.map((who) => whoText(who!)).join(', and ')}`;
  return [{ level: 'warn', subject: 'contacts', text, fix: FIX }];
}

function whoText(who: string): string {
  if (who === 'app') return 'one and the same telephone with your apps';
  return who === 'person' ? 'one and the same person' : who;
}
