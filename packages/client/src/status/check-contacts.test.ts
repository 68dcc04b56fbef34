import { describe, expect, test } from 'vitest';
import type { ContactAt } from '../contacts/alone.js';
import { contactLines } from './check-contacts.js';

const at = (server: string, kind: ContactAt['kind'], name = ''): ContactAt => ({
  server,
  kind,
  name,
  id: new Uint8Array(32),
  state: 'inForce',
  delaySeconds: 86_400,
  setAt: 0,
  setBy: new Uint8Array(32),
  readyAt: null,
});
const ADDRESS = 'alice@example.org';
const texts = (...contacts: readonly ContactAt[]) => contactLines(contacts, []).map(({ text }) => text);

describe('ckm doctor', () => {
  test('says of a contact that is enough alone for a key that it is NOT a way back', () => {
    const alone = [{ who: ADDRESS, key: 'savings', servers: ['alpha', 'bravo'], needed: 2 }];
    const lines = contactLines([at('alpha', 'mail', ADDRESS), at('bravo', 'mail', ADDRESS)], alone);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        subject: 'savings',
        text: `NOT a way back: ${ADDRESS} would bring back alpha, bravo, and with 2 of them the key is usable`,
      }),
    ]);
  });

  test('says that all contacts are the same, whether a key is on record or not; different ones, operators, and those of one server are none of its business', () => {
    expect(texts(at('alpha', 'totp', 'one'), at('bravo', 'totp', 'other'))).toEqual([
      'are the same at all of alpha, bravo: one and the same telephone with your apps',
    ]);
    expect(texts(at('alpha', 'mail', ADDRESS), at('bravo', 'mail', ADDRESS), at('bravo', 'xid'))).toEqual([
      `are the same at all of alpha, bravo: ${ADDRESS}`,
    ]);
    expect(texts(at('alpha', 'mail', ADDRESS), at('bravo', 'mail', 'bob@example.org'))).toEqual([]);
    expect(texts(at('alpha', 'operator'), at('bravo', 'operator'))).toEqual([]);
    expect(texts(at('alpha', 'totp'), at('alpha', 'xid'))).toEqual([]);
    expect(texts(at('alpha', 'totp'), at('bravo', 'xid'))).toEqual([]);
    expect(texts()).toEqual([]);
  });
});
