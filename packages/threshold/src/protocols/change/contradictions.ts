import { encodeHex } from '@ckm/foundation';
import type { PartyIndex } from '../../protocol/contract.js';
import { counted, type OldMembers } from './members.js';
import type { PromiseStatement, Signed, Statement, YieldStatement } from './statements.js';

/** Two statements that no member that follows the rules, and remembers what it said, signs both. Anybody can check them. */
export interface Contradiction {
  readonly slot: PartyIndex;
  readonly statements: readonly [Signed<Statement>, Signed<Statement>];
}

const MOST_COMPARED = 2_048;

/**
 * Who signed twice, out of everything that was shown to anybody. Two next epochs need such a member. One that was restored
 * from a backup without noticing may be among those named, and one that lied together with it.
 * Marked statements contradict nothing: the words have released them. Each costs a check of its signature, so that only the
 * first 2,048 are looked at: show what members said, not what strangers sent.
 */
export function findContradictions(
  members: OldMembers,
  statements: readonly Signed<Statement>[],
): readonly Contradiction[] {
  const bySlot = new Map<PartyIndex, Signed<Statement>[]>();
  for (const statement of statements.slice(0, MOST_COMPARED)) {
    if (statement.mayFork || counted(members, [statement]).length === 0) continue;
    bySlot.set(statement.slot, [...(bySlot.get(statement.slot) ?? []), statement]);
  }
  return [...bySlot].flatMap(([slot, said]) => {
    const pair = saidTwice(said) ?? saidAfterYielding(said);
    return pair === null ? [] : [{ slot, statements: pair }];
  });
}

/** Two different statements of one kind in one attempt. */
function saidTwice(said: readonly Signed<Statement>[]): Contradiction['statements'] | null {
  const first = new Map<string, Signed<Statement>>();
  for (const statement of said) {
    const place = placeOf(statement);
    const other = first.get(place);
    if (other === undefined) first.set(place, statement);
    else if (contentOf(other) !== contentOf(statement)) return [other, statement];
  }
  return null;
}

/** A yield, and a promise of a higher attempt that does not know what was yielded to. */
function saidAfterYielding(said: readonly Signed<Statement>[]): Contradiction['statements'] | null {
  const isOfKind =
    <K extends Statement['kind']>(kind: K) =>
    (one: Signed<Statement>): one is Signed<Extract<Statement, { kind: K }>> =>
      one.kind === kind;
  for (const yielded of said.filter(isOfKind('yield')))
    for (const promised of said.filter(isOfKind('promise')))
      if (hidesYield(promised, yielded)) return [yielded, promised];
  return null;
}

function hidesYield({ attempt, highest }: PromiseStatement, yielded: YieldStatement): boolean {
  if (attempt <= yielded.attempt) return false;
  if (highest === null || highest.attempt < yielded.attempt) return true;
  return highest.attempt === yielded.attempt && encodeHex(highest.next) !== encodeHex(yielded.next);
}

/** Where a member says one thing only. */
function placeOf({ kind, attempt }: Statement): string {
  return `${kind} ${attempt}`;
}

/** The same for statements that say the same in the same place. */
export function contentOf(statement: Statement): string {
  const said = `${placeOf(statement)} ${statement.slot} ${statement.mayFork}`;
  if (statement.kind !== 'promise') return `${said} ${encodeHex(statement.next)}`;
  const { orderHash, highest, recall } = statement;
  const named = highest === null ? '' : `${highest.attempt} ${encodeHex(highest.next)}`;
  return `${said} ${encodeHex(orderHash)} ${named} ${encodeHex(recall)}`;
}
