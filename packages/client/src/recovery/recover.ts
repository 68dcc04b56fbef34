import { type CaseView, type ContactName, type ContactProof, type Vouched } from '@ckm/api';
import { CkmError, equalBytes, StateError, wipe } from '@ckm/foundation';
import { type Identity, type PublicKeys, wipeIdentity, type Xid, xidOf } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import { writeVouchRequest } from '../contacts/papers.js';
import type { ClientContext } from '../context/context.js';
import { serversTooMany } from '../devices/lists/own-device.js';
import { type AddServerArgs, pinServer } from '../introduction/add-server.js';
import {
  askerIdentity,
  DEVICE_SLOTS,
  type DeviceSecrets,
  householdOfReturned,
} from '../owner/device-secrets.js';
import { sealDeviceName } from '../owner/device-notes.js';
import type { ServerRecord } from '../servers/server-record.js';
import { saveServerRecord, showServerRecord } from '../servers/servers.js';
import { parseName } from '../store/names.js';
import { listRecoveries, type RecoveryRecord, removeRecovery, saveRecovery } from './recovery-record.js';

/** An account that is wanted back at a server. */
export interface Recovery {
  readonly server: ServerRecord;
  /** 32 bytes: the id of the key that asks. Its likeness is what contacts and operators compare. */
  readonly key: Xid;
}

/**
 * Pins a server at which an account is wanted back, and has this device ask there with a key of its own; or goes on with that. The server is told nothing yet.
 * @throws as `addServer`; StateError `RECOVERY_WORDS_HERE`, `RECOVERY_NOT_NEEDED`, `DEVICE_SERVERS_TOO_MANY`
 */
export async function beginRecovery(
  context: ClientContext,
  args: Omit<AddServerArgs, 'invite' | 'words'>,
): Promise<Recovery> {
  await askingDevice(context);
  const server = await pinServer(context, args);
  const device = await askingDevice(context);
  if (device.accounts.some((one) => equalBytes(one.server, server.xid))) throw notNeeded(server.name);
  const open = await listRecoveries(context.store);
  if (!open.some((one) => equalBytes(one.server, server.xid))) {
    const slot = freeSlot(device, open);
    await saveRecovery(context.store, { server: server.xid, slot, begunAt: context.clock() });
  }
  return openRecovery(context, args.name);
}

/** What was begun. @throws UsageError `SERVER_UNKNOWN`; StateError `RECOVERY_NOT_BEGUN` */
export async function openRecovery(context: ClientContext, name: string): Promise<Recovery> {
  return asAsker(context, name, (asker) =>
    Promise.resolve({ server: asker.server, key: xidOf(asker.identity.publicKeys) }),
  );
}

/** What a contact, or the operator in person, is asked to vouch for, as `ur:envelope/…`. */
export async function requestVoucher(
  context: ClientContext,
  name: string,
  vouched: Exclude<Vouched, 'contact'>,
): Promise<string> {
  return asAsker(context, name, ({ server, identity }) =>
    Promise.resolve(writeVouchRequest({ server: server.xid, vouched, keys: identity.publicKeys })),
  );
}

/** Has a code sent to an address, if it is that of a contact: the server does not say. @returns UnixSeconds: until when one holds */
export async function requestCode(context: ClientContext, name: string, address: string): Promise<number> {
  const contact = { kind: 'mail', name: address } as const;
  const { until } = await asAsker(context, name, ({ ask }) =>
    ask.call('recovery.open', { contact }, STRANGER),
  );
  return until;
}

const STRANGER = { introduce: true } as const;

export interface ProveContactArgs {
  /** The owner's name of it. */
  readonly server: string;
  readonly contact: ContactName;
  readonly proof: ContactProof;
  readonly deed: 'recover' | 'veto';
}

export async function proveContact(
  context: ClientContext,
  { server, ...shown }: ProveContactArgs,
): Promise<CaseView> {
  return asAsker(context, server, ({ ask }) => ask.call('recovery.prove', shown, STRANGER));
}

