import type { Data } from '@ckm/gordian';
import type { ServerContext } from '../context.js';

/** What an outbox stands on. */
export type OutboxMeans = Pick<ServerContext, 'storage' | 'vault' | 'clock' | 'random'> & {
  readonly events: Pick<ServerContext['events'], 'noticeSent' | 'noticeFailed' | 'storageFailed' | 'bug'>;
};

/** A way out: how something reaches a person. */
export interface Way {
  /** How many go out together as one. */
  readonly most: number;
  /** Between two that went out at least so long passes. Seconds; 0: they need not wait for each other. */
  readonly everySeconds: number;
  /**
   * Resolves when whoever takes them has said so, oldest first.
   * @throws CkmError whose code is kept: `OUTBOX_REFUSED` where trying again is of no use
   */
  send(contents: readonly Data[], signal: AbortSignal): Promise<void>;
  /** Whether what is due goes out later, since it may and this is not the time for it; absent: never. @param now UnixSeconds */
  isLater?(contents: readonly Data[], now: number): boolean;
  /** Whether nothing of it is kept once it has gone, not even that it went; absent: it is. */
  leavesNothing?(content: Data): boolean;
}

/** What is kept of something that goes out. */
export interface OutboxRecord {
  /** How often it was tried, this time included. */
  readonly tries: number;
  /** Why it did not go the last time; empty: no reason is known. */
  readonly code: string;
  /** Whether somebody is trying it, until it is due. */
  readonly isTaken: boolean;
  /** Null once it has gone. */
  readonly content: Data;
}
