import { CkmError, encodeHex } from '@ckm/foundation';
import type { CallOptions } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listSessions } from '../../sessions/sessions.js';
import { newestParams } from '../chain/key-chain.js';
import { listKeyRecords } from '../keys.js';
import { type HeldKeys, listHeldKeys } from './held-keys.js';

/** What a server says it holds of ours, or why it does not say. */
export async function heldKeysOf(
  context: ClientContext,
  server: ServerRecord,
  options: CallOptions = {},
): Promise<HeldKeys | CkmError> {
  try {
    return await listHeldKeys(await context.linkTo(server), options);
  } catch (error) {
    if (error instanceof CkmError) return error;
    throw error;
  }
}

/** Ids, in hex, of every key that is on record or that a ceremony on record began. @throws StorageError `STORE_CORRUPT` */
export async function recordedKeyIds({ store }: Pick<ClientContext, 'store'>): Promise<ReadonlySet<string>> {
  const keys = (await listKeyRecords(store)).map((record) => newestParams(record).keyId);
  const begun = (await listSessions(store)).map(({ proposal }) => proposal.keyId);
  return new Set([...keys, ...begun].map(encodeHex));
}

/** How many keys that could be fetched a server holds besides those on record. */
export function countUnrecorded(held: HeldKeys | CkmError, recorded: ReadonlySet<string>): number {
  if (held instanceof CkmError) return 0;
  const usable = held.keys.filter(({ state }) => state === 'active');
  return usable.filter(({ keyId }) => !recorded.has(encodeHex(keyId))).length;
}
