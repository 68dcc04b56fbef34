// Longer than other files, because it is the one list of what rooms of a server know of each other: interfaces alone, each filled in its own room.
import type { Ballot, CaseView, SilenceView, FunctionName, KeyTerms, Parameters, Result } from '@ckm/api';
import type { CkmError, Secret } from '@ckm/foundation';
import type { Data, Identity, PublicKeys } from '@ckm/gordian';
import type { DescriptionRow, DescriptionWarning } from '@ckm/requests';
import type { ChangeMemory } from '@ckm/threshold';
import type { AuditLog } from './audit/audit.js';
import type { Accounts, Account, AccountKey } from './accounts/accounts.js';
import type { ServerConfig } from './config/config.js';
import type { Events } from './events.js';
import type { Counting, CountStart } from './policy/counting.js';
import type { Freeze, StandingFreeze } from './policy/freeze.js';
import type { Freezer } from './policy/freezer.js';
import type { Policy } from './policy/policy.js';
import type { PeopleSaid } from './policy/terms.js';
import type { StoredTightening } from './policy/tightening.js';
import type { WeightyRules } from './policy/weighty.js';
import type { KeyRow, Reader, Storage, Transaction, RequestCursor } from './storage/storage.js';
import type { EpochKeys } from './vault/epoch-keys.js';
import type { StaticSeeds } from './vault/static-seeds.js';
import type { Vault } from './vault/vault.js';

export type {
  Counting,
  CountStart,
  Freeze,
  Freezer,
  PeopleSaid,
  StandingFreeze,
  StoredTightening,
  WeightyRules,
};

/** The only sources of time and randomness; tests hand in others. */
export interface Clock {
  /** UnixSeconds; never runs backwards within one process, and does not follow a clock that jumps: `clock.ts`. */
  (): number;
}
export interface Random {
  /** `length` fresh random bytes. @throws BugError `RANDOM_BROKEN` when the source gives zeros (V66). */
  (length: number): Uint8Array;
}

/** Something that goes out to somebody. */
export interface Outgoing {
  readonly owner: Uint8Array;
  readonly way: string;
  readonly content: Data;
}

/** Where what goes out to people is kept. */
export interface Mailbox {
  /**
   * Keeps something in the transaction of what it tells of; it goes out behind the commit.
   * @param more how many may wait beyond the usual number: for what must be told whatever else waits
   * @returns false: by that way as much waits for this owner as may
   */
  put(transaction: Transaction, outgoing: Outgoing, more?: number): Promise<boolean>;
}

/** Everything a running, unsealed server has. Made once by `openServer`. */
export interface ServerContext {
  readonly clock: Clock;
  /** Milliseconds that this process has run, whatever the date; absent: as the machine counts them. For tests. */
  readonly elapsed?: () => number;
  readonly random: Random;
  readonly config: ServerConfig;
  readonly storage: Storage;
  readonly vault: Vault;
  /** The server's own identity: signs replies and packets, opens messages. */
  readonly identity: Identity;
  readonly staticSeeds: StaticSeeds;
  readonly epochKeys: EpochKeys;
  /** What names of contacts are hashed with. */
  readonly handleKey: Secret<Uint8Array>;
  readonly outbox: Mailbox;
  readonly accounts: Accounts;
  readonly policy: Policy;
  readonly people: People;
  readonly audit: AuditLog;
  readonly events: Events;
  /** Signed changes that this process has checked. */
  readonly checkedChanges: ChangeMemory;
}

/** A matter on which the terms of a key ask people: what this server knows of it by itself. */
export interface MatterOfPeople {
  /** Whose key it is. */
  readonly owner: Uint8Array;
  /** Those in force at this server, whose hash the ballot names. */
  readonly terms: KeyTerms;
  readonly ballot: Omit<Ballot, 'serverId'>;
  /** XIDs that have no say in it, besides who asks; absent: nobody else. */
  readonly without?: readonly Uint8Array[];
}

/** A matter as people are asked about it. */
export interface AskedMatter extends MatterOfPeople {
  /** What is asked for, byte for byte. */
  readonly payload: Uint8Array;
  /** As this server words it. */
  readonly sentence: string;
  /** Whether the terms are not those in force at this server, but earlier ones from which a change leads on; absent: they are. */
  readonly isUnderEarlier?: boolean;
  /** Whom it is asked of, by the names in the terms; those who were asked before are asked still. */
  readonly names: readonly string[];
}

