import { equalBytes } from '@ckm/foundation';
import { verifyIdentitySignature } from '../../key/identity-signature.js';
import type { KeyParams } from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import type { Quorum } from '../../sharing/index.js';
import {
  type DecidingEpoch,
  isStatement,
  type Signed,
  type Statement,
  statementBytes,
} from './statements.js';

/** The members of an epoch, who decide which one follows it, and what is believed of what they say. */
export interface OldMembers {
  readonly quorum: Quorum;
  /** How many of them decide: see {@link membersNeeded}. */
  readonly needed: number;
  /**
   * Hash of the order that the owner's words have released, as the caller knows it from them, or from a quorum of members who say so; null: none.
   * Only then do statements marked `mayFork` count, and a quorum of them is enough.
   */
  readonly released: Uint8Array | null;
  /** Whether a statement is signed by the identity of its member. */
  isSigned(statement: Signed<Statement>): boolean;
}

/**
 * w: how many old members decide. Any two such sets have a member in common, and with `strict` an honest one even if
 * one fewer than the quorum lie.
 */
export function membersNeeded({ needed, of }: Quorum, strict: boolean): number {
  return strict ? Math.ceil((of + needed) / 2) : Math.max(needed, Math.floor(of / 2) + 1);
}

/** The members of a certified epoch: how many of them decide stands in its own parameters. @param released see {@link OldMembers} */
export function membersOf(
  params: Pick<KeyParams, 'quorum' | 'roster' | 'keyId' | 'epoch' | 'flags'>,
  transcriptHash: Uint8Array,
  released: Uint8Array | null = null,
): OldMembers {
  const epoch: DecidingEpoch = { keyId: params.keyId, epoch: params.epoch, transcriptHash };
  const { quorum, roster } = params;
  return {
    quorum,
    needed: membersNeeded(quorum, params.flags.strict),
    released,
    isSigned(statement) {
      const entry = roster[statement.slot - 1];
      if (entry === undefined || !isStatement(statement)) return false;
      return verifyIdentitySignature(
        entry.identityKey,
        statementBytes(epoch, statement),
        statement.signature,
      );
    },
  };
}

/** The statements that count: of the members, signed, one of each, and marked ones only where the words released them. */
export function counted<S extends Statement>(
  members: OldMembers,
  statements: readonly Signed<S>[],
): readonly Signed<S>[] {
  const bySlot = new Map<PartyIndex, Signed<S>>();
  for (const statement of statements) {
    const isSlot = Number.isInteger(statement.slot) && statement.slot >= 1;
    if (!isSlot || bySlot.has(statement.slot)) continue;
    if (statement.mayFork && members.released === null) continue;
    if (members.isSigned(statement)) bySlot.set(statement.slot, statement);
  }
  return [...bySlot.values()];
}

/** Who has spoken: of the members, signed, one of each, marked or not. How far they are is no matter of what they decide. */
export function heard<S extends Statement>(
  members: OldMembers,
  statements: readonly Signed<S>[],
): readonly Signed<S>[] {
  return counted({ ...members, released: ANY_ORDER }, statements);
}

const ANY_ORDER = new Uint8Array(32);

/**
 * Whether these different members decide: as many as always do by what they say unmarked, or a quorum whom the words have released. One that
 * lies and marks what it says makes neither of them larger.
 */
export function areEnough(members: OldMembers, statements: readonly Statement[]): boolean {
  const marked = statements.filter(({ mayFork }) => mayFork).length;
  if (statements.length - marked >= members.needed) return true;
  return members.released !== null && marked >= members.quorum.needed;
}

/** Whether a promise under the words' release is of the order that they released; others are always. */
export function isOfReleasedOrder(members: OldMembers, mayFork: boolean, orderHash: Uint8Array): boolean {
  return !mayFork || (members.released !== null && equalBytes(members.released, orderHash));
}
