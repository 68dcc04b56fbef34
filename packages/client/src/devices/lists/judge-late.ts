import { CkmError, equalBytes } from '@ckm/foundation';
import { asXid } from '@ckm/gordian';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import type { UnsentChange } from './device-change.js';
import { lookAtList } from './read-list.js';
import { speakTo } from './speaker.js';
import { unsentAt } from './unsent.js';

/**
 * Whether a change that a server has not heard is still to be told. Whoever removed a device that was let in elsewhere had nothing to tell that server, which
 * never knew it: told now, it would let it in again.
 * @returns `over`: it is out where others were told that it is in; `unknown`: none of them says
 */
export async function judgeLate(
  context: ClientContext,
  { change, elsewhere }: UnsentChange,
): Promise<'due' | 'over' | 'unknown'> {
  if (change.kind === 'remove') return 'due';
  const servers = await listServerRecords(context.store);
  const said: (boolean | null)[] = [];
  for (const { server: xid, id } of elsewhere) {
    const server = servers.find((one) => equalBytes(one.xid, xid));
    if (server === undefined || !(await isTold(context, server, id))) continue;
    said.push(await isListed(context, server, id));
  }
  if (said.length === 0) return 'due';
  if (said.includes(false)) return 'over';
  return said.includes(true) ? 'due' : 'unknown';
}

async function isTold({ store }: ClientContext, { xid }: ServerRecord, id: Uint8Array): Promise<boolean> {
  const unsent = await unsentAt(store, asXid(xid));
  return !unsent.some(({ change }) => change.kind === 'put' && equalBytes(change.key.id, id));
}

/** Null: that server does not say. */
async function isListed(
  context: ClientContext,
  server: ServerRecord,
  id: Uint8Array,
): Promise<boolean | null> {
  try {
    const { list } = await speakTo(context, server, null, async (speaker) => lookAtList(context, speaker));
    return list.keys.some((key) => equalBytes(key.id, id));
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
