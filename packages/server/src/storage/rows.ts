/**
 * The rows of every table as the rest of the server sees them. Columns are ids, the owner's XID and what a lookup needs
 * (state, version, expiry); everything else is in `sealed`, ciphertext that binds all other columns of its row
 * (`vault/vault.ts`, `sealRow`). Ids are 32 bytes, times are UnixSeconds.
 */

export interface MetaRow {
  readonly name: string;
  readonly sealed: Uint8Array;
}

export interface AccountRow {
  readonly xid: Uint8Array;
  readonly status: 'active' | 'suspended';
  readonly version: number;
  readonly openedAt: number;
  readonly sealed: Uint8Array;
}

export interface InviteRow {
  /** Hash of the code: the code itself is never stored. */
  readonly codeHash: Uint8Array;
  /** The account that used it; null: still good. */
  readonly usedBy: Uint8Array | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sealed: Uint8Array;
}

export interface SessionRow {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly keyId: Uint8Array;
  readonly state: string;
  /** Whether the session still counts against the quota and may move on; derived from `state` by its writer. */
  readonly open: boolean;
  /** 1 when inserted; every update writes exactly one more. */
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sealed: Uint8Array;
}

/** One packet of one sender in one round: own packets and received ones. */
export interface PacketRow {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly round: number;
  readonly sender: number;
  /** 0: everyone. */
  readonly receiver: number;
  readonly sealed: Uint8Array;
}

/** Two validly signed packets that contradict each other, and the like. */
export interface EvidenceRow {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly number: number;
  readonly sealed: Uint8Array;
}

/** The head of a key: which epoch is in use, and what may be shown of it. */
export interface KeyRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly state: 'pending' | 'active';
  /** The one that is used. */
  readonly epoch: number;
  readonly version: number;
  readonly createdAt: number;
  readonly sealed: Uint8Array;
}

/** What everybody may know of one epoch of a key: parameters and certificate. */
export interface KeyEpochRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** Counts what was stored of this epoch; its share carries the same number. */
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** This server's share of one epoch, sealed under the key of that epoch (`vault/epoch-keys.ts`). */
export interface ShareRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** What the operator added to a key's policy: only ever stricter. */
export interface TighteningRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/**
 * What this server remembers of the change that follows an epoch of a key: the order, what it said as one who decides, and
 * what it receives a share with. There before the key is, where a server joins.
 */
export interface ChangeRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** The epoch whose members decide. */
  readonly epoch: number;
  /** Whether an order in it waits for the operator or for its delay; derived from what is sealed by its writer. */
  readonly waiting: boolean;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/**
 * An epoch of a key as certificates proved it that were shown to this server, which holds no share of it: it joins, comes back, or leaves.
 * Never written over: it is named by what it is.
 */
export interface ShownEpochRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** Its transcript hash. */
  readonly name: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A list of the devices of an account that is no longer in force, or another one of the same number. Never written over. */
export interface DevicesRow {
  readonly owner: Uint8Array;
  readonly generation: number;
  readonly number: number;
  /** Whether it is another list of a number that was taken: sealed with the one that was first. */
  readonly twice: boolean;
  readonly sealed: Uint8Array;
}

/** A device that its account has not had for long. */
export interface YoungDeviceRow {
  readonly owner: Uint8Array;
  readonly id: Uint8Array;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** Something that goes out to somebody: to the owner of an account, or to the operator, whose are the server's own. */
export interface OutboxRow {
  readonly owner: Uint8Array;
  readonly id: Uint8Array;
  /** By which way it goes: `command`, `webhook`, `mail`. */
  readonly way: string;
  readonly state: 'waiting' | 'sent' | 'failed';
  /** When it is tried next; of what was sent or given up: since when. UnixSeconds. */
  readonly dueAt: number;
  readonly version: number;
  readonly createdAt: number;
  readonly sealed: Uint8Array;
}

/** Terms of a key: in force once or now, behind those in force, or a second time by the same number. */
export interface TermsRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** Which version of the terms of the key. */
  readonly number: number;
  /** Whether it is evidence that somebody made two of that number; then nothing else. */
  readonly twice: boolean;
  /** Whether somebody has to look at it from time to time. */
  readonly waiting: boolean;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** How much of each fact was let in of a key in all, up to and with one request. */
export interface TotalRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** From 1, in the order in which shares were given. */
  readonly number: number;
  /** UnixSeconds; never falls from one number to the next. */
  readonly at: number;
  readonly sealed: Uint8Array;
}

/** Something that an account keeps here. Never written over: it is named by what it is. */
export interface DepositRow {
  readonly owner: Uint8Array;
  readonly receipt: Uint8Array;
  readonly sealed: Uint8Array;
}

