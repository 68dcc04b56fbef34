import {
  comparePlaces,
  type DevicesPlace,
  devicesOld,
  type DevicesView,
  devicesTwice,
  hashDevices,
  MAX_DEVICES_LINKS,
  parseDevices,
  type Parameters,
  type Result,
  type SignedDevices,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { encodePublicKeys } from '@ckm/gordian';
import type { Account, AccountDevices, DeviceSince } from '../accounts/accounts.js';
import { accessError } from '../accounts/codes.js';
import type { Call, DeviceFunctionName, Handlers, ServerContext } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import type { Counter } from '../sessions/waiting-time.js';
import { type Accepted, judgeLists } from './accept-lists.js';
import { detailOf, devicesInWords, isOfServer, lostIn, signerName } from './lists.js';
import {
  agesOf,
  assertOldEnough,
  noteYoung,
  readYoung,
  seeYoung,
  type YoungDevices,
  youngUntil,
} from './quarantine.js';
import { removedBy } from './removed.js';
import { noteStopping, readStopping } from './stopping.js';
import { keepLink, keepTwice, knownOf, listInForce, listTwice, signedBehind } from './stored-lists.js';

/**
 * Ends what these devices of an account have begun, in the transaction that takes them out of it or lets them do less.
 * @returns what is to be done once it has committed
 */
export type EndOfDevices = (
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
) => Promise<() => Promise<void>>;

/** The room of devices: lists of them, and what ends with one of them. */
export interface DeviceMeans {
  readonly context: ServerContext;
  readonly ends: readonly EndOfDevices[];
  /** This process, by which it is counted how long a device is young. */
  counting(): Counter;
}

const MOST_TWICE = 8;
/** Bytes that a list takes in the database beside itself. */
const FRAMING_BYTES = 256;

/** What `device.*` does. */
export function deviceHandlers(means: DeviceMeans): Handlers<DeviceFunctionName> {
  return {
    'device.show': (call, { after }) => showDevices(means, call, after),
    'device.update': (call, parameters) => updateDevices(means, call, parameters),
    'device.seen': (call, place) => seeDevices(means, call, place),
  };
}

async function showDevices(
  { context, counting }: DeviceMeans,
  call: Call,
  after: DevicesPlace | null,
): Promise<DevicesView> {
  const { xid } = call.account;
  return context.storage.read(async (reader) => {
    const account = (await context.accounts.find(reader, xid)) ?? call.account;
    const list = listInForce(context, account);
    const { generation, number } = list;
    const behind = await signedBehind(context, reader, xid, after, MAX_DEVICES_LINKS + 1);
    const { links, next } = pageOf(behind, account, after);
    const young = await readYoung(context, reader, xid);
    const stops = await readStopping(context, reader, account, counting());
    return {
      generation,
      number,
      hash: hashDevices(list),
      words: encodePublicKeys(list.words),
      links: [...links],
      next,
      since: (account.devices?.since ?? []).map((one) => ({ ...one, ...untilOf(counting(), young, one.id) })),
      ...(stops.length === 0 ? {} : { stops: [...stops] }),
      twice: [...(await listTwice(context, reader, xid, MOST_TWICE))],
    };
  });
}

function untilOf(counter: Counter, young: YoungDevices, id: Uint8Array): { readonly youngUntil?: number } {
  const until = youngUntil(counter, young, id);
  return until === null ? {} : { youngUntil: until };
}

/** One page of lists, the one in force last of all. */
function pageOf(
  behind: readonly SignedDevices[],
  { devices }: Account,
  after: DevicesPlace | null,
): { readonly links: readonly SignedDevices[]; readonly next: DevicesPlace | null } {
  const inForce = devices === null ? null : devices.signed;
  const isKnown = inForce === null || (after !== null && !isBehind(placeOf(inForce), after));
  const all = isKnown ? behind : [...behind, inForce];
  const links = all.slice(0, MAX_DEVICES_LINKS);
  const last = links.at(-1);
  return { links, next: all.length > links.length && last !== undefined ? placeOf(last) : null };
}

function placeOf({ document }: SignedDevices): DevicesPlace {
  const { generation, number } = parseDevices(document);
  return { generation, number };
}

function isBehind(one: DevicesPlace, other: DevicesPlace): boolean {
  return comparePlaces(one, other) > 0;
}

/** Puts lists in force, in order, or keeps what contradicts itself and says so. */
async function updateDevices(
  means: DeviceMeans,
  call: Call,
  { documents }: Parameters<'device.update'>,
): Promise<Result<'device.update'>> {
  const { context, counting } = means;
  const done = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const account = await held(context, transaction, call);
      const young = await readYoung(context, transaction, account.xid);
      const ages = agesOf(counting(), account, young);
      const outcome = await judgeLists(
        knownOf(context, transaction, account),
        (before, next) => assertOldEnough(ages, before, next),
        documents,
      );
      if (outcome.kind === 'twice') {
        await noteTwice(context, transaction, account, outcome);
        return { refused: devicesTwice(outcome.place) };
      }
      const last = outcome.lists.at(-1);
      const list = last?.list ?? listInForce(context, account);
      const after =
        last === undefined ? [] : await putInForce(means, transaction, account, young, outcome.lists);
      return { refused: null, list, after };
    }),
  );
  if (done.refused !== null) throw done.refused;
  for (const work of done.after) await work();
  const { generation, number } = done.list;
  return { generation, number, hash: hashDevices(done.list) };
}

