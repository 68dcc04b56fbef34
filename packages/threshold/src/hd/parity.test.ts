import { encodeUtf8 } from '@ckm/foundation';
import { schnorr } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../group/index.js';
import { type DealtKey, dealKey } from '../protocols/frost/fixtures/dealer.js';
import { answer, commitAs, packageFor } from '../protocols/frost/fixtures/signing.js';
import { computeGroupCommitment } from '../protocols/frost/group-commitment.js';
import { aggregate } from '../protocols/frost/index.js';
import { openPackage } from '../protocols/frost/signing-package.js';
import { type DerivedKey, deriveKey, type TaprootCommitment } from './index.js';

const message = encodeUtf8('even or odd');
const group = groupNamed('secp256k1');
const parity = (encoded: Uint8Array) => encoded[0]! & 1;

/** Parity of the derived key before BIP-340's rule, as a wallet that knows only the xpub computes it. */
function plainParity({ public: parent }: DealtKey, path: readonly number[]): number {
  const plain = deriveKey({ ...parent, suite: 'secp256k1' }, { path, taproot: null });
  return parity(plain.groupKey);
}

/** Signs until R had either parity; every signature must satisfy the judge. Returns how many were made. */
function signBothParities(dealt: DealtKey, key: DerivedKey): number {
  const seen = new Set<boolean>();
  let made = 0;
  while (seen.size < 2 && made < 64) {
    const signers = [3, 1].map((index) => commitAs(dealt, index));
    const signing = packageFor(signers, message);
    seen.add(computeGroupCommitment(openPackage(key, signing)).negate);
    const result = aggregate({
      key,
      package: signing,
      shares: signers.map((one) => answer(one, key, signing)),
    });
    if (result.kind !== 'signature') throw new Error(`faulty: ${result.culprits.join()}`);
    if (!schnorr.verify(result.signature, message, key.groupKey.subarray(1)))
      throw new Error('not a signature');
    made++;
  }
  expect(seen.size).toBe(2);
  return made;
}

const COMMITMENTS: [string, TaprootCommitment | null][] = [
  ['no taproot tweak', null],
  ['the empty taproot commitment', { merkleRoot: null }],
  ['a taproot commitment to scripts', { merkleRoot: new Uint8Array(32).fill(5) }],
];

describe('BIP-340 parities', () => {
  for (const steps of [0, 1, 2, 3]) {
    const path = [7, 0, 2147483647].slice(0, steps);
    test.each(COMMITMENTS)(`V41: every combination signs: ${steps} steps, %s`, (_, taproot) => {
      // Parity of Q, of the internal key and of the output key; without a step, or a tweak, two of them are the same one.
      const wanted = (steps === 0 ? 2 : 4) * (taproot === null ? 1 : 2);
      const seen = new Set<string>();
      for (let tries = 0; seen.size < wanted && tries < 400; tries++) {
        const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
        const key = deriveKey(dealt.public, { path, taproot });
        const parities = [parity(dealt.public.groupKey), plainParity(dealt, path)];
        const combination = [...parities, key.taproot?.outputKeyParity ?? ''].join('');
        if (seen.has(combination)) continue;
        seen.add(combination);
        expect(parity(key.groupKey)).toBe(0);
        expect(key.negate).toBe((parities[1]! + (key.taproot?.outputKeyParity ?? 0)) % 2 === 1);
        expect(signBothParities(dealt, key)).toBeGreaterThan(1);
      }
      expect(seen.size).toBe(wanted);
    });
  }

  test('V42: the empty commitment leaves no script path: the output key is not the internal key', () => {
    const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
    const internal = deriveKey(dealt.public, { path: [0], taproot: null });
    const output = deriveKey(dealt.public, { path: [0], taproot: { merkleRoot: null } });
    expect(output.taproot!.internalKey).toEqual(internal.groupKey.slice(1));
    expect(output.groupKey).not.toEqual(internal.groupKey);
    expect(group.equal(group.decode(output.groupKey), group.decode(internal.groupKey))).toBe(false);
  });
});
