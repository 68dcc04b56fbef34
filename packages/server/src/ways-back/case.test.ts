import { describe, expect, test } from 'vitest';
import { type Counter } from '../sessions/waiting-time.js';
import {
  type Case,
  ended,
  isReady,
  isResting,
  openCase,
  outranked,
  PAUSE_SECONDS,
  proven,
  provenBehind,
  vetoed,
  weightOf,
} from './case.js';

const DAY = 86_400;
const id = (byte: number) => new Uint8Array(32).fill(byte);
const process = new Uint8Array(16);
/** A process that has run for so long. Looks are no further apart than what counts. */
const at = (lived: number): Counter => ({ now: 1_800_000_000 + lived, lived, process, isAlone: true });
const proof = (byte: number, kind: 'totp' | 'mail' | 'operator' = 'totp') => ({
  contact: id(byte),
  kind,
  at: 0,
});
const fresh = () => openCase(0, null);
const waits = (...bytes: readonly number[]): Case =>
  bytes.reduce((one, byte) => proven(one, proof(byte), DAY, at(0)), fresh());
/** Everything that waits in it has waited. */
const whole = (one: Case): Case => {
  const full = (time: Case['waited']) => (time === null ? null : { ...time, counted: time.needed });
  return { ...one, waited: full(one.waited), rested: full(one.rested) };
};

