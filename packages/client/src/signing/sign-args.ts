import type { KeyTerms } from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import type { Description, RequestDetails } from '@ckm/requests';
import type { OnProgress, ServerRefusal } from '../progress/progress.js';
import type { Destination } from '../requests/request-record.js';

export interface SignArgs {
  /** The owner's name of the key. */
  readonly key: string;
  /** A request kind: `message`, `bitcoin`, `ssh`, `git`. */
  readonly kind: string;
  /** Made with the functions of `@ckm/requests`. */
  readonly payload: Uint8Array;
  /** What its owner calls the file that is signed: for the description and the record here. No server hears of it. */
  readonly fileName?: string;
  /** Servers not to ask. */
  readonly without?: readonly string[];
  /** How long servers keep the request. Default: an hour; a week where operators are asked. */
  readonly expiresInSeconds?: number;
  /** How long to wait for people before leaving it on record as open. Default: until it expires. */
  readonly waitSeconds?: number;
  /** Where its owner wants the answer; kept with the request, and given back by it. */
  readonly destination?: Destination;
}

export interface SignResult {
  /** What was asked for: a signature file, a signed transaction, an agent's answer. */
  readonly artefact: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  readonly description: Description;
  /** The same for programs; null where the description says all there is. */
  readonly details: RequestDetails | null;
  readonly signers: readonly string[];
  /** Servers that misbehaved on the way; `evidence` is a path in the store. */
  readonly faulty: readonly { readonly server: string; readonly code: string; readonly evidence: string }[];
  /** Servers that did not answer, or not in time. */
  readonly silent: readonly string[];
  /** Those of them of which more is known, as in “is sealed”. */
  readonly silences: readonly ServerRefusal[];
  /** Servers that refused by their own rules while others signed. */
  readonly refused: readonly ServerRefusal[];
  /** 1 when nobody let us down. */
  readonly attempts: number;
}

export interface SignOptions {
  /**
   * Aborted when its owner leaves before it is over: from then on the request is kept whatever becomes of it, to be gone on
   * with, or to get the signature from that came too late. Once `on` has heard `done` there is nothing to leave any more.
   */
  readonly left?: AbortSignal;
}

/** A request before anybody is asked: what people read, and what they say yes to. */
export interface PreparedRequest {
  readonly description: Description;
  /** The same for programs; null where the description says all there is. */
  readonly details: RequestDetails | null;
  /** In the order in which they would be asked. */
  readonly asks: readonly string[];
  readonly policy: KeyTerms;
  readonly needed: number;
  /** Why no server may sign it, by the certified policy; then {@link PreparedRequest.sign} asks nobody and throws it. */
  readonly refusal: PolicyError | null;
  /**
   * Asks for exactly what is described here, with the key that was read then, whatever has become of its name or of the
   * caller's bytes since. One yes is one signature: called again it gives the same result. It expires from now on.
   */
  sign(on?: OnProgress, options?: SignOptions): Promise<SignResult>;
}
