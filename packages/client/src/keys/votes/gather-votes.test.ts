import type { LockedChange, Parameters } from '@ckm/api';
import { CkmError, StateError } from '@ckm/foundation';
import {
  encodeLockCertificate,
  encodeStatement,
  type LockName,
  NO_RECALL,
  parseLockCertificate,
  type PartyIndex,
  type Signed,
  type Statement,
} from '@ckm/threshold';
import { expect, test } from 'vitest';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ServerRecord } from '../../servers/server-record.js';
import type { Ballot, Voter } from './ballot.js';
import { gatherVotes } from './gather-votes.js';

const ATTEMPT = 6;
const NEXT = new Uint8Array(32).fill(1);
const ORDER = new Uint8Array(32).fill(2);
const SLOTS = [1, 2, 3, 4, 5] as PartyIndex[];
const voters: readonly Voter[] = SLOTS.map((slot) => ({
  slot,
  oldSlot: slot,
  server: { name: `server-${slot}` } as ServerRecord,
}));

type Question = { [K in 'promise' | 'lock' | 'yield']: Parameters<`change.${K}`> };

/** What members answer, by slot. Signatures are of no matter here. */
interface Answers {
  readonly highest?: (slot: number) => LockName | null;
  /** The slot in the statements that a member gives. */
  readonly slotOf?: (slot: number) => number;
  readonly refuses?: (slot: number, question: Question['promise']) => boolean;
}

/** Five members, of whom three decide, and what they were asked. */
function ballotOf({ highest = () => null, slotOf = (slot) => slot, refuses = () => false }: Answers) {
  const asked: { [K in keyof Question]: Question[K][] } = { promise: [], lock: [], yield: [] };
  const answer = (
    slot: number,
    name: string,
    question: never,
  ): { statement: Uint8Array; highest: unknown } => {
    const step = name.slice('change.'.length) as keyof Question;
    (asked[step] as unknown[]).push(question);
    const spoken = { slot: slotOf(slot) as PartyIndex, attempt: ATTEMPT, mayFork: false };
    const named = highest(slot);
    if (step === 'promise' && refuses(slot, question)) throw refusal('attempt-ahead');
    const statement: Statement =
      step === 'promise'
        ? { kind: step, ...spoken, orderHash: ORDER, highest: named, recall: NO_RECALL }
        : { kind: step, ...spoken, next: NEXT };
    return { statement: encodeStatement(signed(statement)), highest: named === null ? null : lockOf(named) };
  };
  const ballot: Ballot<Voter> = {
    keyId: new Uint8Array(32),
    epoch: 0,
    orderHash: ORDER,
    attempt: ATTEMPT,
    members: { quorum: { needed: 3, of: 5 }, needed: 3, released: null, isSigned: () => true },
    asked: voters,
    spoken: [],
    shown: [],
    recallFor: () => null,
    isOutcome: () => true,
    async gather(_step, members, ask) {
      const answers = new Map();
      const failures = new Map<Voter, CkmError>();
      for (const member of members) {
        const call = async (name: string, question: never) => answer(member.slot, name, question);
        try {
          answers.set(member, await ask(member, { call } as unknown as ServerLink));
        } catch (error) {
          if (!(error instanceof CkmError)) throw error;
          failures.set(member, error);
        }
      }
      return { answers, failures };
    },
    choose: async ({ bound }) => bound ?? { signed: Uint8Array.of(1), next: NEXT },
    tooFew: async (what, { answers, failures }) =>
      refusal(`${answers.size} ${what}: ${[...failures.values()].map(({ code }) => code).join(' ')}`),
  };
  return { ballot, asked };
}

function refusal(reason: string): StateError {
  return new StateError(reason, { code: 'CHANGE_REFUSED', hint: 'ask', facts: { reason }, retryable: false });
}

function signed(statement: Statement): Signed<Statement> {
  return { ...statement, signature: new Uint8Array(64) };
}

function lockOf(name: LockName): LockedChange {
  const locks = SLOTS.slice(0, 3).map((slot) => ({
    kind: 'lock' as const,
    slot,
    mayFork: false,
    ...name,
    signature: new Uint8Array(64),
  }));
  return { locks: encodeLockCertificate({ ...name, locks }), signed: name.next };
}

test('every lock certificate that a promise names is shown to those who lock, however many name the highest one', async () => {
  const [lower, higher] = [3, 4].map((attempt) => ({ attempt, next: NEXT }));
  const { ballot, asked } = ballotOf({ highest: (slot) => (slot === 1 ? lower! : higher!) });
  const { signed: chosen, decision } = await gatherVotes(ballot);
  expect(chosen).toEqual(NEXT);
  expect(decision).toMatchObject({ attempt: ATTEMPT, next: NEXT });
  for (const said of [decision.promises, decision.locks, decision.yields])
    expect(said.map(({ slot }) => slot)).toEqual(SLOTS);
  const shown = asked.lock[0]!.locked.map(({ locks }) => parseLockCertificate(locks).attempt);
  expect(shown).toEqual([4, 3]);
});

test('a member that is behind is asked again, and shown what the others have said meanwhile', async () => {
  const { ballot, asked } = ballotOf({ refuses: (slot, { shown }) => slot === 1 && shown.length === 0 });
  const { decision } = await gatherVotes(ballot);
  expect(decision.promises.map(({ slot }) => slot)).toEqual([2, 3, 4, 5, 1]);
  expect(asked.promise.map(({ shown }) => shown.length)).toEqual([0, 0, 1, 2, 3, 4]);
});

test('a statement of another member counts for nobody: too few have promised', async () => {
  const { ballot } = ballotOf({ slotOf: () => 1 });
  await expect(gatherVotes(ballot)).rejects.toThrow(
    '1 promised: FAULT_PACKET_INVALID FAULT_PACKET_INVALID FAULT_PACKET_INVALID FAULT_PACKET_INVALID',
  );
});
