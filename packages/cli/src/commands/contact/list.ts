import type { Client, ContactAt } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { aloneText, contactObject, contactRow } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm contact list` */
export function contactListCommand(): Command {
  return leaf('list', 'who brings you back at each server when every device is lost').action(run(list));
}

async function list(context: Context): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const { contacts, silent, alone } = await client.listContacts();
  const accounts = await accountsOf(client, contacts);
  const rows = contacts.map((one) => contactRow(one, accounts.get(one.server)).map(plainText));
  terminal.result(rows.length === 0 ? 'no contacts: the words alone bring you back' : formatTable(rows), {
    contacts: contacts.map((one) => ({
      ...contactObject(one),
      ...(one.kind === 'operator' ? { account: accounts.get(one.server) ?? null } : {}),
    })),
    silent,
    alone,
  });
  for (const one of alone) terminal.warn(`  ${aloneText(one)}`);
  for (const { server, text } of silent) terminal.warn(`  ${server}: ${plainText(text)}`);
}

/** By server, in hex: what its operator was to note where he is a contact. */
async function accountsOf(
  client: Client,
  contacts: readonly ContactAt[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { server, kind } of contacts) {
    const account = kind === 'operator' ? await client.accountAt(server) : null;
    if (account !== null) found.set(server, encodeHex(account));
  }
  return found;
}
