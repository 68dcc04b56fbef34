// Longer than other files, because it is the one list of what is read of a database: interfaces alone, filled by both engines.
import type {
  AskedRow,
  AccountRow,
  AttemptRow,
  AuditHeadRow,
  AuditRow,
  ChangeRow,
  ContactRow,
  DepositRow,
  DevicesRow,
  EvidenceRow,
  InviteRow,
  KeyDevicesRow,
  LifeRow,
  KeyEpochRow,
  KeyRow,
  MatterPayloadRow,
  MatterRow,
  MetaRow,
  OutboxRow,
  ProvenDeviceRow,
  RecoveryRow,
  RecoveryTriesRow,
  PacketRow,
  RequestRow,
  Rows,
  SessionRow,
  ShareRow,
  ShownEpochRow,
  TableName,
  TermsRow,
  TighteningRow,
  TotalRow,
  VoteRow,
  YoungDeviceRow,
} from './rows.js';

/** What a list may be narrowed by; rows come in the order of their primary key. */
export interface Page {
  readonly after: Uint8Array | null;
  readonly limit: number;
}

/** Where a walk over what is over has come to. */
export interface ExpiryCursor {
  readonly expiresAt: number;
  readonly owner: Uint8Array;
  /** Of the session or request. */
  readonly id: Uint8Array;
}

/** Where a list of waiting requests has come to. */
export interface RequestCursor {
  readonly createdAt: number;
  readonly requestId: Uint8Array;
  readonly owner: Uint8Array;
}

