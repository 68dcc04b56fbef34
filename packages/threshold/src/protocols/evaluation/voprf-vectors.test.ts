import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../../group/index.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { blindWith, unblind } from './blind.js';
import { combineAnswers } from './combine.js';
import { generatedKey, keyShare, sharedOut, subsets } from './fixtures/key.js';
import { evaluateShare } from './partial.js';

interface Suite {
  readonly identifier: string;
  readonly mode: number;
  readonly skSm: string;
  readonly vectors: readonly {
    readonly Input: string;
    readonly Blind: string;
    readonly BlindedElement: string;
    readonly EvaluationElement: string;
    readonly Output: string;
  }[];
}

const folder = process.env['CKM_VECTORS'] ?? join(import.meta.dirname, '../../../../../../shared/vectors');
const file = join(folder, 'rfc9497/allVectors.json');
const suites = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Suite[]) : [];
const suite = suites.find(({ identifier, mode }) => identifier === 'ristretto255-SHA512' && mode === 1);
const list = (text: string) => text.split(',').map(decodeHex);
const QUORUMS = [
  { needed: 2, of: 2 },
  { needed: 2, of: 3 },
  { needed: 3, of: 5 },
] as const;

describe.skipIf(suite === undefined)(
  'V62: RFC 9497 VOPRF over shares, ristretto255-SHA512: official vectors rfc9497/allVectors.json (needs CKM_VECTORS)',
  () => {
    const group = groupNamed('ristretto255');
    const generated = generatedKey('ristretto255', { needed: 2, of: 3 });

    test.each(QUORUMS)(
      'every set of $needed of $of, under two polynomials: the published bytes',
      (quorum) => {
        const value = group.scalars.parseSecret(decodeHex(suite!.skSm));
        expect(suite!.vectors).toHaveLength(3);
        for (const drawn of ['before a change', 'behind it']) {
          const shared = sharedOut(generated, value, quorum, drawn);
          const { key, shares } = shared;
          for (const vector of suite!.vectors) {
            const inputs = list(vector.Input);
            const blinded = inputs.map((input, i) =>
              blindWith(input, group.scalars.parseSecret(list(vector.Blind)[i]!)),
            );
            const points = blinded.map(({ point }) => point);
            expect(points.map((point) => encodeHex(group.encode(point))).join(',')).toBe(
              vector.BlindedElement,
            );
            const evaluation = { mode: 'blind', points } as const;
            for (const slots of subsets([...shares.keys()], quorum.needed)) {
              const answers = slots.map((slot) => ({
                slot,
                partial: evaluateShare(keyShare(shared, slot), evaluation, bytesOf(`${drawn} ${slot}`)),
              }));
              const { results, wrong } = combineAnswers(key, evaluation, answers);
              expect(wrong).toEqual([]);
              expect(results!.map((result) => encodeHex(group.encode(result))).join(',')).toBe(
                vector.EvaluationElement,
              );
              const outputs = results!.map((result, i) => unblind(inputs[i]!, blinded[i]!.blind, result));
              expect(outputs.map(encodeHex).join(',')).toBe(vector.Output);
            }
          }
        }
      },
    );
  },
);
