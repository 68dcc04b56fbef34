// Longer than other files, because a head is read and written here alone: whatever it says is sealed, counted and carried over in one place.
import type { ExportProof } from '@ckm/api';
import { CkmError, type StorageError } from '@ckm/foundation';
import type {
  Counting,
  ServerContext,
  StandingFreeze,
  StoredTightening,
  WeightyRules,
} from '../../context.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { vaultError } from '../../vault/codes.js';
import { isDamaged } from '../../vault/epoch-keys.js';
import { openRecord, sealRecord } from '../../vault/sealed-record.js';
import type { CertifiedEpoch, EpochRecord } from './epoch-record.js';

/**
 * A key is stored in three parts, so that what is shown never opens a share, and what is destroyed is gone from every copy
 * of the database: its head (which epoch is used, and the public half of it), the public record of each epoch, and the
 * secrets of each epoch under a key of their own that is not in the database (`vault/epoch-keys.ts`).
 */
export interface KeyHead extends Pick<
  EpochRecord,
  'suite' | 'purpose' | 'quorum' | 'policy' | 'slot' | 'sessionId'
> {
  readonly certified: Omit<CertifiedEpoch, 'share' | 'certificate'> | null;
  /** Which version of its epoch's rows belongs to this head: another one was put back, and is refused. */
  readonly material: number;
  /** Which version of what its operator took away belongs to it; 0: none. Another one was put back, and is refused. */
  readonly tightened: number;
  /** When this server stopped it, as that row says too; absent: it answers. UnixSeconds. */
  readonly stoppedAt?: number;
  /** What its operator asks of a change of who holds it and of its export, as that row says too; absent: that row is older, or there is none. */
  readonly weighty?: WeightyRules;
  /** Slots that this server has helped to their lost share in an epoch; absent: none. */
  readonly helped?: { readonly epoch: number; readonly slots: readonly number[] };
  /** Which version of the row of the change that follows its epoch belongs to it; absent: none. Another one is refused. */
  readonly change?: number;
  /** The epoch that follows, where its certificate is here and this server has not entered it yet. Absent: none is decided. */
  readonly decided?: number;
  /** When its epoch came into use here, where a change made it. UnixSeconds. */
  readonly since?: number;
  /** Transcript hash of its first epoch, which its likeness is made of for ever; absent: it is in its first epoch. */
  readonly first?: Uint8Array;
  /**
   * 32 bytes, drawn when this server was restored from a backup, or its database went back: it may have said in this epoch
   * what it does not know of, and decides on no change of it. Absent: it remembers everything.
   */
  readonly forgot?: Uint8Array;
  /** How often it was written: grows for ever, and outside of the database too where something left (`head-memory.ts`). Absent: 1 or less. */
  readonly count?: number;
  /**
   * 32 bytes, drawn when this server was restored from a backup, or its database or this row went back: what others are asked with
   * whether its epoch is still the newest. Until they have said so it uses and deals with nothing. Absent: it knows.
   */
  readonly asks?: Uint8Array;
  /** Since when this server has seen every request for the key; absent: from the first on. */
  readonly counting?: Counting;
  /** How often the nonces were voided that had been published for it, on the disk before a count leaves. Absent: never. */
  readonly voided?: number;
  /** An epoch of which this server was shown two certificates that hold: it answers nothing, and deletes nothing. Absent: of none. */
  readonly forked?: number;
  /** Which version of the row of the change before the forked epoch belongs to it; absent: none. Another one is refused. */
  readonly settling?: number;
  /** Of the forked epoch, by its transcript hash: on which one its servers settled. This server goes over to it, and to nothing else. Absent: on none, as far as it knows. */
  readonly counts?: Uint8Array;
  /**
   * An epoch whose servers are asked which certificate of the next counts, and which version of the row of that belongs to it, while the key, in a
   * later epoch, goes on answering. Absent: none.
   */
  readonly awaits?: { readonly epoch: number; readonly version: number };
  /** The epoch that followed its own, in which this server has no share: it answers nothing any more. Absent: it is in. */
  readonly left?: { readonly epoch: number; readonly transcriptHash: Uint8Array };
  /** When the shares of epochs that are over were destroyed here, the newest of them last; absent: none was. */
  readonly retired?: readonly { readonly epoch: number; readonly at: number }[];
  /** When this server first gave its share out; stays for ever. UnixSeconds. Absent: it never did. */
  readonly exportedAt?: number;
  /** What shows that as many servers as its quorum needs agreed to give it out, this one or others; absent: nothing was shown here. */
  readonly exportProof?: ExportProof;
  /** The freeze by its owner that stands, unless its time has passed, as that row says too; absent: none. */
  readonly frozen?: StandingFreeze;
}

