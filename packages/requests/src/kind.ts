import type { PublicKeyPackage, SuiteName } from '@ckm/threshold';
import type { CostOf } from './cost.js';
import type { Facts, FactTypes } from './facts.js';
import type { RequestForm } from './form.js';
import type { Task, TaskResult } from './task.js';

/** The Bitcoin network whose addresses are shown; a signature is the same on each of them. */
export type BitcoinNetwork = 'bitcoin' | 'testnet' | 'signet' | 'regtest';

/** The key a request is made to. Everything in it is the server's own record, never taken from the request. */
export interface KeyContext {
  /** What its owner calls it. Only the client knows it. */
  readonly name?: string;
  readonly suite: SuiteName;
  /** What the key was made for; decides which kinds it answers to. */
  readonly purpose: string;
  readonly public: PublicKeyPackage;
  readonly network?: BitcoinNetwork;
  /** Seconds since 1970 by the clock of whoever describes: whether a lock is ahead. Without it each lock counts as ahead. */
  readonly now?: number;
  /** The highest numbers of receive and change addresses that its owner knows to be used. Only the client knows them. */
  readonly usedIndex?: { readonly receive?: number; readonly change?: number };
  /** What its owner calls the file whose bytes are to be signed. Only the client knows it, and tells no server. */
  readonly fileName?: string;
}

/** One line of the table below a sentence. */
export interface DescriptionRow {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  /** Who gets something by this line, under a name that is the same each time: whoever asks may know it from before. */
  readonly payee?: string;
}

/** Something a person should weigh before saying yes. `code` is stable, `text` is for reading. */
export interface DescriptionWarning {
  readonly code: string;
  readonly text: string;
  /** What is signed destroys value, or costs more than it moves: a yes that was said before this was seen does not count. */
  readonly isLoss?: true;
}

/**
 * What a request does, for a person. Sentence and rows are derived from the typed request alone, the same on every machine;
 * a warning may depend on the time, and on what only its owner knows.
 */
export interface Description {
  /** One sentence of at most {@link MAX_SENTENCE} characters. */
  readonly sentence: string;
  readonly rows: readonly DescriptionRow[];
  readonly warnings: readonly DescriptionWarning[];
  /** True when the content cannot be described: signing it needs a second yes. */
  readonly blind: boolean;
}

/** What a request says, for programs: plain data in the order of the request itself. */
export type RequestDetails = Readonly<Record<string, unknown>>;

/** What a signature uses up, under names that are the same each time: whoever signs does well to remember it. */
export interface Spending {
  /** What spends: two requests with one name do the same. */
  readonly by: string;
  readonly coins: readonly string[];
  /** What it counts as spent by others beside them, under names of the same form. */
  readonly coinsOfOthers: readonly string[];
  /** Indices of the key's receive addresses that are in use with it. */
  readonly addresses: readonly number[];
  /** Indices of its change addresses. */
  readonly changes: readonly number[];
}

/** No sentence is longer, whatever the request holds; in UTF-16 units. */
export const MAX_SENTENCE = 2048;

/** The public half of a key as whoever is to trust it takes it. */
export interface PublicForm {
  /** What kind of text `value` is. */
  readonly form: string;
  readonly value: string;
  /** What people see of it; `value` among them. */
  readonly rows: readonly DescriptionRow[];
  /** The same in several texts by name, for programs that do not read `value`. */
  readonly parts?: Readonly<Record<string, string>>;
}

/** An artefact as text for people and other programs. */
export interface ShownArtefact {
  readonly text: string;
  /** What else a machine may want of it. */
  readonly more: Readonly<Record<string, string | number>>;
}