describe('a case', () => {
  test('waits from its first contact on, as long as the slowest of them wants', () => {
    const one = waits(1);
    expect(one).toMatchObject({ state: 'waiting', waited: { needed: DAY, counted: 0 } });
    expect(proven(one, proof(2), 9 * DAY, at(600))).toMatchObject({
      waited: { needed: DAY },
      proofs: [{}, {}],
    });
    expect([isReady(one, at(0)), isReady(whole(one), at(0))]).toEqual([false, true]);
  });

  test('counts one contact once', () => {
    expect(proven(waits(1), proof(1), DAY, at(600)).proofs).toHaveLength(1);
  });

  test.each([
    ['a device', 'device', 9],
    ['another contact', 'contact', 9],
    ['its own contact, which somebody else has as well', 'contact', 1],
  ] as const)('is stopped by %s, and rests for seven days', (_, by, who) => {
    const one = vetoed(waits(1), { by, id: id(who), at: 0 }, at(0));
    expect(one).toMatchObject({ state: 'vetoed', waited: null, rested: { needed: PAUSE_SECONDS } });
    expect(isReady(one, at(DAY))).toBe(false);
    expect(proven(one, proof(1), DAY, at(600)).state).toBe('vetoed');
    expect(isResting(whole(one), at(0))).toBe(false);
    expect(proven(whole(one), proof(1), DAY, at(0))).toMatchObject({ state: 'waiting', vetoes: [] });
  });

  test.each([
    ['two contacts', [proof(1), proof(2)], 'waiting'],
    ['the operator in person', [proof(3, 'operator')], 'waiting'],
    ['one contact and the one that says no', [proof(1), proof(9)], 'vetoed'],
  ] as const)('of %s is then %s', (_, proofs, state) => {
    const no = { by: 'contact', id: id(9), at: 0 } as const;
    const before = vetoed(waits(1), no, at(0));
    const one = proofs.reduce<Case>((so, shown) => proven(so, shown, DAY, at(600)), before);
    expect(one.state).toBe(state);
    // And who says no afterwards changes as little.
    expect(vetoed(one, { by: 'device', id: id(8), at: 0 }, at(600)).state).toBe(state);
  });

  test('that two contacts have begun waits once more from its beginning when somebody says no, and once only', () => {
    const no = (who: number) => ({ by: 'device', id: id(who), at: 0 }) as const;
    const one = vetoed(whole(waits(1, 2)), no(8), at(0));
    expect(one).toMatchObject({ state: 'waiting', waited: { counted: 0, needed: DAY } });
    expect(isReady(vetoed(whole(one), no(9), at(0)), at(0))).toBe(true);
  });

  test('that the words have stopped goes on by nobody’s contacts, however long it rests', () => {
    const one = vetoed(waits(1, 2), { by: 'words', id: id(7), at: 0 }, at(0));
    expect(one.state).toBe('vetoed');
    const more = proven(whole(one), proof(3, 'operator'), DAY, at(0));
    expect(more).toMatchObject({ state: 'vetoed', waited: null });
  });

  test('in an account that rests is there, and waits for nothing', () => {
    const { rested } = vetoed(waits(1), { by: 'device', id: id(9), at: 0 }, at(0));
    const other = proven(openCase(0, rested), proof(2), DAY, at(0));
    expect(other).toMatchObject({ state: 'vetoed', waited: null, vetoes: [] });
    expect(proven(other, proof(3), DAY, at(0)).state).toBe('waiting');
  });

  test('of an account in which somebody has said no is told no by the same, whatever key it is of', () => {
    const { rested } = vetoed(waits(1), { by: 'device', id: id(9), at: 0 }, at(0));
    const after = (by: 'words' | 'contact', who: number) =>
      [proof(1), proof(2)].reduce<Case>(
        (so, shown) =>
          proven(so, shown, DAY, at(600), { rested: rested!, vetoes: [{ by, id: id(who), at: 0 }] }),
        openCase(0, rested),
      );
    expect(after('words', 7)).toMatchObject({ state: 'vetoed', waited: null, vetoes: [] });
    expect(after('contact', 2).state).toBe('vetoed');
    expect(after('contact', 9)).toMatchObject({ state: 'waiting', vetoes: [{ by: 'contact' }] });
  });

  test('keeps the words’ no, however many others say it', () => {
    const noes = Array.from({ length: 70 }, (_, i) => ({ by: 'device', id: id(100 + i), at: 0 }) as const);
    const words = { by: 'words', id: id(7), at: 0 } as const;
    const one = [words, ...noes].reduce<Case>((so, no) => vetoed(so, no, at(0)), waits(1));
    expect(one.vetoes).toHaveLength(64);
    expect([proof(2), proof(3)].reduce((so, p) => proven(so, p, DAY, at(0)), one).state).toBe('vetoed');
  });

  test('behind another one waits for nothing, keeps what is shown, and begins when that is over', () => {
    const behind = provenBehind(provenBehind(fresh(), proof(1), DAY), proof(2), 2 * DAY);
    expect(behind).toMatchObject({ state: 'vetoed', waited: null, rested: null, delaySeconds: 2 * DAY });
    expect(provenBehind(behind, proof(2), DAY).proofs).toHaveLength(2);
    expect(proven(behind, proof(1), DAY, at(0))).toMatchObject({ state: 'waiting', proofs: [{}, {}] });
    expect(outranked(waits(1))).toMatchObject({ state: 'vetoed', waited: null });
  });

  test('behind another one is told no as well, and rests for that', () => {
    const no = { by: 'device', id: id(9), at: 0 } as const;
    const one = vetoed(provenBehind(fresh(), proof(1), DAY), no, at(0));
    expect(one).toMatchObject({ state: 'vetoed', rested: { needed: PAUSE_SECONDS } });
    expect(proven(one, proof(1), DAY, at(600)).state).toBe('vetoed');
    expect(proven(one, proof(2), DAY, at(600)).state).toBe('waiting');
  });

  test('has the weight of its contacts that are there and say no to nothing, and the operator in person as two', () => {
    const one = [proof(2), proof(3, 'operator')].reduce((so, p) => proven(so, p, DAY, at(0)), waits(1));
    expect(weightOf(one)).toBe(4);
    expect(weightOf(one, (contact) => contact[0] !== 1)).toBe(3);
    expect(weightOf(vetoed(one, { by: 'contact', id: id(2), at: 0 }, at(0)))).toBe(3);
  });

  test.each(['done', 'over'] as const)('that is %s stays so', (how) => {
    const one = ended(waits(1), how);
    expect(proven(one, proof(2), DAY, at(0))).toBe(one);
    expect(vetoed(one, { by: 'words', id: id(7), at: 0 }, at(0))).toBe(one);
    expect(isReady(whole(one), at(0))).toBe(false);
  });
});
