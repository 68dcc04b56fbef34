import { type DeviceKey, MAX_DEVICES_NUMBER } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import { rosterOf } from '../keys/roster.js';
import type { ServerRecord } from '../servers/server-record.js';
import { keysWithOwner, listNow } from './keep-key-lists.js';

/** Which device the owner of a key is at one server, as that says. */
interface OwnerAt {
  /** The owner's name of the key. */
  readonly key: string;
  readonly server: ServerRecord;
  /** The id of the device in the list of the account there. */
  readonly by: Uint8Array;
}

/** Behind every list that there can be: what is asked is who the owner is. */
const LAST = { generation: 0xffff, number: MAX_DEVICES_NUMBER } as const;

/**
 * Keys whose owner is a device, at each server that has been shown which. No server's word about it is acted on: it is told to whoever looks.
 * @param names of the servers that are asked; null: all of them
 */
async function deviceOwners(
  context: ClientContext,
  names: readonly string[] | null,
  timeoutMs?: number,
): Promise<readonly OwnerAt[]> {
  const keys = await keysWithOwner(context);
  const found = await Promise.all(keys.map((key) => ownersOf(context, key, names, timeoutMs)));
  return found.flat();
}

async function ownersOf(
  context: ClientContext,
  key: CertifiedKey,
  names: readonly string[] | null,
  timeoutMs?: number,
): Promise<readonly OwnerAt[]> {
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const asked = servers.filter(({ name }) => names === null || names.includes(name));
  const all = await Promise.all(
    asked.map(async (server): Promise<readonly OwnerAt[]> => {
      try {
        const link = await context.linkTo(server);
        const question = { keyId: key.keyId, links: [], after: LAST };
        const options = timeoutMs === undefined ? {} : { timeoutMs };
        const { owner } = await link.call('key.devices', question, options);
        return owner === undefined ? [] : [{ key: key.record.name, server, by: owner.by }];
      } catch (error) {
        if (error instanceof CkmError) return [];
        throw error;
      }
    }),
  );
  return all.flat();
}

/** Names of keys whose owner is a device that is to leave the account. @param at its keys, as servers list them */
export async function keysOwnedBy(
  context: ClientContext,
  at: readonly { readonly server: ServerRecord; readonly key: DeviceKey }[],
): Promise<readonly string[]> {
  const isIt = ({ server, by }: OwnerAt) =>
    at.some((one) => equalBytes(one.server.xid, server.xid) && equalBytes(one.key.id, by));
  return namesOf((await deviceOwners(context, null)).filter(isIt));
}

/** Names of keys whose owner is a device that the account has no more at some server: nobody asks people for them but devices on their lists. */
export async function keysWithoutOwner(
  context: ClientContext,
  names: readonly string[],
  timeoutMs: number,
): Promise<readonly string[]> {
  const gone: OwnerAt[] = [];
  for (const one of await deviceOwners(context, names, timeoutMs)) {
    const known = await listNow(context, one.server);
    if (known !== null && !known.list.keys.some(({ id }) => equalBytes(id, one.by))) gone.push(one);
  }
  return namesOf(gone);
}

function namesOf(owners: readonly OwnerAt[]): readonly string[] {
  return [...new Set(owners.map(({ key }) => key))].toSorted();
}
