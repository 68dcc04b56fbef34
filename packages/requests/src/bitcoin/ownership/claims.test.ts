import { concatBytes, decodeHex } from '@ckm/foundation';
import { p2wpkh } from '@scure/btc-signer';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, derivation, pay, psbtOf, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import { finalizeTransaction } from '../signing/finalize.js';
import { bitcoinKind } from '../index.js';
import { bitcoinAddress, type WalletAddress } from '../wallet/wallet.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();
const HARDENED = 0x8000_0000;
const ORIGIN = [HARDENED + 86, HARDENED, HARDENED];
const input = coin(treasury, 3, 1_000_000n);
const payment = pay(900_000n);

/** What a wallet writes about an address of ours, in another way than ours do. */
function said(address: WalletAddress, changes: Partial<Pick<WalletAddress, 'fingerprint' | 'path'>>) {
  return derivation({ ...address, ...changes });
}
const own = (chain: 'receive' | 'change', index: number) =>
  bitcoinAddress(treasury.context.public, chain, index);

/** The field of ECDSA keys, for a key of which only x is known. */
function ecdsaOnly({ internalKey, fingerprint, path }: WalletAddress, parity = 2) {
  const publicKey = concatBytes(Uint8Array.of(parity), internalKey);
  return { bip32Derivation: [[publicKey, { fingerprint, path: [...path] }]] as never };
}

function outputRowOf(inputs: readonly TxInput[], outputs: readonly TxOutput[]): string {
  const parsed = kind.parse(psbtOf(inputs, outputs));
  return kind.describe(parsed, treasury.context).rows.find(({ label }) => label === 'Change')?.note ?? 'none';
}

function signedWith(given: TxInput): string {
  const parsed = kind.parse(psbtOf([given], [payment]));
  const results = kind.tasks(parsed, treasury.context).map(treasury.sign);
  return finalizeTransaction(kind.finish(parsed, treasury.context, results)).txid;
}

const change = { amount: 99_000n, script: own('change', 14).script };
const bare = { txid: input.txid, index: input.index, witnessUtxo: input.witnessUtxo };

describe('what a wallet says in its own way about a key is read as what it means', () => {
  test.each<[string, Partial<Pick<WalletAddress, 'fingerprint' | 'path'>>]>([
    ['fingerprint 00000000, which says that it does not know', { fingerprint: 0 }],
    ['an origin in front of the path', { path: [...ORIGIN, 1, 14] }],
    ['both', { fingerprint: 0, path: [...ORIGIN, 1, 14] }],
    [
      'the fingerprint of an origin that somebody typed',
      { fingerprint: 0xdeadbeef, path: [...ORIGIN, 1, 14] },
    ],
    ['an origin that is not hardened', { fingerprint: 0, path: [86, 0, 0, 1, 14] }],
  ])('change with %s is change', (_, changes) => {
    const output = { ...change, ...said(own('change', 14), changes) };
    expect(outputRowOf([input], [payment, output])).toBe('change #14, recomputed');
  });

  test.each<[string, object]>([
    ['fingerprint 00000000', said(own('receive', 3), { fingerprint: 0 })],
    ['an origin in front of the path', said(own('receive', 3), { path: [...ORIGIN, 0, 3] })],
    ['its key named in the ECDSA field alone', ecdsaOnly(own('receive', 3))],
    ['its key named there with the other parity', ecdsaOnly(own('receive', 3), 3)],
  ])('an input with %s is signed', (_, about) => {
    expect(signedWith({ ...bare, ...about })).toBe(signedWith(input));
  });

  test('change whose key stands in the ECDSA field too, or there alone, is change', () => {
    const both = { ...back(treasury, 14, 99_000n), ...ecdsaOnly(own('change', 14)) };
    expect(outputRowOf([input], [payment, both])).toBe('change #14, recomputed');
    const alone = { ...change, ...ecdsaOnly(own('change', 14)) };
    expect(outputRowOf([input], [payment, alone])).toBe('change #14, recomputed');
  });

  test('a coin of an older kind under a key of ours is somebody else’s: the key cannot sign for it', () => {
    const address = own('receive', 5);
    const publicKey = concatBytes(Uint8Array.of(2), address.internalKey);
    const older = { ...bare, index: 9, witnessUtxo: { amount: 5_000n, script: p2wpkh(publicKey).script } };
    const psbt = psbtOf([input, { ...older, ...ecdsaOnly(address) }], [payment]);
    expect(kind.tasks(kind.parse(psbt), treasury.context)).toHaveLength(1);
  });
});

