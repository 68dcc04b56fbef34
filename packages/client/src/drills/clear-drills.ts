import { drillKeyId, DRILL_KEY_FRESH_BYTES, isDrillKeyId, type Result } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords } from '../servers/servers.js';
import { listSessions } from '../sessions/sessions.js';
import { begunAnewAt, readAllDrills } from './drill-record.js';
import { besideKeys } from './drill-store.js';

/** Keys of drills that one server holds for this owner, whichever client made them, but for those of drills that go on here. */
export interface ServerDrillKeys {
  /** The owner's name of the server. */
  readonly server: string;
  /** How many it holds, or has forgotten. */
  readonly count: number;
  /** Why not all of them were found, or forgotten; null: all were. */
  readonly code: string | null;
}

/** Looks what {@link clearDrills} would have forgotten. Nothing is changed. */
export function planClearing(context: ClientContext): Promise<readonly ServerDrillKeys[]> {
  return atEach(context, () => Promise.resolve());
}

/**
 * Has every server forget the keys of drills that it holds for this owner: those that another client left, or that somebody made with his
 * account, so that no more can be made. No key that is for anything else has such an id.
 */
export function clearDrills(context: ClientContext): Promise<readonly ServerDrillKeys[]> {
  return atEach(context, async (link, keyId) => void (await link.call('drill.forget', { keyId })));
}

async function atEach(
  context: ClientContext,
  work: (link: ServerLink, keyId: Uint8Array) => Promise<void>,
): Promise<readonly ServerDrillKeys[]> {
  const kept = await idsThatGoOn(context);
  const at = async (server: ServerRecord): Promise<ServerDrillKeys> => {
    let count = 0;
    try {
      const link = await context.linkTo(server);
      for (const keyId of await drillKeysAt(link)) {
        if (kept.has(encodeHex(keyId))) continue;
        await work(link, keyId);
        count++;
      }
      return { server: server.name, count, code: null };
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      return { server: server.name, count, code: error.code };
    }
  };
  return Promise.all((await listServerRecords(context.store)).map(at));
}

/** One that goes on here is left to itself; one that is begun anew is not. */
async function idsThatGoOn(context: ClientContext): Promise<ReadonlySet<string>> {
  const now = context.clock();
  const drills = [...(await readAllDrills(context.store)).values()];
  const names = drills.flatMap(({ open }) => (open === null || now >= begunAnewAt(open) ? [] : [open.name]));
  const sessions = await listSessions(besideKeys(context).store);
  return new Set(
    sessions.flatMap(({ keyName, proposal }) => (names.includes(keyName) ? [encodeHex(proposal.keyId)] : [])),
  );
}

/** They stand together in the list of a server, by how their ids begin; the first of them is all zeros behind that. */
async function drillKeysAt(link: ServerLink): Promise<readonly Uint8Array[]> {
  const lowest = drillKeyId(new Uint8Array(DRILL_KEY_FRESH_BYTES));
  const page: Result<'key.list'> = await link.call('key.list', { after: lowest });
  const listed = [...page.keys.map(({ keyId }) => keyId), ...(page.unreadable ?? [])].filter(isDrillKeyId);
  return (await isHeld(link, lowest)) ? [lowest, ...listed] : listed;
}

async function isHeld(link: ServerLink, keyId: Uint8Array): Promise<boolean> {
  try {
    await link.call('key.show', { keyId });
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return false;
    throw error;
  }
}
