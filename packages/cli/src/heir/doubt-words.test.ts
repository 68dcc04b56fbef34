import type { KeySilence } from '@ckm/client';
import { expect, test } from 'vitest';
import { doubtNotTaken } from './doubt-words.js';

const at = (server: string, more: Partial<KeySilence['servers'][0]>): KeySilence['servers'][0] => ({
  afterSeconds: 100,
  silentSeconds: 100,
  case: { heir: 'eve', leftSeconds: 5 },
  granted: [],
  missing: [],
  isAgreed: false,
  quorum: { needed: 2, of: 3 },
  server,
  ...more,
});

test('whose doubt a server has not taken is told so, where somebody has still to be told or he asks himself; where nobody asks, or it stands there, not', () => {
  const silence: KeySilence = {
    keyName: 'savings',
    keyId: new Uint8Array(32),
    name: 'bob',
    servers: [
      at('alpha', { doubted: ['bob'] }),
      at('bravo', { case: { heir: 'eve', leftSeconds: null } }),
      at('charlie', { case: { heir: 'bob', leftSeconds: 5 }, doubted: ['carol'] }),
      at('delta', { case: null }),
    ],
    silent: [],
    granted: [],
  };
  expect(doubtNotTaken(silence)).toEqual(['bravo', 'charlie']);
});
