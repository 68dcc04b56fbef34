import type { ChangeOrder, KeyTerms } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { MemberState } from '@ckm/threshold';
import type { Freeze, ServerContext } from '../../context.js';
import type { ChangeRow, KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { openRecord, sealRecord } from '../../vault/sealed-record.js';
import { type KeyHead, marksOf, openHead } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';
import { putBack } from '../keys/stored/read-key.js';
import type { WaitingTime } from '../waiting-time.js';

/** Everything a server keeps about the change that follows one epoch of a key; one row, sealed as a whole. */
export interface ChangeRecord {
  /** The last order that waits for somebody, whether it is open, over, or was carried out; null: there was none. */
  readonly order: StoredOrder | null;
  /** The last order of a refresh. Beside the other: else whoever has the owner’s client could begin anew, by a refresh, what had waited. */
  readonly refresh: StoredOrder | null;
  /** What it said as one who decides; null: nothing, or it is no member of the deciding epoch. */
  readonly member: MemberState | null;
  /** What its head said of forgetting when `member` was stored: another mark since, and it may have said more; null: nothing. */
  readonly recalled: Uint8Array | null;
  /** The signed change that the highest lock certificate of `member` locks; null: it knows none. */
  readonly locked: Uint8Array | null;
  /** What its keys of the next epoch are derived from, sealed under a key of its own (`receiver-seeds.ts`); null: not drawn yet. */
  readonly root: Uint8Array | null;
  /**
   * 32 bytes, drawn with the root: what this server offers from then on carries a mark of it. null: not drawn, or of before this
   * database went back. An epoch whose certificate has no such mark it may have spoken in before.
   */
  readonly drawn: Uint8Array | null;
  /** Another certificate of the epoch that followed, which holds as well as the one that was committed: evidence; null: none is known. */
  readonly fork: Uint8Array | null;
  /** Which of several certificates of the epoch that followed its owner wants to count, and how far that is; null: nothing is to be settled. */
  readonly settling: Settling | null;
  /** On which of them the servers of this epoch settled; null: on none. */
  readonly settled: Settled | null;
  /** What a server that joins knows of the key; null: its own key says it. */
  readonly joining: JoiningKey | null;
  /** Whether it has made an offer as one that joins: then no other chain takes the place of the one it knows. */
  readonly offered: boolean;
  /** By which its owner stopped the key before this server, which is to join it, had a row of it; absent: by none. */
  readonly freezes?: readonly Freeze[];
  /** The epoch that follows, certified, until this server enters it; null: it has seen no certificate. */
  readonly decided: DecidedEpoch | null;
}

/** An epoch as its certificate proves it. This server's share of it comes out of the certificate by the root, whenever it is needed. */
export interface DecidedEpoch {
  readonly certificate: Uint8Array;
  readonly parameters: Uint8Array;
  readonly transcriptHash: Uint8Array;
  readonly groupKey: Uint8Array;
  readonly commitment: readonly Uint8Array[];
  readonly verifyingShares: readonly Uint8Array[];
  readonly chainCode: Uint8Array;
}

/** An order about which certificate of the next epoch counts, and what this server has said of that. */
export interface Settling extends Pick<StoredOrder, 'hash' | 'waited' | 'operator' | 'over'> {
  /** The one that is to count, then the others; each of them holds. */
  readonly certificates: readonly Uint8Array[];
  /** Transcript hashes of the epochs that they make, in that order. */
  readonly names: readonly Uint8Array[];
  /** Slots that signed twice, as they show. */
  readonly twice: readonly number[];
  /** Whether enough servers of the one that is to count have said that they have, or can take, their shares of it. */
  readonly areReady: boolean;
  /** What this server said as one who settles, whatever order it was about; null: nothing. */
  readonly member: MemberState | null;
  /** Votes for it were shown to this server, which went on by another certificate, and far or long ago, or came to the key or got its share back by it: its operator says whether it goes back. Absent: none were. */
  readonly isShown?: true;
  /** When its owner took it back, or its operator refused it. UnixSeconds. Absent: neither did. */
  readonly overAt?: number;
  /** Orders whose place it took, and which begin anew for nobody. Absent: none. */
  readonly refused?: readonly RefusedSettling[];
}

/** An order to settle that its operator or its owner has refused. */
export interface RefusedSettling extends Pick<StoredOrder, 'hash'> {
  /** null: its owner took it back. */
  readonly operator: 'no' | null;
  readonly over: string;
  /** When. UnixSeconds. null: not noted; it was an operator’s no. */
  readonly overAt: number | null;
}

/** What was settled, with what proves it. */
export interface Settled extends Pick<Settling, 'certificates' | 'names'> {
  /** As in the certificate of a change; see `judgeSettlement`. */
  readonly promises: Uint8Array;
  readonly yields: Uint8Array;
}

/** An order, and how far this server has come with it. */
export interface StoredOrder {
  readonly order: ChangeOrder;
  /** 32 bytes: hash of its core. */
  readonly hash: Uint8Array;
  /** Whether it gives a share to somebody who has none, takes one away or changes the quorum: then it waits. */
  readonly isWeighty: boolean;
  /** Since this server first saw it; of a refresh, which waits for nothing, none is needed. */
  readonly waited: WaitingTime;
  /** What the operator said; null: nothing. */
  readonly operator: 'yes' | 'no' | null;
  /** Why it is over: cancelled or refused; null: it is not. */
  readonly over: string | null;
  /** The device that gave it: what it gave ends with it. Absent: the words, or a server of before. */
  readonly by?: Uint8Array;
  /** The words ordered that a quorum of old members decides on it, and what comes of it may fork (ADR 0061). Absent: as many as ever decide. */
  readonly byWords?: true;
}

/** A key as the chain of its certificates shows it to a server that has no share of it yet. */
export interface JoiningKey {
  readonly policy: KeyTerms;
  /** Certificates up to the deciding epoch, the first one's first; none where they were shown in pages (`shown-epochs.ts`). */
  readonly chain: readonly Uint8Array[];
  /** Transcript hash of its first epoch. */
  readonly first: Uint8Array;
  /** Of the deciding epoch, as is what follows. */
  readonly parameters: Uint8Array;
  readonly transcriptHash: Uint8Array;
  readonly groupKey: Uint8Array;
  readonly commitment: readonly Uint8Array[];
  readonly verifyingShares: readonly Uint8Array[];
  readonly chainCode: Uint8Array;
}

export const NO_CHANGE: ChangeRecord = {
  order: null,
  refresh: null,
  member: null,
  recalled: null,
  locked: null,
  root: null,
  drawn: null,
  fork: null,
  settling: null,
  settled: null,
  joining: null,
  offered: false,
  decided: null,
};

/** A stored change with its row; `row` is null where nothing was stored. */
export interface StoredChange {
  readonly row: ChangeRow | null;
  readonly record: ChangeRecord;
}

/**
 * The change that follows the epoch in use.
 * @throws StorageError `ROW_TAMPERED`, also when it is another version than the one that the head of the key names: one that
 * was put back would let this server say something else than it said
 */
export async function readChange(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch'>,
  head: KeyHead | null,
): Promise<StoredChange> {
  const row = await reader.changes.find(owner, keyId, epoch);
  if (head !== null && (row?.version ?? 0) !== (head.change ?? 0)) throw putBack('changes');
  return { row, record: row === null ? NO_CHANGE : openChange(context, row) };
}

/** @throws StorageError `ROW_TAMPERED` */
export function openChange({ vault }: Pick<ServerContext, 'vault'>, row: ChangeRow): ChangeRecord {
  return openRecord<ChangeRecord>(vault, 'changes', row);
}

/**
 * Stores what became of a change, and binds the head of the key to it.
 * @param key its head; null: this server has no share of the key yet
 * @throws StateError `ROW_EXISTS`, `ROW_CHANGED` when somebody else did meanwhile
 */
export async function writeChange(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId, epoch }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch'>,
  key: KeyRow | null,
  before: ChangeRow | null,
  record: ChangeRecord,
): Promise<ChangeRow> {
  const version = (before?.version ?? 0) + 1;
  const waiting = isWaiting(record);
  const row = sealRecord(context.vault, 'changes', { owner, keyId, epoch, waiting, version }, record);
  await transaction.changes.put(row);
  if (key !== null) {
    const { decided: _decided, ...marks } = marksOf(openHead(context, key));
    const decided = record.decided === null ? {} : { decided: epoch + 1 };
    await noteMarks(context, transaction, key, { ...marks, ...decided, change: version });
  }
  return row;
}

/** Whether somebody has to look at it from time to time: the operator, or whoever counts its delay. */
export function isWaiting({ order, settling, decided }: ChangeRecord): boolean {
  if (settling !== null && settling.over === null) return true;
  return order !== null && order.isWeighty && order.over === null && decided === null;
}

/** The order of that hash; null: there is none, or another one has taken its place. */
export function findOrder({ order, refresh }: ChangeRecord, hash: Uint8Array): StoredOrder | null {
  return [order, refresh].find((one) => one !== null && equalBytes(one.hash, hash)) ?? null;
}

/** The record with an order in its place. */
export function withOrder(record: ChangeRecord, order: StoredOrder): ChangeRecord {
  return order.isWeighty ? { ...record, order } : { ...record, refresh: order };
}
