import { describe, expect, it } from 'vitest';
import { simulate } from '../../protocol/simulate.js';
import { SUITE_NAMES } from '../key.js';
import { createCeremony } from './fixtures/parties.js';
import { dkgProtocol } from './index.js';

describe('honest parties', () => {
  for (const suite of SUITE_NAMES) {
    it(`agree on a key of suite ${suite}`, () => {
      const { parties, paramsOf, seedOf } = createCeremony(suite, { needed: 2, of: 3 });
      const { outcomes } = simulate({ protocol: dkgProtocol, parties, params: paramsOf, seed: seedOf });
      expect([...outcomes.values()].map((o) => o.kind)).toEqual(['finished', 'finished', 'finished']);
    });
  }
});
