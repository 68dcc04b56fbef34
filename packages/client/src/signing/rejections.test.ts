import { expect, test } from 'vitest';
import { rejectedByPeople } from './rejections.js';

test('whoever asked is told by name who said no, and why', () => {
  const asked = { no: ['bob', 'carol'], reasons: [{ name: 'bob', reason: 'call me first' }] };
  const { message, code, hint } = rejectedByPeople(asked, {});
  expect([message, code]).toEqual([
    'bob (“call me first”) and carol said no to the request',
    'REQUEST_REJECTED',
  ]);
  expect(hint).toContain('talk to bob and carol');
  expect(rejectedByPeople({ no: ['carol'] }, {}).message).toBe('carol said no to the request');
});
