import type { CaseState, CaseView, ContactKind } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type Counter, countedBy, countOn, waitFrom, type WaitingTime } from '../sessions/waiting-time.js';

/** A contact that was shown in a case. */
export interface CaseProof {
  /** Its id. */
  readonly contact: Uint8Array;
  readonly kind: ContactKind;
  /** UnixSeconds. */
  readonly at: number;
}

/** Who said no: the words, a device or a contact, by its id. */
export interface Veto {
  readonly by: 'words' | 'device' | 'contact';
  readonly id: Uint8Array;
  readonly at: number;
}

/**
 * Somebody who wants to be let into an account again. `waiting`: until its delay is over, and then until it is finished. `vetoed`: somebody has said no, to
 * this one or to another one less than seven days ago, or another one waits that as many contacts hold up. `done` and `over` are ends.
 */
export interface Case {
  readonly state: CaseState;
  readonly proofs: readonly CaseProof[];
  readonly vetoes: readonly Veto[];
  readonly openedAt: number;
  readonly delaySeconds: number;
  /** How long it has waited; null: it does not. */
  readonly waited: WaitingTime | null;
  /** How long the account has rested since somebody said no; null: it need not. */
  readonly rested: WaitingTime | null;
}

/** For so long nothing begins anew in an account in which somebody has said no. Seconds that the server runs. */
export const PAUSE_SECONDS = 604_800;
/** For so long what is ready can be finished, and what is over is shown. Seconds. */
export const KEPT_SECONDS = 2_592_000;
const MOST_VETOES = 64;
const NEEDED_AGAINST_A_DEVICE = 2;

/** What keeps anything from beginning in an account: how long it has rested, and who has said no. */
export interface Pause {
  readonly rested: WaitingTime;
  readonly vetoes: readonly Veto[];
}

/** @param rested of another case of the account in which somebody has said no; null: none rests */
export function openCase(now: number, rested: WaitingTime | null): Case {
  return {
    state: rested === null ? 'waiting' : 'vetoed',
    proofs: [],
    vetoes: [],
    openedAt: now,
    delaySeconds: 0,
    waited: null,
    rested,
  };
}

/** Whether whoever says no is overruled: the operator in person, or two contacts that do not say no themselves. Nobody overrules the words. */
export function isOverruling({ proofs, vetoes }: Pick<Case, 'proofs' | 'vetoes'>): boolean {
  if (vetoes.some(({ by }) => by === 'words')) return false;
  if (proofs.some(({ kind }) => kind === 'operator')) return true;
  const others = proofs.filter(({ contact }) => !vetoes.some(({ id }) => equalBytes(id, contact)));
  return others.length >= NEEDED_AGAINST_A_DEVICE;
}

/** What the operator in person counts for beside contacts: as much as overrules a device. */
const WEIGHT_OF_OPERATOR = NEEDED_AGAINST_A_DEVICE;

/**
 * By how many contacts a case is held up that do not say no to it themselves, the operator in person as two.
 * @param isThere whether a contact still counts, by its id
 */
export function weightOf(
  { proofs, vetoes }: Pick<Case, 'proofs' | 'vetoes'>,
  isThere: (contact: Uint8Array) => boolean = () => true,
): number {
  const own = proofs.filter(
    ({ contact }) => isThere(contact) && !vetoes.some(({ id }) => equalBytes(id, contact)),
  );
  return own.reduce((sum, { kind }) => sum + (kind === 'operator' ? WEIGHT_OF_OPERATOR : 1), 0);
}

/** A contact is shown for a case that stays behind another one: it is kept, so that whoever has more contacts than the other can show them one by one. */
export function provenBehind(before: Case, proof: CaseProof, delaySeconds: number): Case {
  return { ...withProof(before, proof, delaySeconds), state: 'vetoed', waited: null };
}

/** Somebody shows more contacts of the account: nothing waits for this one any more, until it has more than he. */
export function outranked(before: Case): Case {
  return { ...before, state: 'vetoed', waited: null };
}

function withProof(before: Case, proof: CaseProof, delaySeconds: number): Case {
  const isKnown = before.proofs.some(({ contact }) => equalBytes(contact, proof.contact));
  return {
    ...before,
    proofs: isKnown ? before.proofs : [...before.proofs, proof],
    delaySeconds: Math.max(before.delaySeconds, delaySeconds),
  };
}

