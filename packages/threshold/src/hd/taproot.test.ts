import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../group/index.js';
import { dealKey } from '../protocols/frost/fixtures/dealer.js';
import { signTogether } from '../protocols/frost/fixtures/signing.js';
import { haveVectors, parseVectors } from '../protocols/frost/fixtures/vectors.js';
import { verifySignature } from '../protocols/frost/index.js';
import { packageOf } from './fixtures/package.js';
import { deriveKey } from './index.js';
import { taprootOffset } from './taproot.js';

interface WalletVectors {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string };
    readonly intermediary: {
      readonly merkleRoot: string | null;
      readonly tweak: string;
      readonly tweakedPubkey: string;
    };
    readonly expected: { readonly scriptPathControlBlocks?: readonly string[] };
  }[];
  readonly keyPathSpending: readonly {
    readonly inputSpending: readonly {
      readonly given: { readonly internalPrivkey: string; readonly merkleRoot: string | null };
      readonly intermediary: { readonly tweakedPrivkey: string; readonly sigHash: string };
    }[];
  }[];
}

const WALLET = 'bip341/wallet-test-vectors.json';

describe.skipIf(!haveVectors(WALLET))(`official vectors ${WALLET} (needs CKM_VECTORS)`, () => {
  const vectors = () => parseVectors<WalletVectors>(WALLET);
  const rootOf = (hex: string | null) => ({ merkleRoot: hex === null ? null : decodeHex(hex) });

  test('output keys, tweaks and control blocks', () => {
    const all = vectors().scriptPubKey;
    expect(all).toHaveLength(7);
    const group = groupNamed('secp256k1');
    for (const { given, intermediary, expected } of all) {
      const taproot = rootOf(intermediary.merkleRoot);
      const internal = group.decode(decodeHex(`02${given.internalPubkey}`));
      expect(encodeHex(taprootOffset(group, internal, taproot))).toBe(intermediary.tweak);
      for (const prefix of ['02', '03']) {
        const groupKey = decodeHex(prefix + given.internalPubkey);
        const key = deriveKey(packageOf('secp256k1-tr', groupKey, new Uint8Array(32)), { path: [], taproot });
        expect(encodeHex(key.groupKey)).toBe(`02${intermediary.tweakedPubkey}`);
        expect(encodeHex(key.taproot!.internalKey)).toBe(given.internalPubkey);
        for (const block of expected.scriptPathControlBlocks ?? []) {
          expect(key.taproot!.outputKeyParity).toBe(decodeHex(block)[0]! & 1);
          expect(block.slice(2, 66)).toBe(given.internalPubkey);
        }
      }
    }
  });

  test('key path spending: a quorum signs what the tweaked secret would', () => {
    const inputs = vectors().keyPathSpending.flatMap(({ inputSpending }) => inputSpending);
    expect(inputs).toHaveLength(7);
    const group = groupNamed('secp256k1');
    for (const { given, intermediary } of inputs) {
      const coefficients = [decodeHex(given.internalPrivkey)];
      const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3, coefficients });
      const key = deriveKey(dealt.public, { path: [], taproot: rootOf(given.merkleRoot) });
      const tweaked = group.mulBase(group.scalars.parseSecret(decodeHex(intermediary.tweakedPrivkey)));
      expect(encodeHex(key.groupKey.subarray(1))).toBe(encodeHex(group.encode(tweaked).subarray(1)));
      const sigHash = decodeHex(intermediary.sigHash);
      const signature = signTogether(dealt, [1, 3], sigHash, key);
      expect(verifySignature('secp256k1-tr', group.encode(tweaked).slice(1), sigHash, signature)).toBe(true);
    }
  });
});

test('V10: a Merkle root is 32 bytes or null; a text that reads like one is refused, also when the real one is known', () => {
  const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
  for (const taproot of [null, { merkleRoot: null }, { merkleRoot: new Uint8Array(32).fill(255) }]) {
    expect(deriveKey(dealt.public, { path: [], taproot }).suite).toBe('secp256k1-tr');
  }
  for (const merkleRoot of [
    new Uint8Array(0),
    new Uint8Array(31),
    new Uint8Array(33),
    'ff'.repeat(32),
    undefined,
  ]) {
    const derive = () =>
      deriveKey(dealt.public, { path: [], taproot: { merkleRoot: merkleRoot as Uint8Array } });
    expect(derive).toThrow(expect.objectContaining({ code: 'MERKLE_ROOT_INVALID' }));
  }
});
