import type { IdentityCard, Problem } from '@ckm/api';
import type { From } from '../turns/long-messages.js';

/** `sealed`: waiting for a passphrase. `opening`: database and keys are being opened. */
export type Phase = 'sealed' | 'opening' | 'ready' | 'stopping';

/** What HTTP sees of the server behind it, at this moment. */
export interface ServedServer {
  phase(): Phase;
  /** Null unless `ready`. */
  open(): ReadyServer | null;
}

export interface ReadyServer {
  /** How many bytes a message from there may have at this moment. */
  mostBytes(from: From): number;
  /**
   * Answers a message; never throws.
   * @param left aborted when nobody waits for the answer any more
   */
  receive(
    bytes: Uint8Array,
    from: From,
    left?: AbortSignal,
  ): Promise<
    | { readonly kind: 'sealed'; readonly bytes: Uint8Array }
    | { readonly kind: 'problem'; readonly problem: Problem }
    | { readonly kind: 'left' }
  >;
  readonly card: IdentityCard;
  /** How many shares have an epoch key that this process does not find; absent: nobody counted. */
  epochKeysMissing?(): number;
  /** For how many seconds more no message is answered, because it may be of before a restore; absent or 0: all are. */
  refusesFor?(): number;
  /** Why its database cannot be used at this moment, as a code; null: it can. */
  storageFault(): Promise<string | null>;
}
