import { SESSION_STATES, TRANSITIONS } from '@ckm/api';
import { describe, expect, test } from 'vitest';
import { canMove, isOver, move, parseSessionState } from './machine.js';
import {
  moveRequest,
  parseRequestState,
  REQUEST_STATES,
  REQUEST_TRANSITIONS,
} from '../../requests/request-machine.js';

describe('the machine around a session', () => {
  test('moves exactly as its table says', () => {
    for (const from of SESSION_STATES) {
      for (const to of SESSION_STATES) {
        const listed = TRANSITIONS[from].includes(to);
        expect(canMove(from, to)).toBe(listed);
        if (listed) expect(move(from, to)).toBe(to);
        else expect(() => move(from, to)).toThrow(expect.objectContaining({ code: 'SESSION_MOVE_INVALID' }));
      }
    }
  });

  test('isOver holds for the five final states and for no other', () => {
    expect(SESSION_STATES.filter(isOver)).toEqual([
      'finished',
      'aborted',
      'expired',
      'cancelled',
      'rejected',
    ]);
  });

  test('refuses a stored state that does not exist', () => {
    expect(() => parseSessionState('__proto__')).toThrow(expect.objectContaining({ code: 'ROW_TAMPERED' }));
  });
});

describe('the machine around a request', () => {
  test('moves exactly as its table says', () => {
    for (const from of REQUEST_STATES) {
      for (const to of REQUEST_STATES) {
        if (REQUEST_TRANSITIONS[from].includes(to)) expect(moveRequest(from, to)).toBe(to);
        else
          expect(() => moveRequest(from, to)).toThrow(
            expect.objectContaining({ code: 'REQUEST_MOVE_INVALID' }),
          );
      }
    }
  });

  test('no state from which nothing may be released leads back to one from which it may', () => {
    expect(
      ['rejected', 'expired', 'cancelled'].map((state) => REQUEST_TRANSITIONS[parseRequestState(state)]),
    ).toEqual([[], [], []]);
    expect(() => parseRequestState('constructor')).toThrow(expect.objectContaining({ code: 'ROW_TAMPERED' }));
  });
});
