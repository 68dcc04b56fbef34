import {
  type DevicesDocument,
  followDevices,
  isLastOfBand,
  nextDevices,
  type SignedDevices,
  signDevices,
} from '@ckm/api';
import { CkmError, encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { householdIn } from '../../owner/owner.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { changedKeys, type DeviceChange, isSameChange, type UnsentChange } from './device-change.js';
import { judgeLate } from './judge-late.js';
import { behind, readKnownList, saveKnownList } from './known-list.js';
import { readList } from './read-list.js';
import { type Speaker, speakTo } from './speaker.js';
import { listUnsent, unsentAt, updateUnsent } from './unsent.js';

/** What became of a change at one server. `unsent`: it was not reached, and is told when it next answers. */
export interface ChangedAt {
  readonly server: string;
  readonly outcome: 'done' | 'unsent' | 'refused';
  readonly error: CkmError | null;
}

/** A change that is meant for one server. */
export interface MeantFor {
  readonly server: ServerRecord;
  readonly change: DeviceChange;
}

/** How often a list is made anew that another device was faster with. */
const MOST_TRIES = 4;

/**
 * Has each server take a change in. What is decided is on record before the first of them is told, so that it goes on whenever this process ends.
 * @param words typed for this alone: they sign; null: whoever this client is signs
 */
export async function changeLists(
  context: ClientContext,
  wanted: readonly MeantFor[],
  words: Secret<Uint8Array> | null,
): Promise<readonly ChangedAt[]> {
  for (const { server, change } of wanted) {
    const elsewhere = elsewhereThan(server, wanted);
    const one: UnsentChange = { change, madeAt: context.clock(), signed: null, elsewhere };
    await updateUnsent(context.store, server.xid, (before) => [
      ...before.filter((other) => !isSameChange(other.change, change)),
      one,
    ]);
  }
  return Promise.all(
    wanted.map(async ({ server, change }) => sendTo(context, server, { words, decided: change })),
  );
}

/** Where else the same device is let in, and by which key. */
function elsewhereThan(server: ServerRecord, wanted: readonly MeantFor[]): UnsentChange['elsewhere'] {
  return wanted.flatMap(({ server: { xid }, change }) =>
    change.kind === 'put' && !equalBytes(xid, server.xid) ? [{ server: xid, id: change.key.id }] : [],
  );
}

/** Tells servers that have just answered what they have not heard. Whatever comes of it is seen by whoever looks next. */
export async function sendUnsent(context: ClientContext): Promise<void> {
  const waiting = (await listUnsent(context.store)).map(({ server }) => encodeHex(server));
  const servers = (await listServerRecords(context.store)).filter(({ xid }) => {
    const name = encodeHex(xid);
    return waiting.includes(name) && context.answered.has(name);
  });
  const sending = { words: null, decided: null };
  await Promise.all(servers.map(async (server) => sendTo(context, server, sending)));
}

interface Sending {
  readonly words: Secret<Uint8Array> | null;
  /** What was decided just now, by somebody who is told what comes of it; null: nobody is, and what a server refuses stays, so that it is named until somebody looks. */
  readonly decided: DeviceChange | null;
}

/** Everything that a server has not heard, in order. */
async function sendTo(
  context: ClientContext,
  server: ServerRecord,
  { words, decided }: Sending,
): Promise<ChangedAt> {
  const { store } = context;
  for (const unsent of await unsentAt(store, server.xid)) {
    const isNew = decided !== null && isSameChange(unsent.change, decided);
    const verdict = isNew ? 'due' : await judgeLate(context, unsent);
    if (verdict === 'over') await updateUnsent(store, server.xid, replacing(unsent, null));
    // What comes behind it is not kept waiting: it may take a device out.
    if (verdict !== 'due') continue;
    const { outcome, error } = await sendOne(context, server, words, unsent);
    if (outcome === 'unsent') {
      const signed = words === null ? null : await signAhead(context, server, words, unsent);
      if (signed !== null) await updateUnsent(store, server.xid, replacing(unsent, { ...unsent, signed }));
      return { server: server.name, outcome, error };
    }
    const isKept = outcome === 'refused' && decided === null;
    if (!isKept) await updateUnsent(store, server.xid, replacing(unsent, null));
    if (outcome === 'refused') return { server: server.name, outcome, error };
  }
  return { server: server.name, outcome: 'done', error: null };
}

function replacing(
  unsent: UnsentChange,
  by: UnsentChange | null,
): (changes: readonly UnsentChange[]) => readonly UnsentChange[] {
  const isIt = ({ change, madeAt }: UnsentChange) =>
    madeAt === unsent.madeAt && isSameChange(change, unsent.change);
  return (changes) =>
    changes.flatMap((one) => {
      if (!isIt(one)) return [one];
      return by === null ? [] : [by];
    });
}

async function sendOne(
  context: ClientContext,
  server: ServerRecord,
  words: Secret<Uint8Array> | null,
  unsent: UnsentChange,
): Promise<Omit<ChangedAt, 'server'>> {
  try {
    await speakTo(context, server, words, async (speaker) => changeAt(context, speaker, unsent));
    return { outcome: 'done', error: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { outcome: error.errorClass === 'AvailabilityError' ? 'unsent' : 'refused', error };
  }
}

/** Codes of a server that another device was faster with. */
const OVERTAKEN: readonly string[] = ['DEVICES_OLD', 'DEVICES_LINK_MISSING', 'DEVICES_TWICE'];

async function changeAt(
  context: ClientContext,
  speaker: Speaker,
  { change, signed }: UnsentChange,
): Promise<void> {
  const household = householdIn(await context.owner());
  for (let left = MOST_TRIES - 1; ; left--) {
    const known = await readList(context, speaker);
    const keys = changedKeys(known.list.keys, change, household);
    if (keys === null) return;
    const next = fitting(known.list, signed) ?? signNext(known.list, keys, speaker, change);
    const after = behind(known, [next]);
    try {
      await speaker.link.call('device.update', { documents: [{ ...next }] });
      await saveKnownList(context.store, after);
      return;
    } catch (error) {
      const isOvertaken = error instanceof CkmError && OVERTAKEN.includes(error.code);
      if (!isOvertaken || left === 0) throw error;
    }
  }
}

/** What the words signed ahead, if it still follows the list in force. */
function fitting(list: DevicesDocument, signed: SignedDevices | null): SignedDevices | null {
  if (signed === null) return null;
  try {
    followDevices(list, signed);
    return signed;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/** @throws AccessError `DEVICES_NOT_ALLOWED`; StateError `DEVICES_TOO_MANY`: what the server would refuse is refused here */
function signNext(
  list: DevicesDocument,
  keys: DevicesDocument['keys'],
  { id, identity, isWords }: Speaker,
  change: DeviceChange,
): SignedDevices {
  // Whoever takes a device out with the words means it whatever that device has signed since.
  const raises = isWords && (change.kind === 'remove' || isLastOfBand(list));
  const signed = signDevices(nextDevices(list, keys, id, raises), identity);
  followDevices(list, signed);
  return signed;
}

/** A server that does not answer gets later what the words sign now: they are not typed again for it. Null: its list was never seen here. */
async function signAhead(
  context: ClientContext,
  server: ServerRecord,
  words: Secret<Uint8Array>,
  { change }: UnsentChange,
): Promise<SignedDevices | null> {
  const known = await readKnownList(context.store, server.xid);
  if (known === null) return null;
  const keys = changedKeys(known.list.keys, change, householdIn(await context.owner()));
  if (keys === null) return null;
  return speakTo(context, server, words, async (speaker) => signNext(known.list, keys, speaker, change));
}