/** The people whom terms of keys name. */
export interface People {
  /** What they have said of a matter by now. */
  said(reader: Reader, matter: MatterOfPeople): Promise<PeopleSaid>;
  /** The same, with the matter held: until the transaction is over nobody says anything of it. */
  holdSaid(transaction: Transaction, matter: MatterOfPeople): Promise<PeopleSaid>;
  /** Asks them from now on. @throws PolicyError `QUOTA_WAITING`, `QUOTA_BYTES` */
  ask(transaction: Transaction, asked: AskedMatter): Promise<void>;
  /** Asks nobody any more. */
  end(transaction: Transaction, matter: Pick<MatterOfPeople, 'owner' | 'ballot'>): Promise<void>;
  /**
   * The same, but what they said is kept until the time of the matter is over: it holds where they are asked about the very same again.
   * @param released whether it was done by what they said: then nothing that they say now changes that
   */
  rest(
    transaction: Transaction,
    matter: Pick<MatterOfPeople, 'owner' | 'ballot'>,
    released?: 'released',
  ): Promise<void>;
}

/** One authenticated message that is being answered. */
export interface Call {
  readonly account: Account;
  /** Which of its keys the message is signed with. */
  readonly by: AccountKey;
  /**
   * `storage.transact` that also records the message as seen, the first time it is used. Every write that answers a
   * message goes through this, so that deed and replay protection are one commit. A message whose handler never used it,
   * or failed, is recorded before the reply leaves.
   * @throws StateError `MESSAGE_REPLAYED` when the message was answered before.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Who calls in the place of an owner who is silent, and may by the terms of the key that it is about; absent: the owner does. */
  readonly heir?: HeirCalling;
}

/** An heir to whom the use of a key is granted. */
export interface HeirCalling {
  /** As the terms call him. */
  readonly name: string;
  /** Of him for this key, as they have it. */
  readonly xid: Uint8Array;
}

/** One message of somebody who need not have an account; his keys are those that it was verified with. */
export interface AskerCall extends Pick<Call, 'transact'> {
  readonly sender: Uint8Array;
  readonly publicKeys: PublicKeys;
  /** Null: he has none. */
  readonly account: Account | null;
}

/** The functions that the room of ways back answers to whoever has no account. */
export type AskerFunctionName = `recovery.${'open' | 'prove' | 'show' | 'finish'}`;
export type AskerHandlers = {
  readonly [F in AskerFunctionName]: (call: AskerCall, parameters: Parameters<F>) => Promise<Result<F>>;
};
/**
 * Under which name somebody is heard who wants an account back, however many others do; null: as one of them.
 * @param body of his message, which may be anything
 */
export type AskerKnown = (
  sender: Uint8Array,
  name: AskerFunctionName,
  body: Uint8Array,
) => Promise<string | null>;
/** The functions that it answers to accounts. */
export type WaysBackFunctionName =
  | Extract<FunctionName, `contact.${string}`>
  | Exclude<Extract<FunctionName, `recovery.${string}`>, AskerFunctionName>;

export type Handler<F extends FunctionName> = (call: Call, parameters: Parameters<F>) => Promise<Result<F>>;
export type Handlers<F extends FunctionName = FunctionName> = { readonly [N in F]: Handler<N> };

/** What the operator reads beneath the sentence of a request that waits. */
export interface ShownRequest {
  /** In the order of the description; where some are left out, one row says how many. */
  readonly rows: readonly DescriptionRow[];
  readonly rowsLeftOut: number;
  /** All of them, whatever they take: they are what should make one hesitate. */
  readonly warnings: readonly DescriptionWarning[];
  /** Whether the content cannot be described. */
  readonly blind: boolean;
}