/** How far it is; null: no contact was shown yet. */
export async function showRecovery(context: ClientContext, name: string): Promise<CaseView | null> {
  try {
    return await asAsker(context, name, ({ ask }) => ask.call('recovery.show', {}, STRANGER));
  } catch (error) {
    if (error instanceof CkmError && error.code === 'RECOVERY_UNKNOWN') return null;
    throw error;
  }
}

/**
 * Takes the place of every device of the account, when the delay is over; killed and done again it is done once.
 * @param wanted what this device is called
 * @throws StateError `RECOVERY_EARLY`, `RECOVERY_ENDED`
 */
export async function finishRecovery(context: ClientContext, name: string, wanted: string): Promise<void> {
  const called = parseName('device', wanted);
  await asAsker(context, name, async ({ server, record, identity, device, ask }) => {
    const { publicKeys } = identity;
    const notes = notesOf(context, device, publicKeys, called);
    const { account } = await ask.call('recovery.finish', { notes }, STRANGER);
    await learn(context, record, account as Xid);
    await saveServerRecord(context.store, { ...server, accountSince: context.clock() });
    await removeRecovery(context.store, record);
  });
}

function notesOf(
  { random }: ClientContext,
  device: DeviceSecrets,
  keys: PublicKeys,
  name: string,
): Uint8Array {
  const household = householdOfReturned(device);
  try {
    return sealDeviceName(household, keys, name, random);
  } finally {
    if (household !== device.household) wipe(household);
  }
}

async function learn(context: ClientContext, { server, slot }: RecoveryRecord, account: Xid): Promise<void> {
  const owner = await context.owner();
  const bytes = owner.learn({ server, account, slot });
  try {
    await context.keepDevice(bytes);
  } finally {
    wipe(bytes);
  }
}

interface Asker {
  readonly server: ServerRecord;
  readonly record: RecoveryRecord;
  readonly device: DeviceSecrets;
  readonly identity: Identity;
  readonly ask: ServerLink;
}

async function asAsker<T>(
  context: ClientContext,
  name: string,
  work: (asker: Asker) => Promise<T>,
): Promise<T> {
  const device = await askingDevice(context);
  const server = await showServerRecord(context.store, name);
  const record = (await listRecoveries(context.store)).find((one) => equalBytes(one.server, server.xid));
  if (record === undefined) throw notBegun(name);
  const identity = askerIdentity(device, record.slot);
  try {
    return await work({ server, record, device, identity, ask: context.linkAs(identity, server) });
  } finally {
    wipeIdentity(identity);
  }
}

/** Whoever has the words needs nobody to let him in. */
async function askingDevice(context: ClientContext): Promise<DeviceSecrets> {
  const { device } = await context.owner();
  if (device !== null) return device;
  throw new StateError('the words lie in this folder, and no device', {
    code: 'RECOVERY_WORDS_HERE',
    hint: 'add the server: with the words the account is yours',
    retryable: false,
  });
}

/** From the last one: those of servers that are added come from the first. */
function freeSlot({ accounts }: DeviceSecrets, open: readonly RecoveryRecord[]): number {
  const taken = new Set([...accounts, ...open].map(({ slot }) => slot));
  for (let slot = DEVICE_SLOTS - 1; slot >= 0; slot--) if (!taken.has(slot)) return slot;
  throw serversTooMany(taken.size + 1, DEVICE_SLOTS);
}

function notNeeded(name: string): StateError {
  return new StateError(`this device is in at ${name}`, {
    code: 'RECOVERY_NOT_NEEDED',
    hint: 'go on with it; nothing is to be recovered there',
    retryable: false,
  });
}

function notBegun(name: string): StateError {
  return new StateError(`no account is wanted back at ${name} from here`, {
    code: 'RECOVERY_NOT_BEGUN',
    hint: 'begin it, with the address of the server',
    retryable: false,
  });
}
