import {
  type HeirMay,
  isGranted,
  isHeardBy,
  isRipe,
  type Parameters,
  readHeard,
  type Result,
  ripeIn,
  signHeard,
  type SignedStatement,
  type Silence,
  type SilenceView,
  withCase,
} from '@ckm/api';
import { encodeHex, equalBytes, formatSpan } from '@ckm/foundation';
import { type KeyParams, parseKeyParams } from '@ckm/threshold';
import type { AnybodyCall, ServerContext } from '../context.js';
import { marksOf } from '../sessions/keys/stored/key-head.js';
import { noteMarks } from '../sessions/keys/stored/note-marks.js';
import { readEpoch } from '../sessions/keys/stored/read-key.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Reader, Transaction } from '../storage/storage.js';
import type { LifeMeans } from './means.js';
import { findHeirKey, heirKey, type HeirKey, heirUnknown, holdHeirKey } from './heir-key.js';
import {
  beginLife,
  findLife,
  type Hearing,
  type LifeRecord,
  openHearing,
  silenceNow,
  storeLife,
  toldByNow,
} from './life-record.js';

/** A key as it stands with what was counted, and what others say. */
export interface Standing extends HeirKey {
  readonly params: KeyParams;
  readonly record: LifeRecord;
  readonly silence: Silence;
  readonly hearing: Hearing | null;
}

/** Answers `heir.look`. @throws AccessError `HEIR_UNKNOWN` */
export async function lookAtSilence(
  means: LifeMeans,
  call: AnybodyCall,
  meant: Parameters<'heir.look'>,
): Promise<Result<'heir.look'>> {
  const { context } = means;
  return context.storage.read(async (reader) => {
    const { owner, keyId } = await findHeirKey(context, reader, call.sender, meant);
    const row = await reader.keys.find(owner, keyId);
    if (row === null) throw heirUnknown();
    const key = heirKey(context, row, call.sender);
    const { record } = await findLife(context, reader, row, key.head);
    return record === null || isHeard(means, key)
      ? nothingYet(key)
      : viewOf(await standing(means, reader, key, record));
  });
}

/**
 * Answers `heir.ask`: opens a case where the owner has been silent for as long as the terms say, and goes on with it. What others say of it counts for a day.
 * @throws AccessError `HEIR_UNKNOWN`
 */
export async function askAsHeir(
  means: LifeMeans,
  call: AnybodyCall,
  { nonces, said, ...meant }: Parameters<'heir.ask'>,
): Promise<Result<'heir.ask'>> {
  const { context } = means;
  const name = await context.storage.read((reader) => findHeirKey(context, reader, call.sender, meant));
  const stands = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await holdHeirKey(context, transaction, call.sender, name);
      if (key.may.length === 0) throw heirUnknown();
      return goOnWithCase(means, transaction, key, said);
    }),
  );
  if ('view' in stands) return { ...stands, nonce: null, heard: [] };
  const { silence, rule, hearing, record, first } = stands;
  const isSilent = silence.counted >= rule.afterSeconds;
  const { keyId } = name;
  const words = isRipe(silence, rule) ? nonces : [];
  return {
    view: viewOf(stands),
    nonce: hearing?.nonce ?? null,
    heard: words.map((nonce) =>
      signHeard(context.identity, { keyId, first, nonce, silentSeconds: silence.counted }),
    ),
    alive: isSilent ? [] : signsIn(record),
  };
}

/** The signs of life that were heard last, of each signer. */
function signsIn(record: LifeRecord | null): SignedStatement[] {
  return (record?.numbers ?? []).flatMap(({ signed }) => signed ?? []);
}

/** Whether the account of the owner has said anything here that is not written down yet. */
function isHeard({ heard }: Pick<LifeMeans, 'heard'>, { key }: Pick<HeirKey, 'key'>): boolean {
  return heard.has(encodeHex(key.owner));
}

