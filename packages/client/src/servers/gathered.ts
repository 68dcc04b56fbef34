import type { CkmError } from '@ckm/foundation';
import type { Participant } from './ask-all.js';

/** What came of asking several servers for the same thing, none of which stops the others. */
export interface Gathered<M extends Participant, T> {
  readonly answers: ReadonlyMap<M, T>;
  /** Of whoever gave none: silence, or what it refused with. */
  readonly failures: ReadonlyMap<M, CkmError>;
}
