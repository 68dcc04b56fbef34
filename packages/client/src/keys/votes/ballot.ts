import type { LockedChange } from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import type {
  LockStatement,
  OldMembers,
  PromiseStatement,
  Signed,
  Statement,
  YieldStatement,
} from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Participant } from '../../servers/ask-all.js';
import type { Gathered } from '../../servers/gathered.js';

/** A server that votes, or takes part without a vote. */
export interface Voter extends Participant {
  /** In the epoch whose members vote; null: it has no vote. */
  readonly oldSlot: number | null;
}

/** What a member says at each step. */
export interface Said {
  readonly promise: PromiseStatement;
  readonly lock: LockStatement;
  readonly yield: YieldStatement;
}

/** What too few members did, in the words of an error. */
export type Done = 'promised' | 'locked' | 'gave way';

/** A next epoch that its whole roster has signed. */
export interface Outcome {
  readonly signed: Uint8Array;
  /** Its transcript hash, 32 bytes. */
  readonly next: Uint8Array;
}

/** What promises give. */
export interface Entered<M extends Voter> {
  readonly promises: ReadonlyMap<M, Signed<PromiseStatement>>;
  /** What they bind the try to; null: to nothing. */
  readonly bound: Outcome | null;
}

/** One try of an epoch’s members to decide, and all in which a change of servers and the settling of a fork differ. */
export interface Ballot<M extends Voter> {
  readonly keyId: Uint8Array;
  /** Whose members decide. */
  readonly epoch: number;
  readonly orderHash: Uint8Array;
  readonly attempt: number;
  /** Whose statements count, and how many it takes. */
  readonly members: OldMembers;
  /** Who is asked. */
  readonly asked: readonly M[];
  /** What members have said before, as servers show it. */
  readonly spoken: readonly Signed<Statement>[];
  /** Lock certificates that members show of themselves; unchecked. */
  readonly shown: readonly LockedChange[];
  /** With what a member is asked to remind one that forgot; null: with nothing. */
  recallFor(member: M): Uint8Array | null;
  /** Whether it is what the members may decide on. @throws CkmError: it is not */
  isOutcome(outcome: Outcome): boolean;
  /** Asks members at the same time. What one refuses, or does wrong, stops nobody else. */
  gather<T>(
    step: keyof Said,
    asked: readonly M[],
    ask: (member: M, link: ServerLink) => Promise<T>,
  ): Promise<Gathered<M, T>>;
  /** What is to be decided in this try: what it is bound to, where it is. */
  choose(entered: Entered<M>): Promise<Outcome>;
  /** What is thrown where a step came to nothing. */
  tooFew(what: Done, gathered: Gathered<M, unknown>): Promise<CkmError>;
}
