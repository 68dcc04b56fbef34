import { expect, test } from 'vitest';
import type { GroupName } from '../group/group.js';
import { groupNamed } from '../group/index.js';
import { feldmanEvaluate, feldmanEvaluateAll } from './index.js';

const NAMES: readonly GroupName[] = ['ed25519', 'ristretto255', 'secp256k1', 'P-256'];

test.each(NAMES)(
  'dealers whose commitments cancel out on the way give the same shares by differences as one by one: %s',
  (name) => {
    const group = groupNamed(name);
    const { scalars } = group;
    const values = [-3, -2, -1, 1, 2].map((value) => group.mulBasePublic(scalars.fromInteger(value)));
    const parties = [1, 2, 3, 4];
    for (const c0 of values) {
      for (const c1 of values) {
        for (const c2 of values) {
          const commitment = [c0, c1, c2];
          const all = feldmanEvaluateAll(group, commitment, parties);
          for (const x of parties) {
            expect(group.equal(all[x - 1]!, feldmanEvaluate(group, commitment, x))).toBe(true);
          }
        }
      }
    }
  },
);