/** The account of a message, which nobody changes until the transaction ends. */
async function held(
  { accounts }: Pick<ServerContext, 'accounts'>,
  transaction: Transaction,
  call: Call,
): Promise<Account> {
  const account = await accounts.hold(transaction, call.account.xid);
  if (account !== null) return account;
  throw accessError('ACCOUNT_UNKNOWN', 'there is no such account', 'open one');
}

/** Has whoever asks see who is new on the list in force. */
async function seeDevices(
  { context, counting }: DeviceMeans,
  call: Call,
  place: DevicesPlace,
): Promise<Result<'device.seen'>> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const account = await held(context, transaction, call);
      const list = listInForce(context, account);
      if (comparePlaces(list, place) !== 0) throw devicesOld(list);
      const by = call.by.may === null ? null : call.by.id;
      const count = await seeYoung(context, transaction, account.xid, counting(), by);
      if (count === 0) return {};
      await context.audit.append(transaction, {
        deed: 'device.seen',
        who: account.xid,
        keyId: null,
        subject: hashDevices(list),
        sentence: `See ${devicesInWords(count)} that came: list ${list.number} of generation ${list.generation}`,
        verdict: 'done',
        policy: '',
        detail: by === null ? 'by the words' : `by device ${encodeHex(by).slice(0, 8)}`,
      });
      return {};
    }),
  );
}

/** Puts lists in force that were judged, in order, in the transaction that holds their account. @returns what is to be done once it has committed */
export async function putInForce(
  { context, ends, counting }: DeviceMeans,
  transaction: Transaction,
  account: Account,
  young: YoungDevices,
  lists: readonly Accepted[],
): Promise<readonly (() => Promise<void>)[]> {
  const { xid } = account;
  const before = listInForce(context, account);
  const { list, signed } = lists.at(-1)!;
  const lost = lostIn([{ list: before }, ...lists]);
  // Whoever has filled the account must not keep its owner from taking his device out, or from beginning anew: what was before a generation goes.
  const beginsAnew = list.generation > before.generation;
  if (lost.length === 0 && !beginsAnew && !isOfServer(list)) {
    const bytes = lists.reduce((sum, one) => sum + one.signed.document.length + FRAMING_BYTES, 0);
    await context.accounts.quota.bytes(transaction, account, bytes);
  }
  if (beginsAnew) await transaction.devices.removeBefore(xid, list.generation);
  const former = account.devices === null ? [] : [{ list: before, signed: account.devices.signed }];
  for (const link of [...former, ...lists.slice(0, -1)]) {
    if (link.list.generation < list.generation) continue;
    await keepLink(context, transaction, xid, link.list, link.signed);
  }
  const since = sinceOf(context, account, [{ list: before }, ...lists]);
  const counter = counting();
  const stopping = removedBy(account, [{ list: before }, ...lists], agesOf(counter, account, young));
  await context.accounts.setDevices(transaction, xid, { signed, since, removed: stopping.removed });
  const steps = [before, ...lists.map((one) => one.list)];
  await noteStopping(context, transaction, xid, counter, stopping);
  await noteYoung(context, transaction, xid, counter, young, steps);
  const after: (() => Promise<void>)[] = [];
  for (const end of lost.length === 0 ? [] : ends) after.push(await end(transaction, xid, lost));
  await context.audit.append(transaction, {
    deed: isOfServer(list) ? 'recovery.finish' : 'device.update',
    who: xid,
    keyId: null,
    subject: hashDevices(list),
    sentence: `Have ${devicesInWords(list.keys.length)} beside the words: list ${list.number} of generation ${list.generation}`,
    verdict: 'done',
    policy: '',
    detail: detailOf(lists, lost),
  });
  return after;
}

/** Whoever was out of the list in between is new in it. */
function sinceOf(
  { clock }: Pick<ServerContext, 'clock'>,
  { devices }: Account,
  steps: readonly Pick<Accepted, 'list'>[],
): AccountDevices['since'] {
  const isIn = ({ list }: Pick<Accepted, 'list'>, id: Uint8Array) =>
    list.keys.some((key) => equalBytes(key.id, id));
  const known = (devices?.since ?? []).filter(({ id }) => steps.every((step) => isIn(step, id)));
  const { keys } = steps.at(-1)!.list;
  return keys.map(
    ({ id }): DeviceSince => known.find((one) => equalBytes(one.id, id)) ?? { id, at: clock() },
  );
}

async function noteTwice(
  context: ServerContext,
  transaction: Transaction,
  { xid, quota }: Account,
  { place, first, second }: Extract<Awaited<ReturnType<typeof judgeLists>>, { kind: 'twice' }>,
): Promise<void> {
  // Of this generation: whoever filled those before must not keep what comes from being seen.
  const kept = await transaction.devices.twice(xid, MOST_TWICE);
  if (kept.filter(({ generation }) => generation === place.generation).length >= MOST_TWICE) return;
  const bytes = first.document.length + second.document.length + FRAMING_BYTES;
  if ((await transaction.bytesOf(xid)) + bytes > quota.bytes) return;
  if (!(await keepTwice(context, transaction, xid, place, { first, second }))) return;
  await context.audit.append(transaction, {
    deed: 'device.twice',
    who: xid,
    keyId: null,
    subject: hashDevices(place),
    sentence: `Keep a second list ${place.number} of generation ${place.generation} of the devices of an account`,
    verdict: 'refused',
    policy: '',
    detail: `signed with ${signerName(place)}`,
  });
}
