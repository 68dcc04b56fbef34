import { equalBytes, UsageError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { readExpectedKeys, saveExpectedKeys } from '../keys/fetch/expected-keys.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords, saveServerRecord } from '../servers/servers.js';
import type { Welcome } from './welcome.js';

/**
 * Puts on record what a welcome says of servers, and remembers what it says of keys until they are fetched and checked. Done again it is done once.
 * @throws UsageError `SERVER_EXISTS`: another server is on record under the name of one, or one under another name
 */
export async function takeWelcome(context: ClientContext, { servers, keys }: Welcome): Promise<void> {
  const { store } = context;
  const before = await listServerRecords(store);
  for (const server of servers) assertFits(before, server);
  for (const { account: _account, slot: _slot, ...server } of servers) {
    const known = before.find(({ name }) => name === server.name);
    await saveServerRecord(store, { accountSince: known?.accountSince ?? context.clock(), ...server });
  }
  const others = (await readExpectedKeys(store)).filter(
    ({ transcriptHash }) => !keys.some((one) => equalBytes(one.transcriptHash, transcriptHash)),
  );
  await saveExpectedKeys(store, [...others, ...keys]);
}

function assertFits(
  before: readonly ServerRecord[],
  { name, xid }: Pick<ServerRecord, 'name' | 'xid'>,
): void {
  const isFitting = before.every((one) => (one.name === name) === equalBytes(one.xid, xid));
  if (isFitting) return;
  throw new UsageError(`the welcome calls another server ${name} than you do here`, {
    code: 'SERVER_EXISTS',
    hint: 'remove the server that you added here under that name, or this one under another name',
  });
}
