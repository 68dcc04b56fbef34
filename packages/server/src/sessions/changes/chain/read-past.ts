import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '@ckm/foundation';
import { type KeyParams, type KnownMembers, knownMembers } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import type { Reader, Storage } from '../../../storage/storage.js';
import { readWay, type StoredWay } from '../../keys/past-epochs.js';
import { certifiedBy } from '../../keys/stored/proved-epoch.js';
import {
  type EpochName,
  findOwn,
  type KeyName,
  type LedEpoch,
  ledTo,
  newestOwn,
  notShown,
  SLICE,
} from './shown-epochs.js';

/** An epoch that certificates follow on, with all that checking them needs. */
export interface Base extends Past {
  readonly name: EpochName;
  /** How it is proved: as a rule it was checked, and no certificate leads to it any more. */
  readonly way: StoredWay;
}

/** All epochs up to one. */
interface Past {
  /** Transcript hash of the first epoch. */
  readonly first: Uint8Array;
  readonly known: KnownMembers;
  /** Whether the newest epoch that this server has the certificate of is it, or leads to it. */
  readonly isOwn: boolean;
  /** The first of them of which this server keeps another certificate; null: of none. */
  readonly other: LedEpoch | null;
}

type ReadContext = Pick<ServerContext, 'vault'>;

/** Where readings are opened, one after the other: the storage, or within a reading that is open that one. */
export type Readings = Pick<Storage, 'read'>;

/**
 * What certificates that name an epoch as the one before them are checked with.
 * @throws AccessError `KEY_UNKNOWN` where nothing is known here of the key; StateError `CHAIN_NOT_SHOWN` with the newest epoch that is;
 * StorageError `ROW_TAMPERED`
 */
export async function readBase(
  context: ReadContext,
  storage: Readings,
  name: KeyName,
  to: EpochName,
): Promise<Base> {
  const way = await storage.read((reader) => readWayTo(context, reader, name, to));
  return { name: to, way, ...(await readPast(context, storage, name, to)) };
}

/** @throws as {@link readBase} */
async function readWayTo(
  context: ReadContext,
  reader: Reader,
  name: KeyName,
  to: EpochName,
): Promise<StoredWay> {
  const own = await findOwn(context, reader, name);
  const newest = await ledTo(context, reader, name, own, to).next();
  if (newest.done === true) throw await notShown(reader, name, own);
  const { shown, parameters } = newest.value;
  return shown === null
    ? readWay(context, reader, name, to.epoch)
    : { base: certifiedBy(parameters, shown.proved), certificates: [] };
}

/**
 * All epochs up to one, a slice in each reading, so that nobody waits longer for the database; others get their turn between one and the next. Each names the one before it by what
 * its servers signed: whatever becomes of the key meanwhile, it is one past that is read.
 * @throws as {@link readBase}
 */
async function readPast(
  context: ReadContext,
  storage: Readings,
  name: KeyName,
  to: EpochName,
): Promise<Past> {
  const known = knownMembers();
  let isOwn = false;
  let other: LedEpoch | null = null;
  for (let at = to; ;) {
    const from = at;
    const slice = await storage.read((reader) => readSlice(context, reader, name, from));
    for (const { roster } of slice.params) known.add(roster);
    isOwn ||= slice.isOwn;
    other = slice.other ?? other;
    if (slice.last.epoch === 0) return { first: slice.last.transcriptHash, known, isOwn, other };
    at = { epoch: slice.last.epoch - 1, transcriptHash: slice.params.at(-1)!.previous };
    await setImmediate();
  }
}

/** Epochs on the way to one, that one first. */
interface Slice extends Pick<Past, 'isOwn' | 'other'> {
  readonly params: readonly KeyParams[];
  readonly last: EpochName;
}

/** @throws as {@link readBase} where fewer than a slice are here, and the first of all is not among them */
async function readSlice(
  context: ReadContext,
  reader: Reader,
  name: KeyName,
  from: EpochName,
): Promise<Slice> {
  const own = await findOwn(context, reader, name);
  const ours = newestOwn(own);
  const params: KeyParams[] = [];
  let isOwn = false;
  let other: LedEpoch | null = null;
  for await (const one of ledTo(context, reader, name, own, from)) {
    isOwn ||= ours !== null && isSame(ours, one);
    if (one.shown !== null && ours !== null && one.epoch <= ours.epoch) other = one;
    params.push(one.params);
    if (one.epoch === 0 || params.length === SLICE) return { params, last: one, isOwn, other };
  }
  throw await notShown(reader, name, own);
}

function isSame(one: EpochName, other: EpochName): boolean {
  return one.epoch === other.epoch && equalBytes(one.transcriptHash, other.transcriptHash);
}

/** Who has held a key in all epochs up to one. @throws as {@link readBase} */
export async function membersTo(
  context: ReadContext,
  storage: Readings,
  name: KeyName,
  to: EpochName,
): Promise<KnownMembers> {
  return (await readPast(context, storage, name, to)).known;
}