/**
 * One more contact is shown. What it starts waits from the beginning: those who may say no have their time.
 * @param pause of other cases of the account: who has said no to one of them has said it to this one; null: none rests
 */
export function proven(
  before: Case,
  proof: CaseProof,
  delaySeconds: number,
  counter: Counter,
  pause: Pause | null = null,
): Case {
  const next = withProof(before, proof, delaySeconds);
  if (next.state === 'waiting' && next.waited !== null) return next;
  if (next.state !== 'waiting' && next.state !== 'vetoed') return before;
  const vetoes = joined(next.vetoes, pause?.vetoes ?? []);
  const isOverruled = isOverruling({ ...next, vetoes });
  const mayWait = isOverruled || (pause === null && !isResting(next, counter));
  if (!mayWait) return { ...next, state: 'vetoed', rested: longerOf(counter, next.rested, pause) };
  // Whoever was overruled stays on record; what has rested long enough is forgotten, but for the words' no.
  const kept = isOverruled ? vetoes : vetoes.filter(({ by }) => by === 'words');
  if (kept.some(({ by }) => by === 'words')) return next;
  return {
    ...next,
    state: 'waiting',
    vetoes: kept,
    rested: null,
    waited: waitFrom(counter, next.delaySeconds),
  };
}

function longerOf(counter: Counter, own: WaitingTime | null, pause: Pause | null): WaitingTime | null {
  const left = (time: WaitingTime) => time.needed - countedBy(counter, time);
  if (pause === null || (own !== null && left(own) >= left(pause.rested))) return own;
  return pause.rested;
}

/** Each once, and the words' no always. */
function joined(some: readonly Veto[], more: readonly Veto[]): readonly Veto[] {
  const all = [...some, ...more].filter(
    ({ id }, at, each) => each.findIndex((one) => equalBytes(one.id, id)) === at,
  );
  const words = all.filter(({ by }) => by === 'words');
  return [...words, ...all.filter(({ by }) => by !== 'words').slice(words.length - MOST_VETOES)];
}

/** Somebody says no. */
export function vetoed(before: Case, veto: Veto, counter: Counter): Case {
  if (before.state !== 'waiting' && before.state !== 'vetoed') return before;
  if (before.vetoes.some(({ id }) => equalBytes(id, veto.id))) return before;
  const next: Case = { ...before, vetoes: joined(before.vetoes, [veto]) };
  // Said to one that stays behind another it holds as well when that one is over.
  if (before.state === 'vetoed') {
    const rests = before.rested !== null || isOverruling(next);
    return rests ? next : { ...next, rested: waitFrom(counter, PAUSE_SECONDS) };
  }
  // Once: whoever has many devices would have it wait without end.
  if (isOverruling(next)) {
    return before.vetoes.length > 0 ? next : { ...next, waited: waitFrom(counter, next.delaySeconds) };
  }
  return { ...next, state: 'vetoed', waited: null, rested: waitFrom(counter, PAUSE_SECONDS) };
}

export function isResting({ rested }: Pick<Case, 'rested'>, counter: Counter): boolean {
  return rested !== null && countedBy(counter, rested) < rested.needed;
}

/** Whether its delay is over. */
export function isReady({ state, waited }: Case, counter: Counter): boolean {
  return state === 'waiting' && waited !== null && countedBy(counter, waited) >= waited.needed;
}

/** With the time that has passed, if that is to be stored by now; the same object: it is not. */
export function counted(before: Case, counter: Counter): Case {
  const waited = before.waited === null ? null : countOn(before.waited, counter);
  const rested = before.rested === null ? null : countOn(before.rested, counter);
  return waited === before.waited && rested === before.rested ? before : { ...before, waited, rested };
}

export function ended(before: Case, how: 'done' | 'over'): Case {
  return { ...before, state: how, waited: null };
}

export function caseViewOf(id: Uint8Array, one: Case, counter: Counter): CaseView {
  const { state, proofs, openedAt, vetoes, waited, rested } = one;
  const left = (time: WaitingTime | null) =>
    time === null ? 0 : Math.max(0, time.needed - countedBy(counter, time));
  return {
    caseId: id,
    state,
    proofs: proofs.map(({ kind }) => kind),
    openedAt,
    readyAt: state === 'waiting' && left(waited) > 0 ? counter.now + left(waited) : null,
    vetoes: vetoes.length,
    pausedUntil: state === 'vetoed' && left(rested) > 0 ? counter.now + left(rested) : null,
  };
}