/** What a head says of a key besides what its epoch is. */
export type KeyMarks = Pick<
  KeyHead,
  | 'tightened'
  | 'stoppedAt'
  | 'weighty'
  | 'frozen'
  | 'helped'
  | 'change'
  | 'decided'
  | 'since'
  | 'first'
  | 'forgot'
  | 'forked'
  | 'settling'
  | 'counts'
  | 'awaits'
  | 'left'
  | 'retired'
  | 'exportedAt'
  | 'exportProof'
  | 'count'
  | 'asks'
  | 'counting'
  | 'voided'
>;

/** What everybody may know of one epoch. */
export interface KeyEpoch {
  readonly parameters: Uint8Array;
  readonly certificate: Uint8Array | null;
  /** When this server first stored its share of it; absent: not known, as where it was given back. UnixSeconds. */
  readonly since?: number;
}

/** The secrets of one epoch. All that is sealed under its key: the seed too, which with the certificate is the share. */
export interface KeySecrets extends Pick<EpochRecord, 'pending' | 'staticSeed'> {
  readonly share: Uint8Array | null;
}

/** What may be shown of a key. Opens no secret. @throws StorageError `ROW_TAMPERED` */
export function openHead({ vault }: Pick<ServerContext, 'vault'>, row: KeyRow): KeyHead {
  return openRecord<KeyHead>(vault, 'keys', row);
}

/** Null: it is not what this server stored, which its operator is told. The others are shown all the same. */
export function openIfWhole(context: Pick<ServerContext, 'vault' | 'events'>, row: KeyRow): KeyHead | null {
  try {
    return openHead(context, row);
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    context.events.storageFailed(error);
    return null;
  }
}

/** @throws StorageError `ROW_TAMPERED`, also when the row of the epoch is not the one that its head names */
export async function readEpoch(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: KeyRow,
  { material }: KeyHead,
): Promise<KeyEpoch> {
  const row = await reader.epochs.find(owner, keyId, epoch);
  if (row?.version !== material) throw putBack('key_epochs');
  return openRecord<KeyEpoch>(vault, 'key_epochs', row);
}

/**
 * The secrets of the epoch in use; the caller wipes them.
 * @throws StorageError `EPOCH_KEY_MISSING`, `ROW_TAMPERED`
 */
export async function readSecrets(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  reader: Reader,
  { owner, keyId, epoch }: KeyRow,
  { material }: KeyHead,
): Promise<KeySecrets> {
  const row = await reader.shares.find(owner, keyId, epoch);
  if (row?.version !== material) throw putBack('shares');
  const vault = epochKeys.find({ owner, keyId, epoch });
  try {
    return openRecord<KeySecrets>(vault, 'shares', row);
  } finally {
    vault.wipe();
  }
}

/**
 * Whether the secrets of the epoch in use open here. The key of the epoch alone says nothing: it is on the disk before the row that
 * it seals, and stays where that row could not be written. Where its file is damaged the operator is told: another one takes its place
 * when the share comes back.
 * @throws StorageError `FILE_…`
 */
export async function isShareHere(
  context: Pick<ServerContext, 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  row: KeyRow,
): Promise<boolean> {
  if (!context.epochKeys.exists(row)) return false;
  try {
    const { share, pending, staticSeed } = await readSecrets(context, reader, row, openHead(context, row));
    for (const secret of [share, pending, staticSeed]) secret?.fill(0);
    return true;
  } catch (error) {
    if (isDamaged(error)) context.events.storageFailed(error);
    else if (!(error instanceof CkmError) || !DOES_NOT_OPEN.includes(error.code)) throw error;
    return false;
  }
}

const DOES_NOT_OPEN = ['ROW_TAMPERED', 'EPOCH_KEY_MISSING'];

/** All of a key, secrets included; the caller wipes it (`wipeKey`). @throws as {@link readSecrets} */
export async function readKey(context: ServerContext, reader: Reader, row: KeyRow): Promise<EpochRecord> {
  const head = openHead(context, row);
  const { parameters, certificate } = await readEpoch(context, reader, row, head);
  const { pending, staticSeed, share } = await readSecrets(context, reader, row, head);
  const { suite, purpose, quorum, policy, slot, sessionId } = head;
  const isWhole = head.certified !== null && share !== null && certificate !== null;
  const certified = isWhole ? { ...head.certified, share, certificate } : null;
  const { epoch } = row;
  return {
    suite,
    purpose,
    quorum,
    policy,
    slot,
    epoch,
    sessionId,
    parameters,
    pending,
    staticSeed,
    certified,
  };
}