/** When the owner of a key was heard here. */
export interface LifeRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** A list of the devices that an owner has for one key, or another one of the same number. Never written over. */
export interface KeyDevicesRow extends DevicesRow {
  readonly keyId: Uint8Array;
}
/** An entry on the list of a key of which this server knows whose it is. */
export interface ProvenDeviceRow {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** Of the entry. */
  readonly id: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Somebody who brings the owner of an account back. */
export interface ContactRow {
  readonly owner: Uint8Array;
  readonly id: Uint8Array;
  /** A keyed hash of what names the contact; null: nothing does, or not yet. */
  readonly handle: Uint8Array | null;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** Somebody who wants to be let into an account again, named by his new key. */
export interface RecoveryRow {
  readonly id: Uint8Array;
  readonly owner: Uint8Array;
  readonly state: 'waiting' | 'vetoed' | 'done' | 'over';
  /** It is over, or is forgotten, then. UnixSeconds. */
  readonly until: number;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** How often somebody tried to be a contact, or had a code sent to one. */
export interface RecoveryTriesRow {
  readonly handle: Uint8Array;
  /** When that is forgotten. UnixSeconds. */
  readonly until: number;
  readonly version: number;
  readonly sealed: Uint8Array;
}

export interface RequestRow {
  readonly owner: Uint8Array;
  readonly requestId: Uint8Array;
  readonly keyId: Uint8Array;
  readonly state: string;
  /** Whether it waits for the operator; derived from `state` by its writer. */
  readonly waiting: boolean;
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sealed: Uint8Array;
}

export interface AttemptRow {
  readonly owner: Uint8Array;
  readonly requestId: Uint8Array;
  readonly number: number;
  readonly sealed: Uint8Array;
}

/** Something that people are asked about by the terms of a key. */
export interface MatterRow {
  readonly owner: Uint8Array;
  /** What kind of thing it is (`VoteMatter`); with its id it names the matter. */
  readonly matter: string;
  readonly matterId: Uint8Array;
  readonly keyId: Uint8Array;
  /** Whether people are asked about it still. */
  readonly waiting: boolean;
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sealed: Uint8Array;
}

/** What is asked for in a matter, byte for byte: apart, since it is long, and listed by nobody. It goes when nobody is asked any more. */
export interface MatterPayloadRow {
  readonly owner: Uint8Array;
  readonly matter: string;
  readonly matterId: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What an approver said of a matter last. */
export interface VoteRow {
  readonly owner: Uint8Array;
  readonly matter: string;
  readonly matterId: Uint8Array;
  readonly approver: Uint8Array;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** That an approver is asked about a matter: by it he finds what waits for him. Nothing stands in it but its seal. */
export interface AskedRow {
  readonly approver: Uint8Array;
  readonly matterId: Uint8Array;
  readonly owner: Uint8Array;
  readonly matter: string;
  readonly sealed: Uint8Array;
}

export interface AuditRow {
  /** 1, 2, 3, … without a gap. */
  readonly sequence: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly sealed: Uint8Array;
}

export interface AuditHeadRow {
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Every table that holds a `sealed` column, by name. */
export interface Rows {
  readonly meta: MetaRow;
  readonly accounts: AccountRow;
  readonly invites: InviteRow;
  readonly sessions: SessionRow;
  readonly session_packets: PacketRow;
  readonly session_evidence: EvidenceRow;
  readonly keys: KeyRow;
  readonly key_epochs: KeyEpochRow;
  readonly shares: ShareRow;
  readonly tightenings: TighteningRow;
  readonly changes: ChangeRow;
  readonly shown_epochs: ShownEpochRow;
  readonly devices: DevicesRow;
  readonly young_devices: YoungDeviceRow;
  readonly outbox: OutboxRow;
  readonly deposits: DepositRow;
  readonly terms: TermsRow;
  readonly totals: TotalRow;
  readonly key_devices: KeyDevicesRow;
  readonly proven_devices: ProvenDeviceRow;
  readonly contacts: ContactRow;
  readonly recoveries: RecoveryRow;
  readonly recovery_tries: RecoveryTriesRow;
  readonly life: LifeRow;
  readonly requests: RequestRow;
  readonly attempts: AttemptRow;
  readonly matters: MatterRow;
  readonly matter_payloads: MatterPayloadRow;
  readonly votes: VoteRow;
  readonly asked_people: AskedRow;
  readonly audit: AuditRow;
  readonly audit_head: AuditHeadRow;
}

export type TableName = keyof Rows;
