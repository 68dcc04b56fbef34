import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { EVERY_BACKEND } from '../../group/test/backends.js';
import { type EqualLogsStatement, verifyEqualLogs, voprfContext } from './index.js';
import { unsafeProveEqualLogs } from './prove.js';

interface Suite {
  readonly identifier: string;
  readonly mode: number;
  readonly skSm: string;
  readonly pkSm: string;
  readonly vectors: readonly {
    readonly BlindedElement: string;
    readonly EvaluationElement: string;
    readonly Proof: { readonly proof: string; readonly r: string };
  }[];
}

const folder = process.env['CKM_VECTORS'] ?? join(import.meta.dirname, '../../../../../../shared/vectors');
const file = join(folder, 'rfc9497/allVectors.json');
const suites = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Suite[]) : [];
const list = (text: string) => text.split(',').map(decodeHex);

for (const [name, identifier] of [
  ['ristretto255', 'ristretto255-SHA512'],
  ['P-256', 'P256-SHA256'],
] as const) {
  const suite = suites.find((candidate) => candidate.identifier === identifier && candidate.mode === 1);
  const backends = EVERY_BACKEND.flatMap(([label, group]) =>
    group?.name === name ? [[label, group] as const] : [],
  );

  describe.skipIf(suite === undefined)(
    `RFC 9497 VOPRF proofs, ${identifier}: official vectors rfc9497/allVectors.json (needs CKM_VECTORS)`,
    () => {
      test.each(backends)('%s makes and accepts the published proofs', (_, group) => {
        const secret = group.scalars.parseSecret(decodeHex(suite!.skSm));
        const publicElement = group.decode(decodeHex(suite!.pkSm));
        expect(suite!.vectors).toHaveLength(3);
        for (const vector of suite!.vectors) {
          const outputs = list(vector.EvaluationElement).map((bytes) => group.decode(bytes));
          const inputs = list(vector.BlindedElement).map((bytes) => group.decode(bytes));
          const pairs = inputs.map((input, i) => ({ input, output: outputs[i]! }));
          const statement: EqualLogsStatement = { context: voprfContext(name), publicElement, pairs };
          for (const { input, output } of pairs)
            expect(group.equal(group.mulSecret(input, secret), output)).toBe(true);
          const nonce = group.scalars.parseSecret(decodeHex(vector.Proof.r));
          expect(encodeHex(unsafeProveEqualLogs(group, statement, secret, nonce))).toBe(vector.Proof.proof);
          expect(verifyEqualLogs(group, statement, decodeHex(vector.Proof.proof))).toBe(true);
        }
      });
    },
  );
}
