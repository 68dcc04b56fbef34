import { decodeHex, encodeHex } from '@ckm/foundation';
import { deriveKey, type PublicKeyPackage } from '@ckm/threshold';
import { schnorr } from '@noble/curves/secp256k1.js';
import { RawTx } from '@scure/btc-signer';
import { describe, expect, test } from 'vitest';
import { vectorFile } from '../../fixtures/vectors.js';
import { destinationOf, taprootScript } from '../script/destination.js';
import type { BitcoinRequest } from '../psbt/parse.js';
import { createSighash, sharedHashes } from './sighash.js';

interface Vectors {
  scriptPubKey: {
    given: { internalPubkey: string };
    intermediary: { merkleRoot: string | null };
    expected: { scriptPubKey: string; bip350Address: string };
  }[];
  keyPathSpending: {
    given: { rawUnsignedTx: string; utxosSpent: { scriptPubKey: string; amountSats: number }[] };
    intermediary: Record<string, string>;
    inputSpending: {
      given: { txinIndex: number; hashType: number };
      intermediary: { sigHash: string };
      expected: { witness: string[] };
    }[];
  }[];
}

const file = vectorFile('bip341', 'wallet-test-vectors.json');
const vectors = JSON.parse(file ?? '{"scriptPubKey":[],"keyPathSpending":[]}') as Vectors;

function requestOf({
  rawUnsignedTx,
  utxosSpent,
}: Vectors['keyPathSpending'][number]['given']): BitcoinRequest {
  const { version, lockTime, inputs, outputs } = RawTx.decode(decodeHex(rawUnsignedTx));
  return {
    version,
    lockTime,
    network: undefined,
    psbt: new Uint8Array(),
    inputs: inputs.map(({ txid, index, sequence }, at) => ({
      txid: encodeHex(txid),
      index,
      sequence,
      amountSats: BigInt(utxosSpent[at]!.amountSats),
      script: decodeHex(utxosSpent[at]!.scriptPubKey),
      sighashType: undefined,
      internalKey: undefined,
      merkleRoot: undefined,
      claims: [],
      keySignature: undefined,
      final: false,
    })),
    outputs: outputs.map(({ amount, script }) => ({
      amountSats: amount,
      script,
      internalKey: undefined,
      scriptTree: undefined,
      claims: [],
    })),
  };
}

describe.skipIf(file === null)('official vectors bip341/wallet-test-vectors.json (needs CKM_VECTORS)', () => {
  test('output keys and addresses, with and without scripts', () => {
    expect(vectors.scriptPubKey.length).toBe(7);
    for (const { given, intermediary, expected } of vectors.scriptPubKey) {
      const groupKey = decodeHex(`02${given.internalPubkey}`);
      const key: PublicKeyPackage = {
        suite: 'secp256k1-tr',
        quorum: { needed: 2, of: 2 },
        groupKey,
        commitment: [groupKey, groupKey],
        verifyingShares: [groupKey, groupKey],
        chainCode: new Uint8Array(32),
      };
      const merkleRoot = intermediary.merkleRoot === null ? null : decodeHex(intermediary.merkleRoot);
      const script = taprootScript(deriveKey(key, { path: [], taproot: { merkleRoot } }).groupKey.slice(1));
      expect(encodeHex(script)).toBe(expected.scriptPubKey);
      expect(destinationOf(script)).toMatchObject({ form: 'p2tr', address: expected.bip350Address });
    }
  });

  test('the hashes all inputs share', () => {
    for (const { given, intermediary } of vectors.keyPathSpending) {
      const hashes = sharedHashes(requestOf(given));
      expect({
        hashAmounts: encodeHex(hashes.amounts),
        hashOutputs: encodeHex(hashes.outputs),
        hashPrevouts: encodeHex(hashes.prevouts),
        hashScriptPubkeys: encodeHex(hashes.scriptPubkeys),
        hashSequences: encodeHex(hashes.sequences),
      }).toEqual(intermediary);
    }
  });

  test('digests of the two hash types we sign, and the published signatures verify over them', () => {
    let ran = 0;
    for (const { given, inputSpending } of vectors.keyPathSpending) {
      const request = requestOf(given);
      const digest = createSighash(request);
      for (const spend of inputSpending) {
        const { txinIndex, hashType } = spend.given;
        if (hashType !== 0 && hashType !== 1) continue;
        const made = digest(txinIndex, hashType);
        expect(encodeHex(made)).toBe(spend.intermediary.sigHash);
        const signature = decodeHex(spend.expected.witness[0]!).subarray(0, 64);
        expect(schnorr.verify(signature, made, request.inputs[txinIndex]!.script.subarray(2))).toBe(true);
        ran++;
      }
    }
    expect(ran).toBe(2);
  });
});
