import { CkmError, reveal, type Secret, secret } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { openOwner } from '../owner/open-owner.js';
import { likenessLine } from '../terminal/likeness.js';
import { plainText } from '../terminal/plain-text.js';
import type { AcceptedSheet } from './accept-sheet.js';

/** Names of the servers that were added, and of those that were not. */
export interface AddedServers {
  readonly added: readonly string[];
  readonly failed: readonly string[];
}

/**
 * Adds the servers of a recovery sheet, each pinned to the identity that stands there: whoever else answers at its address
 * is refused. One that does not answer keeps no other away. What the sheet says of keys is remembered until they are fetched.
 */
export async function addFromSheet(
  context: Context,
  seed: Secret<Uint8Array>,
  { servers, keys }: AcceptedSheet,
): Promise<AddedServers> {
  const { terminal } = context;
  const copy = secret(reveal(seed, 'adding the servers of a recovery sheet').slice());
  const client = await openOwner(context, copy);
  await client.expectKeys(keys);
  const added: string[] = [];
  const failed: string[] = [];
  for (const { name, url, xid } of servers) {
    try {
      await client.addServer({ name, url, expectedXid: xid });
      added.push(name);
      terminal.talk(`  added ${name}   ${likenessLine(xid)}`);
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
      failed.push(name);
      terminal.warn(`ckm: warning: ${name} was not added: ${plainText(error.message)} (${error.code})`);
    }
  }
  return { added, failed };
}