async function goOnWithCase(
  means: LifeMeans,
  transaction: Transaction,
  key: HeirKey,
  said: readonly SignedStatement[],
): Promise<Standing | Pick<Result<'heir.ask'>, 'view' | 'alive'>> {
  const { context } = means;
  const stored = await findLife(context, transaction, key.key, key.head);
  if (stored.record === null || isHeard(means, key)) {
    if (stored.record === null) await noteBegun(context, transaction, key);
    await beginLife(means, transaction, key.key, stored);
    return { view: nothingYet(key), alive: signsIn(stored.record) };
  }
  const now = await standing(means, transaction, key, stored.record);
  const opened = withCase(now.silence, key.rule, key.name);
  if (opened === null) return now;
  const isNew = now.silence.case === null;
  // What goes out with the case is written below, and has not gone.
  const told = isNew ? opened : await toldByNow(transaction, opened, stored.record);
  const hearing = hearSaid(context, now, { ...now, silence: told }, said);
  const after = noted({ ...now, silence: told, hearing }, isNew ? context.clock() : null);
  if (isNew) await announce(means, transaction, key);
  const isFirst = grantedIn(after).length > 0 && after.record.isGranted === undefined;
  const record = isFirst ? { ...after.record, isGranted: true as const } : after.record;
  await storeLife(context, transaction, key.key, stored.row, record);
  if (isFirst) await noteGranted(context, transaction, after);
  return { ...after, record };
}

function noted(stands: Standing, openedAt: number | null): Standing {
  const { silence, hearing, params } = stands;
  const { without = [], ...record } = stands.record;
  const opened = openedAt === null ? {} : { caseAt: openedAt };
  // Whoever says something is not dead: without its word, once that is over, nothing goes on any more.
  const speaking = params.roster.filter(({ slot }) => hearing?.said.includes(slot) === true);
  const dead = without.filter((xid) => !speaking.some(({ serverId }) => equalBytes(serverId, xid)));
  return {
    ...stands,
    record: {
      ...record,
      silence,
      ...opened,
      ...(hearing === null ? {} : { hearing }),
      ...(dead.length === 0 ? {} : { without: dead }),
    },
  };
}

/** The open question of a case, or a new one, with what others have answered to it. */
function hearSaid(
  { random, clock, identity }: ServerContext,
  { record, params, key, first }: Standing,
  { silence }: Pick<Standing, 'silence'>,
  said: readonly SignedStatement[],
): Hearing {
  const now = clock();
  const hearing =
    openHearing(record, silence, now) ??
    ({ nonce: random(32), from: silence.counted, at: now, said: [] } as const);
  const slots = new Set(hearing.said);
  for (const signed of said) {
    const heard = readHeard(signed);
    if (heard === null || !equalBytes(heard.nonce, hearing.nonce)) continue;
    if (!equalBytes(heard.keyId, key.keyId) || !equalBytes(heard.first, first)) continue;
    const entry = params.roster.find(({ serverId }) => equalBytes(serverId, heard.by));
    if (entry === undefined || equalBytes(entry.serverId, identity.xid)) continue;
    if (isHeardBy(signed, entry.identityKey)) slots.add(entry.slot);
  }
  return { ...hearing, said: [...slots].toSorted((a, b) => a - b) };
}

export async function standing(
  { context, counting }: LifeMeans,
  reader: Reader,
  key: HeirKey,
  record: LifeRecord,
): Promise<Standing> {
  const epoch = await readEpoch(context, reader, key.key, key.head);
  const silence = silenceNow(counting(), record);
  const hearing = openHearing(record, silence, context.clock());
  return { ...key, params: parseKeyParams(epoch.parameters), record, silence, hearing };
}

/** What a server lets an heir do now: judged anew each time, by its own count and by what others have said within a day. */
function grantedIn(stands: Standing): readonly HeirMay[] {
  const { silence, rule, head, hearing, may } = stands;
  const said = new Set(hearing?.said ?? []);
  const without = new Set(leftOutIn(stands).map(({ slot }) => slot));
  return isGranted(silence, rule, head.quorum, { own: head.slot, said, without }) ? may : [];
}

