/**
 * A protocol is a value: pure functions over plain readonly data. No sockets, clock, randomness or logger inside;
 * state is serialisable, so that a server can sleep between rounds for a day, crash, and go on.
 * Source: docs/concepts.md, "A protocol is a value".
 */

/** Names one participant inside one key, 1..65535, never 0 (0 is where the secret lives), never re-issued. */
export type PartyIndex = number & { readonly __brand: 'PartyIndex' };

export interface Outgoing<M> {
  /** `everyone`: every other party of the run, never the sender itself. */
  readonly to: PartyIndex | 'everyone';
  readonly round: number;
  readonly body: M;
}

/** A message whose sender the transport has already authenticated. */
export interface Incoming<M> {
  readonly from: PartyIndex;
  readonly round: number;
  readonly body: M;
}

/**
 * How a run ended badly. `RETRY_…` blames nobody (start again with a new session), `FAULT_…` names culprits whose
 * fault anyone can check, `SUSPECT_…` names those whose fault only this party can see (docs/dkg.md).
 */
export interface Fault {
  readonly code: `FAULT_${string}` | `SUSPECT_${string}` | `RETRY_${string}`;
  readonly round: number;
  readonly culprits: readonly PartyIndex[];
}

export type Step<S, M, O> =
  | { readonly kind: 'waiting'; readonly state: S; readonly outbox: readonly Outgoing<M>[] }
  | { readonly kind: 'finished'; readonly output: O; readonly outbox: readonly Outgoing<M>[] }
  | { readonly kind: 'aborted'; readonly fault: Fault };

/** Bytes in, bytes out. `decode` throws EncodingError for anything that `encode` would not have written. */
export interface Codec<T> {
  /** Longest encoding that `decode` looks at, in bytes. */
  readonly maxBytes: number;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/**
 * A protocol run by every party alike.
 * `start` and `advance` never throw because of a peer: a throw is a defect of ours.
 */
export interface Protocol<P, S, M, O> {
  readonly id: `ckm/${string}/v${number}`;
  /** Carries secrets: seal before storage. */
  readonly state: Codec<S>;
  readonly message: Codec<M>;
  /** `seed`: 32 fresh bytes; each use inside derives from it with a label. Same seed, same bytes. */
  start(params: P, seed: Uint8Array): Step<S, M, O>;
  /** Whose message of which round is needed to go on; never the party itself. */
  awaiting(state: S): { readonly round: number; readonly from: readonly PartyIndex[] };
  /**
   * Takes the messages awaited, in any order; what belongs to another round or sender is ignored. Collects all
   * culprits, then aborts. With a message missing, it waits on in the same state.
   */
  advance(state: S, inbox: readonly Incoming<M>[]): Step<S, M, O>;
}
