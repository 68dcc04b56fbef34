import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CkmError, parseRemedy, type Remedy, REMEDIES } from './index.js';

test('parseRemedy, given a kind of a later version, takes none instead of failing', () => {
  expect(parseRemedy({ kind: 'flyToTheMoon' })).toBeNull();
  expect(parseRemedy({ kind: 'constructor' })).toBeNull();
  expect(parseRemedy({ kind: '__proto__' })).toBeNull();
});

test('parseRemedy, given a field of a later version, leaves it out', () => {
  expect(parseRemedy({ kind: 'retry', after: 5 })).toEqual({ kind: 'retry' });
});

test('parseRemedy lets no stranger choose a name, an address or a path that a person may copy into a shell', () => {
  const chosen: readonly unknown[] = [
    { kind: 'addServer', name: 'alpha', url: 'https://evil.example' },
    { kind: 'leaveOut', servers: ['alpha'] },
    { kind: 'restoreKey', keys: ['savings'] },
    { kind: 'moveRecord', record: 'keys/savings' },
    { kind: 'useOther', name: 'savings' },
    { kind: 'resumeSession', id: '$(reboot)' },
    { kind: 'read', code: 'A; reboot' },
  ];
  for (const one of chosen) expect(parseRemedy(one)).toBeNull();
  expect(parseRemedy({ kind: 'resumeSession', id: 'b7ef553e' })).toEqual({
    kind: 'resumeSession',
    id: 'b7ef553e',
  });
});

test('parseRemedy never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...Object.keys(REMEDIES)), (anything, kind) => {
      parseRemedy(anything);
      const found = parseRemedy({ kind, id: anything, code: anything, until: anything });
      expect(found === null || found.kind === kind).toBe(true);
    }),
  );
});

test('an error carries its remedy, and null without one', () => {
  const remedy: Remedy = { kind: 'restoreKey', keys: ['savings'] };
  const details = { code: 'KEY_UNKNOWN', hint: 'let it recover the share' };
  expect(new CkmError('UsageError', 'gone', { ...details, remedy }).remedy).toEqual(remedy);
  expect(new CkmError('UsageError', 'gone', details).remedy).toBeNull();
});