describe('what is said in another way is believed no more than before', () => {
  const refusal = (output: TxOutput) =>
    outcome(() => kind.describe(kind.parse(psbtOf([input], [payment, output])), treasury.context));

  test.each<[string, object]>([
    [
      'fingerprint 00000000 and a path that leads elsewhere',
      said(own('change', 14), { fingerprint: 0, path: [1, 15] }),
    ],
    [
      'an origin before a path that leads elsewhere',
      said(own('change', 14), { fingerprint: 0, path: [...ORIGIN, 1, 15] }),
    ],
    [
      'a foreign fingerprint and a path that leads elsewhere',
      said(own('change', 14), { fingerprint: 7, path: [1, 15] }),
    ],
  ])('change with %s counts as paid away', (_, about) => {
    expect(refusal({ ...change, ...about })).toBe('accepted');
    expect(outputRowOf([input], [payment, { ...change, ...about }])).toBe('none');
  });

  test.each<[string, object, string]>([
    [
      'the key’s own fingerprint and an origin before a path that leads elsewhere',
      said(own('change', 14), { path: [...ORIGIN, 1, 15] }),
      'PSBT_OUTPUT_PATH_FALSE',
    ],
    [
      'the ECDSA field naming another key in the key’s name',
      ecdsaOnly({ ...own('change', 14), path: [1, 15] }),
      'PSBT_OUTPUT_PATH_FALSE',
    ],
  ])('change with %s is refused', (_, about, code) => {
    expect(refusal({ ...change, ...about })).toBe(code);
  });

  test('fingerprint 00000000 over a true key of ours beside a foreign script is refused', () => {
    const lying = {
      amount: 99_000n,
      script: decodeHex('512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'),
    };
    expect(refusal({ ...lying, ...said(own('change', 14), { fingerprint: 0 }) })).toBe(
      'PSBT_OUTPUT_PATH_FALSE',
    );
  });
});

describe('a signature that says itself how it signs', () => {
  const signedAll = () => {
    const parsed = kind.parse(psbtOf([{ ...input, sighashType: 1 }], [payment]));
    const [task] = kind.tasks(parsed, treasury.context);
    return concatBytes(treasury.sign(task!).signature, Uint8Array.of(1));
  };

  test('in its 65th byte is a signature, also where the PSBT asks for no type', () => {
    const signed = { ...input, tapKeySig: signedAll() };
    const psbt = psbtOf([signed, coin(treasury, 4, 5_000n)], [payment]);
    // The second input changes the digest: what was a signature for one input alone is none here.
    expect(outcome(() => kind.tasks(kind.parse(psbt), treasury.context))).toBe('PSBT_INPUT_SIGNED_WRONGLY');
    const alone = psbtOf([signed], [payment]);
    expect(outcome(() => kind.tasks(kind.parse(alone), treasury.context))).toBe('PSBT_ALREADY_SIGNED');
    expect(finalizeTransaction(alone).txid).toBe(signedWith(input));
  });

  test('and says that it leaves parts unsigned is refused', () => {
    const partly = concatBytes(signedAll().subarray(0, 64), Uint8Array.of(0x83));
    const psbt = psbtOf([{ ...input, tapKeySig: partly }], [payment]);
    expect(outcome(() => kind.tasks(kind.parse(psbt), treasury.context))).toBe('PSBT_SIGHASH_REFUSED');
  });
});
