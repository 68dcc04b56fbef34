import { CkmError, type PeerFaultError } from '@ckm/foundation';
import { type OldMembers, parseStatement, type Signed, type Statement } from '@ckm/threshold';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Said, Voter } from './ballot.js';

/** What was read; nothing where it cannot be: what one server shows of itself must not stop the others. */
export function readable<T>(read: () => T): readonly T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}

/** Statements in what servers show that count: a member’s own, and those that let it come there. */
export function spokenIn(
  members: OldMembers,
  views: Iterable<{ readonly spoken: readonly Uint8Array[] }>,
): Signed<Statement>[] {
  return [...views]
    .flatMap(({ spoken }) => spoken)
    .flatMap((bytes) => readable(() => parseStatement(bytes)))
    .filter((statement) => members.isSigned(statement));
}

/** A statement of the kind that was asked for, signed by the member that gave it. @throws PeerFaultError */
export function ownStatement<K extends keyof Said>(
  members: OldMembers,
  member: Voter,
  bytes: Uint8Array,
  kind: K,
): Signed<Said[K]> {
  const [statement] = readable(() => parseStatement(bytes));
  if (statement === undefined || !isOfKind(statement, kind)) throw strange(member);
  if (statement.slot !== member.oldSlot || !members.isSigned(statement)) throw strange(member);
  return statement;
}

function isOfKind<K extends keyof Said>(
  statement: Signed<Statement>,
  kind: K,
): statement is Signed<Statement> & Signed<Said[K]> {
  return statement.kind === kind;
}

export function strange(member: Participant): PeerFaultError {
  return serverFault(
    'FAULT_PACKET_INVALID',
    [member],
    'gave a statement that is not its own, or of another try',
  );
}
