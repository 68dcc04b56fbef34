import { type DeviceKey, deviceId, deviceKey } from '@ckm/api';
import { CkmError, equalBytes, type Secret, StateError, wipe } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import type { ClientContext } from '../../context/context.js';
import { accountOfWords, DEVICE_SLOTS } from '../../owner/device-secrets.js';
import { openDeviceName, sealDeviceName } from '../../owner/device-notes.js';
import { householdIn } from '../../owner/owner.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { changeLists } from './change-lists.js';
import { readKnownList } from './known-list.js';
import { readList } from './read-list.js';
import { speakTo } from './speaker.js';

/**
 * Refuses words of somebody else before anybody is told anything with them.
 * @throws StateError `WORDS_DIFFER`
 */
export async function assertOwnWords(context: ClientContext, words: Secret<Uint8Array>): Promise<void> {
  const { device } = await context.owner();
  const servers = await listServerRecords(context.store);
  const known = servers.find(
    ({ xid }) => device === null || device.accounts.some(({ server }) => equalBytes(server, xid)),
  );
  if (known === undefined) return;
  const { xid } = await context.identityFor(known.xid);
  if (!equalBytes(accountOfWords(words, known.xid), xid)) throw wordsDiffer();
}

/** What was typed is a backup of somebody else, or of another seed. */
function wordsDiffer(): StateError {
  return new StateError('these words are of another owner than the one here', {
    code: 'WORDS_DIFFER',
    hint: 'type the words that this owner began with',
    retryable: false,
  });
}

/** A device learns who it is at one server more; that is kept before the server hears of it. @throws StateError `DEVICE_SERVERS_TOO_MANY` */
export async function learnAccount(context: ClientContext, server: Xid, account: Xid): Promise<void> {
  const owner = await context.owner();
  const taken = new Set(owner.device?.accounts.map(({ slot }) => slot));
  const slot = Array.from({ length: DEVICE_SLOTS }, (_, i) => i).find((one) => !taken.has(one));
  if (slot === undefined) throw serversTooMany(taken.size + 1, DEVICE_SLOTS);
  const bytes = owner.learn({ server, account, slot });
  try {
    await context.keepDevice(bytes);
  } finally {
    wipe(bytes);
  }
}

export function serversTooMany(servers: number, most: number): StateError {
  return new StateError(`you have ${servers} servers, and one device can be known to ${most}`, {
    code: 'DEVICE_SERVERS_TOO_MANY',
    hint: 'remove servers that no key needs',
    retryable: false,
  });
}

/** Has a server let the device at hand in, under its name and with what it may elsewhere. @param words they sign */
export async function letDeviceIn(
  context: ClientContext,
  server: ServerRecord,
  words: Secret<Uint8Array>,
): Promise<void> {
  const household = householdIn(await context.owner());
  const elsewhere = (await ownEntry(context)) ?? (await askedEntry(context));
  const { publicKeys } = await context.identityFor(server.xid);
  const name =
    (elsewhere === null ? null : openDeviceName(household, elsewhere.publicKeys, elsewhere.notes)) ??
    'device';
  const notes = sealDeviceName(household, publicKeys, name, context.random);
  const key = deviceKey(publicKeys, elsewhere?.may ?? ['use'], notes);
  const [done] = await changeLists(context, [{ server, change: { kind: 'put', name, key } }], words);
  if (done!.error !== null) throw done!.error;
}

/** Asks the other servers first, where nobody has looked here yet: a device that manages elsewhere would only use keys there. */
async function askedEntry(context: ClientContext): Promise<DeviceKey | null> {
  const servers = (await listServerRecords(context.store)).filter(
    ({ accountSince }) => accountSince !== null,
  );
  for (const server of servers) {
    try {
      await speakTo(context, server, null, async (speaker) => readList(context, speaker));
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
    }
  }
  return ownEntry(context);
}

/** How the device at hand stands in the list of another server, as it was last seen. Null: in none. */
async function ownEntry(context: ClientContext): Promise<DeviceKey | null> {
  for (const { xid } of await listServerRecords(context.store)) {
    const known = await readKnownList(context.store, xid);
    if (known === null) continue;
    const own = deviceId((await context.identityFor(xid)).publicKeys);
    const found = known.list.keys.find(({ id }) => equalBytes(id, own));
    if (found !== undefined) return found;
  }
  return null;
}