/** What a kind says of itself before any request of it is read: all that others know of it. */
export interface RequestKindFacts {
  /** Its own name, and that of the purpose of keys that are made for it. */
  readonly name: string;
  /** Other purposes whose keys answer to this kind too. */
  readonly alsoFor: readonly string[];
  /** The suites whose signatures this kind can use; a key is made for it with the first unless told. */
  readonly suites: readonly [SuiteName, ...SuiteName[]];
  /** Whether its requests are answered with children of the key: whoever had one of them and its parent's public half had all. */
  readonly usesChildren?: true;
  /** What comes of its requests is a secret, of whoever asked: it is written nowhere and shown to nobody else. */
  readonly resultIsSecret?: true;
  /** The public half of a key that was made for it. @throws EncodingError `KEY_MALFORMED` */
  publicForm(key: KeyContext): PublicForm;
  /** What {@link RequestKind.finish} returned. @throws EncodingError when it is not that */
  showArtefact(artefact: Uint8Array): ShownArtefact;
  /** What a person says who wants a request of it. */
  readonly form: RequestForm;
  /** A longer payload is refused before it is read. */
  readonly maxBytes: number;
  /**
   * The payload with what its owner knows and a request of it should say, so that servers can check it; they never do this.
   * Never throws for what cannot be read.
   * @throws EncodingError `PAYLOAD_TOO_LARGE` when there is no room for it
   */
  complete?(payload: Uint8Array, key: KeyContext): Uint8Array;
  /** What its requests say by their bytes, for rules of a key, with the type of each; `kind` itself is not named. */
  readonly factTypes: FactTypes;
  /** What a payload will cost to read, describe and take apart into tasks, told without reading it. Never throws. */
  readonly cost: CostOf;
}

/**
 * One kind of request. A server and its client run the same three steps on the same bytes, so neither believes the
 * other: `parse` reads them once, and `describe` and `tasks` see nothing but what `parse` returned.
 */
export interface RequestKind<T> extends RequestKindFacts {
  /** @throws EncodingError whose code is one of `REQUEST_ERRORS`; never anything else. */
  parse(payload: Uint8Array): T;
  /** @throws EncodingError when the request lies about the key; PolicyError `REQUEST_KIND_NOT_FOR_KEY`. */
  describe(typed: T, key: KeyContext): Description;
  /**
   * What its owner should know before anybody is asked, beyond what {@link describe} says: servers do not compute it, so that
   * it may cost what none of them should spend. Same errors as {@link describe}.
   */
  doubts?(typed: T, key: KeyContext): readonly DescriptionWarning[];
  /** What has to be done, in order; same errors as {@link describe}, and it refuses whatever that refuses. */
  tasks(typed: T, key: KeyContext): readonly Task[];
  /**
   * Puts the results (one for each task, in order) where they belong and returns the artefact.
   * Each is checked first, by a verifier that shares no code with the signers.
   * @throws EncodingError `SIGNATURE_INVALID`, `SIGNATURE_COUNT_WRONG`
   */
  finish(typed: T, key: KeyContext, results: readonly TaskResult[]): Uint8Array;
  /**
   * Whether an artefact, as {@link RequestKind.finish} returns it, is the key's answer to just this request: what anybody
   * who trusts the public half may ask. Never throws for a wrong artefact.
   */
  verify(typed: T, key: KeyContext, artefact: Uint8Array): boolean;
  /** Absent where sentence and rows say all there is; same errors as {@link describe}. */
  details?(typed: T, key: KeyContext): RequestDetails;
  /** Absent where nothing is used up; same errors as {@link describe}. */
  spends?(typed: T, key: KeyContext): Spending;
  /** Of {@link factTypes}, those that mean something for this request; same errors as {@link describe}. */
  facts(typed: T, key: KeyContext): Facts;
}

/** A request that was read; what its kind says of it against one key. */
export interface ParsedRequest {
  readonly kind: string;
  /** @throws as the kind's `describe` */
  describe(key: KeyContext): Description;
  /** @throws as the kind's `doubts` */
  doubts(key: KeyContext): readonly DescriptionWarning[];
  /** @throws as the kind's `tasks` */
  tasks(key: KeyContext): readonly Task[];
  /** @throws as the kind's `finish` */
  finish(key: KeyContext, results: readonly TaskResult[]): Uint8Array;
  /** As the kind's `verify`. */
  verify(key: KeyContext, artefact: Uint8Array): boolean;
  /** As the kind's `details`; null where it has none. */
  details(key: KeyContext): RequestDetails | null;
  /** As the kind's `spends`; null where nothing is used up. */
  spends(key: KeyContext): Spending | null;
  /** As the kind's `facts`, and `kind`, its name. */
  facts(key: KeyContext): Facts;
}