/**
 * Stores a key: for the first time, or the next version of `before`. The key of its epoch is on the disk before a row names
 * it.
 * @param marks what its head says besides, where that is not what it said before
 * @throws StateError `ROW_EXISTS`, `ROW_CHANGED`
 */
export async function writeKey(
  context: ServerContext,
  transaction: Transaction,
  before: KeyRow | null,
  { owner, keyId, state }: Pick<KeyRow, 'owner' | 'keyId' | 'state'>,
  record: EpochRecord,
  marks?: KeyMarks,
): Promise<KeyRow> {
  const known = before === null ? null : openHead(context, before);
  const isSameEpoch = before?.epoch === record.epoch;
  const material = isSameEpoch ? known!.material + 1 : 1;
  const { suite, purpose, quorum, policy, slot, sessionId, certified } = record;
  const { share = null, certificate = null, ...publicHalf } = certified ?? {};
  const head: KeyHead = {
    suite,
    purpose,
    quorum,
    policy,
    slot,
    sessionId,
    certified: certified === null ? null : (publicHalf as KeyHead['certified']),
    material,
    ...(marks ?? (await marksOfStored(context, transaction, before, state))),
    count: countAfter(known, marks),
  };
  const row = sealHead(context, head, {
    owner,
    keyId,
    state,
    epoch: record.epoch,
    version: (before?.version ?? 0) + 1,
    createdAt: before?.createdAt ?? context.clock(),
  });
  await (before === null ? transaction.keys.insert(row) : transaction.keys.update(row));
  // What was given back may lie in backups of before that nobody here knows of.
  const isNew = marks?.since !== undefined || (before === null && state === 'pending');
  const since = isSameEpoch
    ? await storedSince(context, transaction, before)
    : isNew
      ? context.clock()
      : undefined;
  await writeEpoch(context, transaction, { ...row, version: material }, record, {
    share,
    certificate,
    since,
  });
  return row;
}

/** Since when the share of an epoch has been here, as its row says; undefined: it does not, or is not what was stored. */
export async function storedSince(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch'>,
): Promise<number | undefined> {
  const row = await reader.epochs.find(owner, keyId, epoch);
  try {
    return row === null ? undefined : openRecord<KeyEpoch>(vault, 'key_epochs', row).since;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'ROW_TAMPERED') return undefined;
    throw error;
  }
}

/** The head of a key after its tightening was stored. */
export async function noteTightened(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  stored: StoredTightening,
): Promise<void> {
  const { stoppedAt: _stopped, frozen: _frozen, ...marks } = marksOf(openHead(context, before));
  await noteMarks(context, transaction, before, { ...marks, ...tightenedPart(stored) });
}

/** Slots that this server has helped to their lost share in that epoch. */
export function helpedSlots({ helped }: KeyHead, epoch: number): readonly number[] {
  return helped?.epoch === epoch ? helped.slots : [];
}

/** The head of a key after this server has helped one more slot in its epoch. */
export async function noteHelped(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  slot: number,
): Promise<void> {
  const known = openHead(context, before);
  const { epoch } = before;
  const helped = { epoch, slots: [...helpedSlots(known, epoch), slot] };
  await noteMarks(context, transaction, before, { ...marksOf(known), helped });
}

/** The next version of a head, which says something else besides. @returns its row */
export async function noteMarks(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  marks: KeyMarks,
): Promise<KeyRow> {
  const row = withMarks(context, before, marks);
  await transaction.keys.update(row);
  return row;
}

/** The row of {@link noteMarks}, which is not stored. */
export function withMarks(context: Pick<ServerContext, 'vault'>, before: KeyRow, marks: KeyMarks): KeyRow {
  const { sealed: _sealed, ...columns } = before;
  const known = openHead(context, before);
  const { suite, purpose, quorum, policy, slot, sessionId, certified, material } = known;
  const count = countAfter(known, marks);
  const head = { suite, purpose, quorum, policy, slot, sessionId, certified, material, ...marks, count };
  return sealHead(context, head, { ...columns, version: before.version + 1 });
}

/** What a head says of an epoch that is over, to which this server goes back. */
export type FormerEpoch = Pick<KeyHead, 'quorum' | 'slot' | 'certified' | 'material'> & {
  readonly epoch: number;
};

/** The next version of a head, of an earlier epoch. Rows of later ones are the caller’s matter. */
export async function rewindHead(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  { epoch, ...former }: FormerEpoch,
  marks: KeyMarks,
): Promise<void> {
  const { sealed: _sealed, ...columns } = before;
  const known = openHead(context, before);
  const { suite, purpose, policy } = known;
  const head: KeyHead = {
    suite,
    purpose,
    policy,
    sessionId: null,
    ...former,
    ...marks,
    count: countAfter(known, marks),
  };
  await transaction.keys.update(sealHead(context, head, { ...columns, epoch, version: before.version + 1 }));
}

