import { expect, test } from 'vitest';
import { FUNCTION_NAMES, waitsWhileFrozen } from './functions.js';

test('L11: what waits while an account is frozen is this, and nothing else', () => {
  expect(FUNCTION_NAMES.filter(waitsWhileFrozen)).toEqual([
    'session.propose',
    'session.join',
    'session.deliver',
    'key.certify',
    'key.restore',
    'key.learn',
    'change.propose',
    'change.promise',
    'change.lock',
    'change.yield',
    'fork.settle',
    'drill.forget',
    'share.store',
    'share.get',
    'share.delete',
    'contact.set',
    'contact.verify',
    'contact.remove',
    'craft.prepare',
    'request.ask',
  ]);
});
