import type {
  AccountReader,
  AskedReader,
  AttemptReader,
  AuditReader,
  ChangeReader,
  ContactReader,
  DepositReader,
  DeviceReader,
  EvidenceReader,
  InviteReader,
  KeyDeviceReader,
  LifeReader,
  KeyEpochReader,
  KeyReader,
  MatterName,
  MatterPayloadReader,
  MatterReader,
  MessageReader,
  MetaReader,
  OutboxReader,
  ProvenDeviceReader,
  RecoveryReader,
  RecoveryTriesReader,
  PacketReader,
  Reader,
  RequestReader,
  SealedReader,
  SeenMessage,
  SessionReader,
  ShareReader,
  ShownEpochReader,
  TermsReader,
  TighteningReader,
  TotalReader,
  VoteReader,
  YoungDeviceReader,
} from './readers.js';
import type {
  AccountRow,
  AskedRow,
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

export type * from './readers.js';
export type * from './rows.js';

/**
 * Rules for all writes:
 * `insert` throws StateError `ROW_EXISTS` when the primary key is taken;
 * `update` replaces the row whose version is `row.version - 1`, else throws StateError `ROW_CHANGED` (retryable).
 */
export interface Transaction extends Reader {
  /** Runs `work` once this transaction has committed; never when it does not. It must not throw. */
  whenCommitted(work: () => void): void;
  readonly meta: MetaReader & { put(row: MetaRow): Promise<void> };
  readonly accounts: AccountReader & {
    /** Reads an account and holds it against other replicas until the transaction ends: nobody takes a key out of it meanwhile. */
    hold(xid: Uint8Array): Promise<AccountRow | null>;
    /** The same, but others may hold it this way meanwhile: nobody changes it until the transaction ends. */
    holdShared(xid: Uint8Array): Promise<AccountRow | null>;
    insert(row: AccountRow): Promise<void>;
    update(row: AccountRow): Promise<void>;
  };
  readonly invites: InviteReader & {
    insert(row: InviteRow): Promise<void>;
    /** Marks an unused invite as used; false when another one was faster. */
    use(row: InviteRow): Promise<boolean>;
    /** Removes an unused invite; false when it was used, or is not there. */
    removeUnused(codeHash: Uint8Array): Promise<boolean>;
  };
  readonly messages: MessageReader & {
    /** Records a message; false when it was seen before. */
    record(xid: Uint8Array, id: Uint8Array, expiresAt: number): Promise<boolean>;
    /** Forgets messages that expired before `now`; returns how many. */
    forgetExpired(now: number): Promise<number>;
    /** Inserts messages as they were recorded elsewhere. @throws StorageError `STORAGE_CONSTRAINT` */
    insertAll(messages: readonly SeenMessage[]): Promise<void>;
  };
  readonly sessions: SessionReader & {
    insert(row: SessionRow): Promise<void>;
    update(row: SessionRow): Promise<void>;
    /** With its packets and evidence. */
    remove(owner: Uint8Array, sessionId: Uint8Array): Promise<void>;
  };
  readonly packets: PacketReader & {
    /** False when there is a packet in that place already: compare it, same bytes or equivocation. */
    insert(row: PacketRow): Promise<boolean>;
  };
  readonly evidence: EvidenceReader & { insert(row: EvidenceRow): Promise<void> };
  readonly keys: KeyReader & {
    /** Reads a key and holds it against other replicas until the transaction ends: before counting for a limit. */
    hold(owner: Uint8Array, keyId: Uint8Array): Promise<KeyRow | null>;
    insert(row: KeyRow): Promise<void>;
    update(row: KeyRow): Promise<void>;
    /** With its epochs, shares and tightening. */
    remove(owner: Uint8Array, keyId: Uint8Array): Promise<void>;
  };
  readonly epochs: KeyEpochReader & {
    /** Version 1 is inserted, every other one replaces the one before it. */
    put(row: KeyEpochRow): Promise<void>;
    remove(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<void>;
  };
  readonly shares: ShareReader & {
    /** As of {@link Transaction.epochs}. */
    put(row: ShareRow): Promise<void>;
    remove(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<void>;
  };
  readonly tightenings: TighteningReader & { put(row: TighteningRow): Promise<void> };
  readonly changes: ChangeReader & {
    /** As of {@link Transaction.epochs}. */
    put(row: ChangeRow): Promise<void>;
    remove(owner: Uint8Array, keyId: Uint8Array, epoch: number): Promise<void>;
  };
  readonly shownEpochs: ShownEpochReader & {
    /** False when it is there. */
    insert(row: ShownEpochRow): Promise<boolean>;
    /** Holds what was shown of a key against other replicas until the transaction ends: before it is read once more, or goes. */
    hold(owner: Uint8Array, keyId: Uint8Array): Promise<void>;
    /** All of one key. */
    removeAll(owner: Uint8Array, keyId: Uint8Array): Promise<void>;
  };
  readonly devices: DeviceReader & {
    insert(row: DevicesRow): Promise<void>;
    /** Removes the lists of all generations before that one; what was there twice stays. */
    removeBefore(owner: Uint8Array, generation: number): Promise<void>;
  };
  readonly youngDevices: YoungDeviceReader & {
    insert(row: YoungDeviceRow): Promise<void>;
    update(row: YoungDeviceRow): Promise<void>;
    remove(owner: Uint8Array, id: Uint8Array): Promise<void>;
  };
  readonly outbox: OutboxReader & {
    insert(row: OutboxRow): Promise<void>;
    update(row: OutboxRow): Promise<void>;
    remove(owner: Uint8Array, id: Uint8Array): Promise<void>;
    /** Removes whatever has been sent, given up or due since before that moment; returns how many. */
    forget(before: number): Promise<number>;
  };
  readonly deposits: DepositReader & {
    insert(row: DepositRow): Promise<void>;
    /** @returns whether it was there */
    remove(owner: Uint8Array, receipt: Uint8Array): Promise<boolean>;
  };
  readonly terms: TermsReader & {
    /** The first version of a row, or the next one. */
    put(row: TermsRow): Promise<void>;
  };
  readonly life: LifeReader & {
    /** The first version of a row, or the next one. */
    put(row: LifeRow): Promise<void>;
  };
  readonly keyDevices: KeyDeviceReader & {
    insert(row: KeyDevicesRow): Promise<void>;
    /** Removes the lists of all generations before that one; what was there twice stays. */
    removeBefore(owner: Uint8Array, keyId: Uint8Array, generation: number): Promise<void>;
  };
  readonly provenDevices: ProvenDeviceReader & {
    insert(row: ProvenDeviceRow): Promise<void>;
    remove(owner: Uint8Array, keyId: Uint8Array, id: Uint8Array): Promise<void>;
  };
  readonly contacts: ContactReader & {
    insert(row: ContactRow): Promise<void>;
    update(row: ContactRow): Promise<void>;
    remove(owner: Uint8Array, id: Uint8Array): Promise<void>;
  };
  readonly recoveries: RecoveryReader & {
    insert(row: RecoveryRow): Promise<void>;
    update(row: RecoveryRow): Promise<void>;
    remove(id: Uint8Array): Promise<void>;
  };
  readonly recoveryTries: RecoveryTriesReader & {
    insert(row: RecoveryTriesRow): Promise<void>;
    update(row: RecoveryTriesRow): Promise<void>;
    /** Removes those that are forgotten by that moment. */
    forget(before: number): Promise<void>;
  };
  readonly totals: TotalReader & {
    insert(row: TotalRow): Promise<void>;
    /** Removes those below a number. */
    removeBefore(owner: Uint8Array, keyId: Uint8Array, number: number): Promise<void>;
  };
  readonly requests: RequestReader & {
    insert(row: RequestRow): Promise<void>;
    update(row: RequestRow): Promise<void>;
    /** With its attempts. */
    remove(owner: Uint8Array, requestId: Uint8Array): Promise<void>;
  };
  readonly attempts: AttemptReader & { insert(row: AttemptRow): Promise<void> };
  readonly matters: MatterReader & {
    /** Reads a matter and holds it against other replicas until the transaction ends: before votes on it are counted or kept. */
    hold(name: MatterName): Promise<MatterRow | null>;
    insert(row: MatterRow): Promise<void>;
    update(row: MatterRow): Promise<void>;
    /** With what was said of it, and whom it was asked of. */
    remove(name: MatterName): Promise<void>;
  };
  readonly matterPayloads: MatterPayloadReader & {
    insert(row: MatterPayloadRow): Promise<void>;
    remove(name: MatterName): Promise<void>;
  };
  readonly votes: VoteReader & {
    /** As of {@link Transaction.epochs}. */
    put(row: VoteRow): Promise<void>;
  };
  readonly asked: AskedReader & {
    /** Unless it is there. */
    insert(row: AskedRow): Promise<void>;
    /** All who are asked about a matter. */
    removeAll(name: MatterName): Promise<void>;
  };
  readonly sealed: SealedReader & {
    /**
     * Seals a row anew under another storage key; nothing but its seal changes. False when the row is not what was read:
     * somebody else has written it meanwhile.
     */
    replace<T extends TableName>(table: T, row: Rows[T], sealed: Uint8Array): Promise<boolean>;
    /** Inserts rows as they were stored before, out of a backup. @throws StorageError `STORAGE_CONSTRAINT` */
    insertAll<T extends TableName>(table: T, rows: readonly Rows[T][]): Promise<void>;
    /** Keeps every other process from writing to any table until the transaction ends; they may read. */
    holdAll(): Promise<void>;
    /** Removes every row of every table: of a database whose content is elsewhere. */
    removeAll(): Promise<void>;
  };
  readonly audit: AuditReader & {
    /** Reads the head and holds it against other replicas until the transaction ends. */
    holdHead(): Promise<AuditHeadRow | null>;
    /** Inserts the row and moves the head in one go. */
    append(row: AuditRow, head: AuditHeadRow): Promise<void>;
    /** Leaves a log that no process ever goes on with: whoever knew its end finds that it has gone back. */
    removeHead(): Promise<void>;
  };
}

/** Which SQLite it is: the one that CKM brings, the same on every Node, or that of Node itself. */
export interface SqliteUsed {
  readonly library: 'better-sqlite3' | 'node';
  readonly version: string;
}

/**
 * One database. `read` and `transact` hand out different types: whoever only reads cannot write.
 *
 * Never call `read` or `transact` inside either of them (SQLite has one connection: the inner one would wait for the
 * outer one until it fails with StorageError `STORAGE_BUSY`), and do slow work before, not inside: a transaction holds
 * the only writer.
 */
export interface Storage {
  readonly kind: 'sqlite' | 'postgres';
  /** Null: it is none. */
  readonly sqlite: SqliteUsed | null;
  /** How many other processes have this database open, as far as it knows. */
  countOthers(): Promise<number>;
  read<T>(work: (reader: Reader) => Promise<T>): Promise<T>;
  /** Runs `work` and commits durably before it resolves; rolls back when `work` throws. */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