export interface AccountReader {
  find(xid: Uint8Array): Promise<AccountRow | null>;
  list(page: Page): Promise<readonly AccountRow[]>;
  /** All there are. */
  count(): Promise<number>;
}
export interface InviteReader {
  find(codeHash: Uint8Array): Promise<InviteRow | null>;
  /** By hash. */
  list(page: Page): Promise<readonly InviteRow[]>;
  /** Invites whose hash is between these two: for the operator, who gives its first digits. */
  withHashBetween(lowest: Uint8Array, highest: Uint8Array, limit: number): Promise<readonly InviteRow[]>;
}
export interface SessionReader {
  find(owner: Uint8Array, sessionId: Uint8Array): Promise<SessionRow | null>;
  countOpen(owner: Uint8Array): Promise<number>;
  /** Open sessions of one owner, by id. */
  listOpen(owner: Uint8Array, limit: number): Promise<readonly SessionRow[]>;
  /** Sessions of active accounts that wait for the operator and have not expired at `now`, by id and owner, behind `after`. */
  listWaiting(
    now: number,
    after: Pick<SessionRow, 'sessionId' | 'owner'> | null,
    limit: number,
  ): Promise<readonly SessionRow[]>;
  /** How many there are to list. */
  countListed(now: number): Promise<number>;
  /** Open sessions of all owners whose `expiresAt` is at or before `now`, oldest first. */
  overdue(now: number, limit: number): Promise<readonly SessionRow[]>;
  /** Closed sessions of all owners whose `expiresAt` is at or before `until`, behind `after`, oldest first. */
  over(until: number, after: ExpiryCursor | null, limit: number): Promise<readonly SessionRow[]>;
}
export interface PacketReader {
  find(
    owner: Uint8Array,
    sessionId: Uint8Array,
    place: Pick<PacketRow, 'round' | 'sender' | 'receiver'>,
  ): Promise<PacketRow | null>;
  /** All of one round, by sender, then receiver. */
  list(owner: Uint8Array, sessionId: Uint8Array, round: number): Promise<readonly PacketRow[]>;
}
export interface EvidenceReader {
  list(owner: Uint8Array, sessionId: Uint8Array): Promise<readonly EvidenceRow[]>;
}
export interface KeyReader {
  find(owner: Uint8Array, keyId: Uint8Array): Promise<KeyRow | null>;
  /** Keys of that id, whoever has them. */
  withId(keyId: Uint8Array): Promise<readonly KeyRow[]>;
  list(owner: Uint8Array, page: Page): Promise<readonly KeyRow[]>;
  /** Pending and active keys of an owner. */
  count(owner: Uint8Array): Promise<number>;
  /** Of everybody. */
  countAll(): Promise<number>;
  /**
   * Active keys, and those that open sessions of this owner are about to make. One that waits for a certificate behind a
   * session that is over is none of them: it answers nothing, and may never be heard of again.
   */
  countInUse(owner: Uint8Array): Promise<number>;
  /** Keys whose id is between these two, whoever owns them: for the operator, who gives the first digits. */
  withIdBetween(lowest: Uint8Array, highest: Uint8Array, limit: number): Promise<readonly KeyRow[]>;
  /** Keys of everybody by owner and id, behind `after`: for the operator. */
  listAll(
    after: { readonly owner: Uint8Array; readonly keyId: Uint8Array } | null,
    limit: number,
  ): Promise<readonly KeyRow[]>;
}
export interface KeyEpochReader {
  find(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<KeyEpochRow | null>;
}
export interface ShareReader {
  find(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<ShareRow | null>;
  /** Shares of everybody in the order of owner, key and epoch, behind `after`. */
  listAll(after: ShareCursor | null, limit: number): Promise<readonly ShareRow[]>;
}
/** Where a walk over all shares has come to. */
export type ShareCursor = Pick<ShareRow, 'owner' | 'keyId' | 'epoch'>;
export interface TighteningReader {
  /** Of everybody's keys, by owner and key, behind `after`. */
  listAll(
    after: Pick<TighteningRow, 'owner' | 'keyId'> | null,
    limit: number,
  ): Promise<readonly TighteningRow[]>;
  find(owner: Uint8Array, keyId: Uint8Array): Promise<TighteningRow | null>;
}
export interface ChangeReader {
  find(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<ChangeRow | null>;
  /** Those whose order waits, of everybody's keys, by owner, key and epoch, behind `after`. */
  listWaiting(after: ShareCursor | null, limit: number): Promise<readonly ChangeRow[]>;
  /** Those of one owner, of keys between two ids, that follow the epoch which the key is in, or an earlier one. */
  listWaitingOf(owner: Uint8Array, lowest: Uint8Array, highest: Uint8Array): Promise<readonly ChangeRow[]>;
  /** Those of one key, by epoch. */
  listOf(owner: Uint8Array, keyId: Uint8Array): Promise<readonly ChangeRow[]>;
  /** How many there are to list. */
  countWaiting(): Promise<number>;
}
/** A request as it is counted. */
export interface RequestUse {
  /** When it was let in. UnixSeconds. */
  readonly createdAt: number;
  /** Whether an attempt at it was made. */
  readonly isAttempted: boolean;
}
export interface ShownEpochReader {
  /** @param name its transcript hash */
  find(owner: Uint8Array, keyId: Uint8Array, epoch: number, name: Uint8Array): Promise<ShownEpochRow | null>;
  /** The newest epoch of a key that was shown, whatever its name; null: none was. */
  newest(owner: Uint8Array, keyId: Uint8Array): Promise<number | null>;
  /** Of the next key behind `after`, by owner and key, the earliest epoch that was shown; null: there is none. */
  ofNextKey(after: Pick<ShownEpochRow, 'owner' | 'keyId'> | null): Promise<ShownEpochRow | null>;
}
/** Which list it is of the devices of an account. */
export type DevicesPlace = Pick<DevicesRow, 'generation' | 'number'>;
export interface DeviceReader {
  find(owner: Uint8Array, place: DevicesPlace, twice: boolean): Promise<DevicesRow | null>;
  /** Lists that were in force, in order, behind `after`. */
  behind(owner: Uint8Array, after: DevicesPlace | null, limit: number): Promise<readonly DevicesRow[]>;
  /** Other lists of a number that was taken, the last ones first. */
  twice(owner: Uint8Array, limit: number): Promise<readonly DevicesRow[]>;
}
export interface YoungDeviceReader {
  /** Those of one account. */
  of(owner: Uint8Array): Promise<readonly YoungDeviceRow[]>;
  /** Those of everybody by owner and id, behind `after`. */
  listAll(
    after: Pick<YoungDeviceRow, 'owner' | 'id'> | null,
    limit: number,
  ): Promise<readonly YoungDeviceRow[]>;
}
export interface OutboxReader {
  find(owner: Uint8Array, id: Uint8Array): Promise<OutboxRow | null>;
  /** What waits to go by one way and is due at `now`, oldest first; also what is due later than `latest`: there a clock went back. */
  due(way: string, now: number, latest: number, limit: number): Promise<readonly OutboxRow[]>;
  /** When the last one went by that way; null: none is known. UnixSeconds. */
  lastSent(way: string): Promise<number | null>;
  /** How many of one owner wait by that way, up to `limit`. */
  countWaiting(owner: Uint8Array, way: string, limit: number): Promise<number>;
  countAll(state: OutboxRow['state']): Promise<number>;
  /** When the oldest that waits was made; null: none waits. UnixSeconds. */
  oldestWaiting(): Promise<number | null>;
  /** By owner and id, behind `after`. */
  list(after: Pick<OutboxRow, 'owner' | 'id'> | null, limit: number): Promise<readonly OutboxRow[]>;
}
export interface DepositReader {
  find(owner: Uint8Array, receipt: Uint8Array): Promise<DepositRow | null>;
  /** Those of one account, by receipt. */
  of(owner: Uint8Array, limit: number): Promise<readonly DepositRow[]>;
}
export interface TermsReader {
  find(owner: Uint8Array, keyId: Uint8Array, number: number, twice: boolean): Promise<TermsRow | null>;
  /** What was made twice of a key, of its highest number; null: nothing. */
  twice(owner: Uint8Array, keyId: Uint8Array): Promise<TermsRow | null>;
  /** Changes that wait, of everybody, by owner, key and number, behind `after`. */
  listWaiting(
    after: Pick<TermsRow, 'owner' | 'keyId' | 'number'> | null,
    limit: number,
  ): Promise<readonly TermsRow[]>;
}
export interface LifeReader {
  find(owner: Uint8Array, keyId: Uint8Array): Promise<LifeRow | null>;
  /** Of everybody's keys by owner and key, behind `after`. */
  listAll(after: Pick<LifeRow, 'owner' | 'keyId'> | null, limit: number): Promise<readonly LifeRow[]>;
}
export interface KeyDeviceReader {
  find(
    owner: Uint8Array,
    keyId: Uint8Array,
    place: DevicesPlace,
    twice: boolean,
  ): Promise<KeyDevicesRow | null>;
  /** The list in force; null: none was brought. */
  last(owner: Uint8Array, keyId: Uint8Array): Promise<KeyDevicesRow | null>;
  /** Lists of one key, in order, behind `after`. */
  behind(
    owner: Uint8Array,
    keyId: Uint8Array,
    after: DevicesPlace | null,
    limit: number,
  ): Promise<readonly KeyDevicesRow[]>;
}
export interface ProvenDeviceReader {
  /** Those of one key. */
  of(owner: Uint8Array, keyId: Uint8Array): Promise<readonly ProvenDeviceRow[]>;
}
/** What names a matter. */
export type MatterName = Pick<MatterRow, 'owner' | 'matter' | 'matterId'>;
export interface MatterReader {
  find(name: MatterName): Promise<MatterRow | null>;
  /** About how many things people are asked, by one account or (null) by all. */
  countWaiting(owner: Uint8Array | null): Promise<number>;
  /** About what people are asked, of one account. */
  waitingOf(owner: Uint8Array, limit: number): Promise<readonly MatterRow[]>;
  /** Whose time was over at `until`, oldest first. */
  overdue(until: number, limit: number): Promise<readonly MatterRow[]>;
}
export interface MatterPayloadReader {
  find(name: MatterName): Promise<MatterPayloadRow | null>;
}
export interface VoteReader {
  /** What was said of a matter, one row for each approver. */
  of(name: MatterName): Promise<readonly VoteRow[]>;
}
export interface AskedReader {
  /** What somebody is asked about, by ids, those behind `after`. */
  list(approver: Uint8Array, after: Uint8Array | null, limit: number): Promise<readonly AskedRow[]>;
  /** The same of one key of one account. */
  listOf(
    approver: Uint8Array,
    key: Pick<MatterRow, 'owner' | 'keyId'>,
    after: Uint8Array | null,
    limit: number,
  ): Promise<readonly AskedRow[]>;
  /** What somebody is asked about under one name and for keys of one id: of different accounts, or of one. */
  find(
    approver: Uint8Array,
    name: Pick<MatterRow, 'matter' | 'matterId' | 'keyId'> & Partial<Pick<MatterRow, 'owner'>>,
    limit: number,
  ): Promise<readonly AskedRow[]>;
}
export interface ContactReader {
  /** Those of one account, by id. */
  of(owner: Uint8Array, limit: number): Promise<readonly ContactRow[]>;
  /** Those of whatever account that are named so. */
  withHandle(handle: Uint8Array, limit: number): Promise<readonly ContactRow[]>;
  /** By owner and id, behind `after`. */
  listAll(after: Pick<ContactRow, 'owner' | 'id'> | null, limit: number): Promise<readonly ContactRow[]>;
}
export interface RecoveryReader {
  find(id: Uint8Array): Promise<RecoveryRow | null>;
  /** Those about one account in one state, by id. */
  of(owner: Uint8Array, state: RecoveryRow['state'], limit: number): Promise<readonly RecoveryRow[]>;
  /** By id, behind `after`. */
  listAll(after: Uint8Array | null, limit: number): Promise<readonly RecoveryRow[]>;
}
export interface RecoveryTriesReader {
  find(handle: Uint8Array): Promise<RecoveryTriesRow | null>;
}
export interface TotalReader {
  find(owner: Uint8Array, keyId: Uint8Array, number: number): Promise<TotalRow | null>;
  /** Of the highest number. */
  last(owner: Uint8Array, keyId: Uint8Array): Promise<TotalRow | null>;
  /** Of the highest number at that moment. */
  lastBy(owner: Uint8Array, keyId: Uint8Array, at: number): Promise<TotalRow | null>;
}
export interface RequestReader {
  find(owner: Uint8Array, requestId: Uint8Array): Promise<RequestRow | null>;
  /** All requests with this id, whoever owns them: for the operator. */
  withId(requestId: Uint8Array): Promise<readonly RequestRow[]>;
  /**
   * Requests of active accounts that wait for the operator and have not expired at `now`, behind `after`, oldest first.
   * Those of suspended accounts are neither listed, counted nor found: nobody could be given what is approved.
   */
  listWaiting(now: number, after: RequestCursor | null, limit: number): Promise<readonly RequestRow[]>;
  /** How many there are to list. */
  countListed(now: number): Promise<number>;
  /** Those whose id is between these two: for the operator, who gives the first digits. */
  waitingWithIdBetween(
    lowest: Uint8Array,
    highest: Uint8Array,
    now: number,
    limit: number,
  ): Promise<readonly RequestRow[]>;
  /** Any whose id is between these two, waiting or not. */
  withIdBetween(lowest: Uint8Array, highest: Uint8Array, limit: number): Promise<readonly RequestRow[]>;
  /** Waiting requests of one account, suspended or not, that were made at or before `until`. */
  waitingOf(owner: Uint8Array, until: number, limit: number): Promise<readonly RequestRow[]>;
  countWaiting(owner: Uint8Array): Promise<number>;
  /** Requests for one key created after `since` (also ones "in the future" of a clock set back), at most `limit`. */
  countForKey(owner: Uint8Array, keyId: Uint8Array, since: number, limit: number): Promise<number>;
  /** The oldest of them, oldest first. */
  usesOf(owner: Uint8Array, keyId: Uint8Array, since: number, limit: number): Promise<readonly RequestUse[]>;
  /** Requests for one key, oldest first. */
  ofKey(owner: Uint8Array, keyId: Uint8Array, limit: number): Promise<readonly RequestRow[]>;
  /** Waiting requests of all owners whose `expiresAt` is at or before `now`. */
  overdue(now: number, limit: number): Promise<readonly RequestRow[]>;
  /** Requests of all owners that wait for nobody, `expiresAt` at or before `until`, behind `after`, oldest first. */
  over(until: number, after: ExpiryCursor | null, limit: number): Promise<readonly RequestRow[]>;
}
export interface AttemptReader {
  find(owner: Uint8Array, requestId: Uint8Array, number: number): Promise<AttemptRow | null>;
  list(owner: Uint8Array, requestId: Uint8Array): Promise<readonly AttemptRow[]>;
}
export interface AuditReader {
  head(): Promise<AuditHeadRow | null>;
  /** From `sequence` on, ascending. */
  list(sequence: number, limit: number): Promise<readonly AuditRow[]>;
}
export interface MetaReader {
  find(name: string): Promise<MetaRow | null>;
}
export interface MessageReader {
  seen(xid: Uint8Array, id: Uint8Array): Promise<boolean>;
  /** All there are by sender and id, behind `after`. */
  list(after: SeenMessage | null, limit: number): Promise<readonly SeenMessage[]>;
}
/** A message that was answered, and is not answered again. */
export interface SeenMessage {
  readonly xid: Uint8Array;
  readonly id: Uint8Array;
  readonly expiresAt: number;
}

/** Rows of any table, as they are stored. */
export interface SealedReader {
  /** In the order of the primary key, behind `after`. */
  page<T extends TableName>(table: T, after: Rows[T] | null, limit: number): Promise<readonly Rows[T][]>;
}

/** What `storage.read` hands out: nothing in it can write. */
export interface Reader {
  readonly meta: MetaReader;
  readonly accounts: AccountReader;
  readonly invites: InviteReader;
  readonly messages: MessageReader;
  readonly sessions: SessionReader;
  readonly packets: PacketReader;
  readonly evidence: EvidenceReader;
  readonly keys: KeyReader;
  readonly epochs: KeyEpochReader;
  readonly shares: ShareReader;
  readonly tightenings: TighteningReader;
  readonly changes: ChangeReader;
  readonly shownEpochs: ShownEpochReader;
  readonly devices: DeviceReader;
  readonly youngDevices: YoungDeviceReader;
  readonly outbox: OutboxReader;
  readonly deposits: DepositReader;
  readonly terms: TermsReader;
  readonly totals: TotalReader;
  readonly keyDevices: KeyDeviceReader;
  readonly provenDevices: ProvenDeviceReader;
  readonly contacts: ContactReader;
  readonly recoveries: RecoveryReader;
  readonly recoveryTries: RecoveryTriesReader;
  readonly life: LifeReader;
  readonly requests: RequestReader;
  readonly attempts: AttemptReader;
  readonly matters: MatterReader;
  readonly matterPayloads: MatterPayloadReader;
  readonly votes: VoteReader;
  readonly asked: AskedReader;
  readonly audit: AuditReader;
  readonly sealed: SealedReader;
  /** Sealed bytes that an owner occupies. */
  bytesOf(owner: Uint8Array): Promise<number>;
}
