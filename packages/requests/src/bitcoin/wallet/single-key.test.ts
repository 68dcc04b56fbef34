import { frostTasks } from '../../task.js';
import { encodeHex } from '@ckm/foundation';
import { p2tr } from '@scure/btc-signer';
import { schnorr } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { bitcoinKey, type KnownKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, pay, psbtOf, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import { bitcoinKind } from '../index.js';
import { completePsbt } from '../ownership/complete.js';
import { bitcoinAddress, bitcoinDescriptor, bitcoinPublicForm } from './wallet.js';

const whole = bitcoinKey();
/** The same key without children. */
const single: KnownKey = {
  ...whole,
  context: { ...whole.context, public: { ...whole.context.public, chainCode: new Uint8Array(32) } },
};
const { context } = single;
const internalKey = context.public.groupKey.slice(1);
const input = coin(single, 0, 1_000_000n);
const change = back(single, 0, 99_000n);
const told = (psbt: Uint8Array) => bitcoinKind.describe(bitcoinKind.parse(psbt), context);
const withClaim = <T extends TxInput | TxOutput>(part: T, path: number[], fingerprint: number): T => ({
  ...part,
  tapBip32Derivation: [[internalKey, { hashes: [], der: { path, fingerprint } }]],
});

describe('a key for bitcoin without children', () => {
  test('has one address: that of its own key, as btc-signer makes it and as Bitcoin Core does for the private key 1', () => {
    const address = bitcoinAddress(context.public, 'receive', 0);
    expect(address.address).toBe(p2tr(internalKey).address);
    expect(bitcoinAddress(context.public, 'change', 0)).toEqual(address);
    expect([address.path, encodeHex(address.internalKey)]).toEqual([[], encodeHex(internalKey)]);
    expect(outcome(() => bitcoinAddress(context.public, 'receive', 1))).toBe('ADDRESS_INDEX_INVALID');
    const one = {
      ...context.public,
      groupKey: Uint8Array.of(2, ...schnorr.getPublicKey(Uint8Array.of(...new Uint8Array(31), 1))),
    };
    expect(bitcoinAddress(one, 'receive', 0).address).toBe(
      'bc1pmfr3p9j00pfxjh0zmgp99y8zftmd3s5pmedqhyptwy6lm87hf5sspknck9',
    );
  });

  test('is written as the descriptor of one key', () => {
    expect(bitcoinDescriptor(context.public)).toMatch(
      new RegExp(`^tr\\(${encodeHex(internalKey)}\\)#[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{8}$`),
    );
    const { rows, parts } = bitcoinPublicForm(context);
    expect([rows.map(({ label }) => label), parts]).toEqual([['Descriptor', 'Address'], undefined]);
  });

  test.each([
    ['by the empty path', psbtOf([input], [pay(900_000n), change])],
    [
      'by the origin that a wallet had it from, whoever was its master',
      psbtOf(
        [withClaim(input, [0x80000056, 0x80000000, 0x80000000, 0, 5], 0x73c5da0a)],
        [pay(900_000n), withClaim(change, [], 7)],
      ),
    ],
    [
      'by nothing, and completed by its owner',
      completePsbt(
        psbtOf(
          [{ txid: input.txid, index: input.index, witnessUtxo: input.witnessUtxo }],
          [pay(900_000n), { script: change.script, amount: change.amount }],
        ),
        context,
      ),
    ],
  ])('knows its coin and its change %s', (_, psbt) => {
    const request = bitcoinKind.parse(psbt);
    expect(frostTasks(bitcoinKind.tasks(request, context)).map(({ tweak }) => tweak.path)).toEqual([[]]);
    const { rows, warnings } = told(psbt);
    expect(rows.find(({ label }) => label === 'Change')?.note).toBe(
      'the address of the key itself, recomputed',
    );
    expect(warnings).toEqual([]);
  });

  test('knows no coin of its children, and none that is only said to be its own', () => {
    const child = coin(whole, 3, 1_000_000n);
    expect(outcome(() => told(psbtOf([child], [pay(900_000n)])))).toMatch(/^PSBT_/);
    const elsewhere = withClaim({ ...input, witnessUtxo: child.witnessUtxo } as TxInput, [], 7);
    expect(outcome(() => told(psbtOf([elsewhere], [pay(900_000n)])))).toMatch(/^PSBT_/);
  });
});
