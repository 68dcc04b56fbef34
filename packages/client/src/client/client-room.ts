import type { ClientContext } from '../context/context.js';
import type { ReadKey } from '../keys/keys.js';
import type { OnProgress } from '../progress/progress.js';
import type { Signer } from '../signing/signer.js';
import type { RecordStore } from '../store/record-store.js';

/** What every group of calls of one client stands in. */
export interface ClientRoom {
  readonly context: ClientContext;
  readonly store: RecordStore;
  readonly readKey: ReadKey;
  readonly signer: Signer;
  /** Notes that something was done, so that the client tidies up when it is closed. */
  readonly acting: <T>(work: Promise<T>) => Promise<T>;
  readonly silent: OnProgress;
}