/** A request as the operator sees it. */
export interface WaitingRequest {
  readonly owner: Uint8Array;
  readonly requestId: Uint8Array;
  readonly keyId: Uint8Array;
  readonly kind: string;
  /** Over everything there is to sign for it. */
  readonly tasksHash: Uint8Array;
  readonly sentence: string;
  /** Null: an earlier version of the server stored only the sentence. */
  readonly shown: ShownRequest | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** The operator's side of requests that wait for a person. */
export interface RequestDesk {
  /**
   * A page of what waits, behind `after`, oldest first; an empty one is the end. What suspended accounts asked for is left
   * out here, in {@link find} and in {@link approve}: it waits on, and is there again when they are resumed.
   */
  list(after?: RequestCursor | null): Promise<readonly WaitingRequest[]>;
  /** How many there are to list. */
  count(): Promise<number>;
  /** Requests that wait under an id between these two: a few of them, when there are many. */
  find(lowest: Uint8Array, highest: Uint8Array): Promise<readonly WaitingRequest[]>;
  /** Why the one request under an id between these two does not wait; null: there is none, or more than one. */
  past(lowest: Uint8Array, highest: Uint8Array, owner?: Uint8Array | null): Promise<CkmError | null>;
  /**
   * @param seen what was looked at: nothing else is approved
   * @param as whom whoever answers says to be, for the audit log; here and below
   * @throws UsageError `REQUEST_UNKNOWN`, StateError `REQUEST_NOT_WAITING`, `REQUEST_AMBIGUOUS`, `REQUEST_NOT_AS_SEEN`
   */
  approve(
    requestId: Uint8Array,
    seen?: Partial<SeenRequest> | null,
    as?: string | null,
  ): Promise<WaitingRequest>;
  /**
   * `reason` reaches the requester and the audit log.
   * @param owner whose; only needed where two accounts have the same id
   * @throws as {@link approve}
   */
  reject(
    requestId: Uint8Array,
    reason: string,
    owner?: Uint8Array | null,
    as?: string | null,
  ): Promise<WaitingRequest>;
  /** Rejects whatever an account had waiting when this was called, suspended or not; returns how many requests. */
  rejectAll(owner: Uint8Array, reason: string, as?: string | null): Promise<number>;
}

/** A ceremony as the operator sees it, before this server takes part. */
export interface WaitingSession {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly keyId: Uint8Array;
  readonly kind: string;
  /** Over everything that is proposed. */
  readonly proposalHash: Uint8Array;
  readonly sentence: string;
  /** Whether it waits for the operator's yes; he may say no to it in any case. */
  readonly asked: boolean;
  /** When the time is over that it waits for besides; null: for none. UnixSeconds. */
  readonly readyAt: number | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Which one was looked at; another proposal under the same id is not decided by it. */
export type SeenSession = Pick<WaitingSession, 'owner' | 'sessionId' | 'proposalHash'>;
export type SessionCursor = Pick<WaitingSession, 'owner' | 'sessionId'>;

/** The operator's side of ceremonies that wait for a person. Those of suspended accounts wait on, unseen. */
export interface SessionDesk {
  /** A page of what waits, behind `after`; `next`: what to list behind next, null at the end. */
  list(
    after?: SessionCursor | null,
  ): Promise<{ readonly sessions: readonly WaitingSession[]; readonly next: SessionCursor | null }>;
  /** How many there are to list. */
  count(): Promise<number>;
  /**
   * @param words where the ceremony asks for them: as its owner tells them
   * @throws StateError `SESSION_UNKNOWN`, `SESSION_NOT_WAITING`, `SESSION_NOT_AS_SEEN`; UsageError `SESSION_WORDS_WRONG`
   */
  approve(seen: SeenSession, as?: string | null, words?: string): Promise<void>;
  /** `reason` reaches the owner and the audit log. @throws as {@link approve}; UsageError `REASON_INVALID` */
  reject(seen: SeenSession, reason: string, as?: string | null): Promise<void>;
}

/** Where a list of waiting changes has come to. */
export interface ChangeCursor {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** The epoch whose members decide. */
  readonly epoch: number;
}

/** Which order was looked at: a yes to it is a yes to nothing else. */
export interface SeenChange extends ChangeCursor {
  /** 32 bytes. */
  readonly orderHash: Uint8Array;
}

/** A change of who holds a key as the operator sees it. */
export interface WaitingChange extends SeenChange {
  /** What the likeness of the key is made of. */
  readonly transcriptHash: Uint8Array;
  readonly sentence: string;
  readonly old: readonly ShownMember[];
  readonly oldQuorum: Quorum;
  /** What several certificates of one epoch say, but for the one that is to count; empty: it is no order to settle that. */
  readonly dead: readonly { readonly quorum: Quorum; readonly members: readonly ShownMember[] }[];
  readonly next: readonly ShownMember[];
  readonly nextQuorum: Quorum;
  /** Whether it waits for the operator; else for its delay, or for nothing. */
  readonly asked: boolean;
  /** When its delay is over if the server goes on running; null: it is. UnixSeconds. */
  readonly readyAt: number | null;
  /** The device that gave it; null: the words, or it is not known. */
  readonly by: Uint8Array | null;
}

interface ShownMember {
  /** XID: its likeness is what people compare. */
  readonly serverId: Uint8Array;
  /** Empty: not known here. */
  readonly url: string;
}

interface Quorum {
  readonly needed: number;
  readonly of: number;
}

/** The operator's side of changes of who holds a key. */
export interface ChangeDesk {
  /** A page of what waits, behind `after`; `next`: what to list behind next, null at the end. */
  list(
    after?: ChangeCursor | null,
  ): Promise<{ readonly changes: readonly WaitingChange[]; readonly next: ChangeCursor | null }>;
  /**
   * @param words the six words of the order, as its owner told them
   * @throws UsageError `CHANGE_WORDS_WRONG`; StateError `CHANGE_UNKNOWN`, `CHANGE_NOT_WAITING`, `KEY_EPOCH_DIFFERS`, `KEY_LEFT`
   */
  approve(seen: SeenChange, words: string, as?: string | null): Promise<void>;
  /** `reason` reaches the owner and the audit log. @throws as {@link approve}; UsageError `REASON_INVALID` */
  reject(seen: SeenChange, reason: string, as?: string | null): Promise<void>;
}

/** What tells one request from any other that could be put in its place. */
export type SeenRequest = Pick<WaitingRequest, 'owner' | 'keyId' | 'tasksHash'>;

/** A key with its owner's policy, for the operator's eyes. */
export interface KeyFacts {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly purpose: string;
  readonly suite: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Which place in the quorum this server has. */
  readonly slot: number;
  readonly state: 'pending' | 'active';
  readonly createdAt: number;
  /** What its likeness is made of; null while it waits for its certificate. */
  readonly transcriptHash: Uint8Array | null;
  /** Which version of what the operator took away belongs to it; 0: none. */
  readonly tightened: number;
  /** When this server stopped it, because a share was wrong; null: it answers. UnixSeconds. */
  readonly stoppedAt: number | null;
  /** The freeze by its owner that stands; null: none. */
  readonly frozen: StandingFreeze | null;
  /** When this server gave its share out; null: it never did. UnixSeconds. */
  readonly exportedAt: number | null;
  /** Whether it knows that others gave theirs out, and did not itself. */
  readonly isExportedElsewhere: boolean;
  readonly policy: KeyTerms;
}

/** The operator in person as a way back into an account. */
export interface WaysBackDesk {
  /**
   * Has the recovery begin, or go on, of the key that asks.
   * @param request bytes of `encodeVouchRequest`
   * @param words the six words of that key
   * @throws EncodingError `RECOVERY_REQUEST_INVALID`; UsageError `RECOVERY_WORDS_WRONG`; AccessError `RECOVERY_NOT_PROVEN`; StateError `RECOVERY_…`
   */
  confirm(owner: Uint8Array, request: Uint8Array, words: string, as?: string | null): Promise<CaseView>;
}

/** The functions that ceremonies, keys and requests answer. */
export type SessionFunctionName = Extract<
  FunctionName,
  | `session.${string}`
  | `key.${string}`
  | `drill.${string}`
  | `change.${string}`
  | `fork.${string}`
  | `craft.${string}`
  | `request.${string}`
  | `terms.${string}`
>;

/** The functions that the room of devices answers. */
export type DeviceFunctionName = Extract<FunctionName, `device.${string}`>;

/** The functions that stop a whole account, and end that. */
export type AccountFunctionName = Exclude<Extract<FunctionName, `account.${string}`>, 'account.open'>;

/** The functions that the room of terms answers. */
export type TermsFunctionName = Extract<FunctionName, `terms.${string}`>;

/** The functions that the room of deposits answers. */
export type DepositFunctionName = Extract<FunctionName, `share.${string}`>;

/** A message of whomever, with an account or without one. */
export interface AnybodyCall extends Pick<Call, 'transact'> {
  /** XID that its signature was checked with. */
  readonly sender: Uint8Array;
}

/** The functions that the room of votes answers, to whoever asks. */
export type ApprovalFunctionName = Extract<FunctionName, `approval.${string}`>;
export type ApprovalHandlers = {
  readonly [N in ApprovalFunctionName]: (call: AnybodyCall, parameters: Parameters<N>) => Promise<Result<N>>;
};

/** The functions about the life of a key's owner that whoever carries a signed statement may call, or whom its terms name. */
export type LifeFunctionName = Extract<
  FunctionName,
  `freeze.${string}` | `alive.${string}` | `heir.${string}`
>;
export type LifeHandlers = {
  readonly [N in LifeFunctionName]: (call: AnybodyCall, parameters: Parameters<N>) => Promise<Result<N>>;
};

/** The operator's side of heirs who ask for keys. */
export interface SilenceDesk {
  /** Null: the terms of the key name no heirs, or nothing was counted yet. */
  show(name: Pick<KeyRow, 'owner' | 'keyId'>): Promise<SilenceView | null>;
  /**
   * Lets a case go on without the word of servers that say nothing, as long as it is open, of each until it says something.
   * @param seen XIDs of those whose word was missing when the operator looked
   * @throws StateError `HEIR_NOT_ASKING`, `SILENCE_NOT_AS_SEEN`, `SILENCE_HEARD_TOO_FEW`
   */
  agree(
    name: Pick<KeyRow, 'owner' | 'keyId'>,
    seen: readonly Uint8Array[],
    as?: string | null,
  ): Promise<SilenceView>;
}

/** What ceremonies, keys and requests give the rest of the server; `server/open-sessions.ts` puts it together. */
export interface Sessions {
  readonly handlers: Handlers<
    | SessionFunctionName
    | AccountFunctionName
    | DeviceFunctionName
    | DepositFunctionName
    | WaysBackFunctionName
  > &
    ApprovalHandlers &
    LifeHandlers &
    AskerHandlers;
  readonly waysBackDesk: WaysBackDesk;
  readonly askerKnown: AskerKnown;
  readonly silenceDesk: SilenceDesk;
  readonly desk: RequestDesk;
  readonly sessionDesk: SessionDesk;
  readonly changeDesk: ChangeDesk;
  /** Reads what a key's head shows, for the operator. */
  keyFacts(row: KeyRow): KeyFacts;
  /** Null when the row is not what this server stored. */
  keyFactsIfWhole(row: KeyRow): KeyFacts | null;
  /** What was certified of this server's share of a key in the epoch in use; null: nothing, or it has no part in the key any more. */
  certifiedShare(row: KeyRow): { readonly epoch: number; readonly publicShare: Uint8Array } | null;
  /** Binds a key's head to the version of what the operator took away from it that was stored just now. */
  noteTightened(transaction: Transaction, row: KeyRow, stored: StoredTightening): Promise<void>;
  /** The operator wants what stands over: what becomes of it, where the terms of the key ask others too. The same list: nothing has changed. */
  thaw(
    transaction: Transaction,
    row: KeyRow,
    freezes: readonly Freeze[],
  ): Promise<{ readonly freezes: readonly Freeze[]; readonly waits: string | null }>;
  /** For which people the end of what stands waits, in words; null: for nobody. */
  thawWaits(reader: Reader, row: KeyRow, freezes: readonly Freeze[]): Promise<string | null>;
  /** Uses a key again that this server did not use, because it came back from an older state. @returns whether it was not used */
  releaseHead(transaction: Transaction, key: Pick<KeyRow, 'owner' | 'keyId'>): Promise<boolean>;
  /** Has a key go by what this server has counted itself, whatever others have told it. @returns whether it went by that */
  releaseCount(transaction: Transaction, key: Pick<KeyRow, 'owner' | 'keyId'>): Promise<boolean>;
  /**
   * Ends every open session, because the database is an older one, and takes this server's say in changes of its keys until others
   * have reminded it. Pending keys stay. @returns how many those were
   */
  voidOpen(reason: string): Promise<number>;
  /** Expires what is overdue at `clock()`, forgets what has been over for long; called every few seconds. */
  sweep(): Promise<void>;
  /** Wipes what is in memory; nothing is called afterwards. */
  close(): void;
}