/** Servers that the operator has said are dead: those of now, since another one in the place of such a one may have heard the owner. */
function leftOutIn({ params, record: { without = [] } }: Pick<Standing, 'params' | 'record'>) {
  return params.roster.filter(({ serverId }) => without.some((one) => equalBytes(one, serverId)));
}

/** Whose word is missing. */
export function missingIn({ params, head, hearing }: Pick<Standing, 'params' | 'head' | 'hearing'>) {
  const said = hearing?.said ?? [];
  return params.roster.filter(({ slot }) => slot !== head.slot && !said.includes(slot));
}

/** What is granted to an heir at this moment; the key is held where something is done by it. Empty: nothing. */
export async function grantedTo(means: LifeMeans, reader: Reader, key: HeirKey): Promise<readonly HeirMay[]> {
  const { record } = await findLife(means.context, reader, key.key, key.head);
  if (record === null || isHeard(means, key)) return [];
  return grantedIn(await standing(means, reader, key, record));
}

export function viewOf(stands: Standing): SilenceView {
  const { silence, rule, record, head } = stands;
  const { case: opened } = silence;
  const missing = missingIn(stands);
  const leftOut = leftOutIn(stands);
  return {
    afterSeconds: rule.afterSeconds,
    silentSeconds: silence.counted,
    case: opened === null ? null : { heir: opened.heir, leftSeconds: ripeIn(silence, rule) },
    quorum: head.quorum,
    missing: opened === null ? [] : missing.map(({ serverId }) => new Uint8Array(serverId)),
    isAgreed: leftOut.length > 0 && missing.every((one) => leftOut.includes(one)),
    ...(record.doubted === undefined ? {} : { doubted: [...record.doubted] }),
    granted: [...grantedIn(stands)],
  };
}

/** Nothing was counted here yet, or the owner has just been heard. */
function nothingYet({ rule: { afterSeconds }, head: { quorum } }: HeirKey): SilenceView {
  return { afterSeconds, silentSeconds: 0, case: null, quorum, missing: [], isAgreed: false, granted: [] };
}

/** Where no sign of life has ever come it is counted from the first question of an heir on. */
async function noteBegun(
  { audit }: ServerContext,
  transaction: Transaction,
  { key: { owner, keyId }, name }: HeirKey,
): Promise<void> {
  await audit.append(transaction, {
    deed: 'silence.begin',
    who: owner,
    keyId,
    subject: null,
    sentence: `Begin to count for how long the owner of a key is silent: ${name} has asked.`,
    verdict: 'done',
    policy: '',
    detail: '',
  });
}

async function announce(
  { context, tellOwner }: LifeMeans,
  transaction: Transaction,
  { key, head, rule, name, may }: HeirKey,
): Promise<void> {
  const { owner, keyId } = key;
  const heirAsked = { heir: name, at: context.clock() };
  await noteMarks(context, transaction, key, { ...marksOf(head), heirAsked });
  await tellOwner(transaction, owner, 'heir-asks');
  await context.audit.append(transaction, {
    deed: 'silence.case',
    who: owner,
    keyId,
    subject: null,
    sentence: `${name} asks for a key whose owner has given no sign of life for ${formatSpan(rule.afterSeconds)}, to ${may.join(' and ')} it. Any sign of life ends it.`,
    verdict: 'done',
    policy: '',
    detail: `${head.suite} for ${head.purpose}`,
  });
}

async function noteGranted(
  { audit }: ServerContext,
  transaction: Transaction,
  { key: { owner, keyId }, name, may, hearing, record }: Standing,
): Promise<void> {
  await audit.append(transaction, {
    deed: 'silence.grant',
    who: owner,
    keyId,
    subject: null,
    sentence: `From now on ${name} may ${may.join(' and ')} a key, until its owner gives a sign of life.`,
    verdict: 'allowed',
    policy: '',
    detail: `slots ${(hearing?.said ?? []).join(' ')}${record.without === undefined ? '' : ', agreed by the operator'}`,
  });
}
