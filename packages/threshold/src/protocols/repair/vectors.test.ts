import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../../group/index.js';
import { groupOfSuite, type SuiteName } from '../../key/cocktail/suite-name.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { haveVectors, parseVectors } from '../frost/fixtures/vectors.js';
import { sumParts } from './sum-parts.js';

/** The published vectors of ZF's FROST for repairing a share: what helpers add up, and what the target does. */
interface RepairVectors {
  readonly scalar_generation: Readonly<Record<string, string>>;
  readonly sigma_generation: Readonly<Record<string, string>>;
}

const FOLDERS: Readonly<Record<SuiteName, string>> = {
  ed25519: 'ed25519',
  ristretto255: 'ristretto255',
  secp256k1: 'secp256k1',
  'secp256k1-tr': 'secp256k1-tr',
  'P-256': 'p256',
};

describe.each(Object.entries(FOLDERS) as [SuiteName, string][])(
  'official vectors of %s (needs CKM_VECTORS)',
  (suite, folder) => {
    const file = `frost/${folder}/repair-share.json`;
    const group = groupNamed(groupOfSuite(suite));

    it.skipIf(!haveVectors(file)).each(['scalar_generation', 'sigma_generation'] as const)(
      '%s: the parts that helpers and target add up give the published sum',
      (name) => {
        const entries = Object.entries(parseVectors<RepairVectors>(file)[name]);
        const [, sum] = entries.find(([key]) => key.endsWith('_sum'))!;
        const parts = entries
          .filter(([key]) => !key.endsWith('_sum'))
          .map(([, hex], i) => {
            const scalar = group.scalars.parseSecret(decodeHex(hex));
            return { helper: (i + 1) as PartyIndex, scalar, commitment: group.mulBase(scalar) };
          });
        const expected = group.mulBase(group.scalars.parseSecret(decodeHex(sum)));
        const result = sumParts(group, parts, expected);
        expect(result instanceof Uint8Array && encodeHex(result)).toBe(sum);
        expect(parts.every(({ scalar }) => group.scalars.isZero(scalar))).toBe(true);
      },
    );
  },
);