/** What is found to be behind is counted on from where it should be. */
function countAfter(known: KeyHead | null, marks: KeyMarks | undefined): number {
  return Math.max(known?.count ?? 0, marks?.count ?? 0) + 1;
}

/**
 * One that comes back in use, where nothing of it was left or what sealed its share was gone, may have decided on a change of which it
 * knows nothing: rows that are there may be of an older day.
 */
async function marksOfStored(
  context: Pick<ServerContext, 'random' | 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  before: KeyRow | null,
  state: KeyRow['state'],
): Promise<KeyMarks> {
  const isBack = before === null ? state === 'active' : !(await isShareHere(context, reader, before));
  const marks = marksOf(before === null ? null : openHead(context, before));
  return isBack ? { ...marks, forgot: context.random(FORGOT_BYTES) } : marks;
}

const FORGOT_BYTES = 32;

/** Whether shares of it are out, by what this server did or was shown. */
export function isExported({
  exportedAt,
  exportProof,
}: Pick<KeyMarks, 'exportedAt' | 'exportProof'>): boolean {
  return exportedAt !== undefined || exportProof !== undefined;
}

/** @param head null: of a key that is new */
export function marksOf(head: KeyHead | null): KeyMarks {
  if (head === null) return { tightened: 0 };
  const { tightened, stoppedAt, frozen, helped, change, since, first, forgot, forked, left } = head;
  const { retired, exportedAt, exportProof, count, asks, weighty } = head;
  const { settling, counts, awaits, decided, counting, voided } = head;
  return {
    tightened,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(weighty === undefined ? {} : { weighty }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(helped === undefined ? {} : { helped }),
    ...(change === undefined ? {} : { change }),
    ...(decided === undefined ? {} : { decided }),
    ...(since === undefined ? {} : { since }),
    ...(first === undefined ? {} : { first }),
    ...(forgot === undefined ? {} : { forgot }),
    ...(forked === undefined ? {} : { forked }),
    ...(settling === undefined ? {} : { settling }),
    ...(counts === undefined ? {} : { counts }),
    ...(awaits === undefined ? {} : { awaits: { ...awaits } }),
    ...(left === undefined ? {} : { left }),
    ...(retired === undefined ? {} : { retired: retired.map((one) => ({ ...one })) }),
    ...(exportedAt === undefined ? {} : { exportedAt }),
    ...(exportProof === undefined ? {} : { exportProof }),
    ...(count === undefined ? {} : { count }),
    ...(asks === undefined ? {} : { asks }),
    ...(counting === undefined ? {} : { counting }),
    ...(voided === undefined ? {} : { voided }),
  };
}

function tightenedPart({
  version: tightened,
  stoppedAt,
  weighty,
  frozen,
}: StoredTightening): Pick<KeyHead, 'tightened' | 'stoppedAt' | 'weighty' | 'frozen'> {
  return {
    tightened,
    weighty: { ...weighty },
    ...(stoppedAt === null ? {} : { stoppedAt }),
    ...(frozen === null ? {} : { frozen: { ...frozen } }),
  };
}

function sealHead(
  { vault }: Pick<ServerContext, 'vault'>,
  head: KeyHead,
  columns: Omit<KeyRow, 'sealed'>,
): KeyRow {
  return sealRecord(vault, 'keys', columns, head);
}

async function writeEpoch(
  { vault, epochKeys }: ServerContext,
  transaction: Transaction,
  { owner, keyId, epoch, version }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch' | 'version'>,
  { parameters, pending, staticSeed }: EpochRecord,
  {
    share,
    certificate,
    since,
  }: Pick<KeySecrets, 'share'> & Pick<KeyEpoch, 'certificate'> & { readonly since: number | undefined },
): Promise<void> {
  const columns = { owner, keyId, epoch, version };
  const shown: KeyEpoch = { parameters, certificate, ...(since === undefined ? {} : { since }) };
  await transaction.epochs.put(sealRecord(vault, 'key_epochs', columns, shown));
  const secrets: KeySecrets = { share, pending, staticSeed };
  const own = epochKeys.renew({ owner, keyId, epoch });
  try {
    await transaction.shares.put(sealRecord(own, 'shares', columns, secrets));
  } finally {
    own.wipe();
  }
}

/** A row that is not the one its head names. */
export function putBack(table: string): StorageError {
  return vaultError(
    'ROW_TAMPERED',
    `a row of ${table} is not what this server stored`,
    'stop the server, keep a copy of the database and restore it from a backup',
  );
}
