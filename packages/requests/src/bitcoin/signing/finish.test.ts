import { concatBytes, decodeHex, encodeHex, equalBytes } from '@ckm/foundation';
import { schnorr } from '@noble/curves/secp256k1.js';
import { p2wpkh, RawTx, Transaction } from '@scure/btc-signer';
import { taprootTweakPubkey } from '@scure/btc-signer/utils.js';
import { base64 } from '@scure/base';
import { describe, expect, test } from 'vitest';
import { bitcoinKey, type KnownKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, derivation, pay, psbtOf, txid } from '../../fixtures/psbt.js';
import { frostResults, frostTasks } from '../../task.js';
import { bitcoinKind } from '../index.js';
import { buildBitcoinRequest } from '../psbt/build.js';
import { taprootScript } from '../script/destination.js';
import { finalizeTransaction, inputsLeftToOthers } from './finalize.js';
import { readPsbtMaps, recordValue, withRecord, writePsbtMaps } from '../psbt/psbt-maps.js';
import { bitcoinAddress, taprootKeys } from '../wallet/wallet.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();
const coins = [coin(treasury, 0, 600_000n), coin(treasury, 7, 500_000n, 'change'), coin(treasury, 2, 5_000n)];
const outputs = [pay(900_000n), back(treasury, 8, 204_000n)];

function signAll(psbt: Uint8Array, key: KnownKey = treasury): Uint8Array {
  const typed = kind.parse(psbt);
  return kind.finish(typed, key.context, kind.tasks(typed, key.context).map(key.sign));
}

test('a signed PSBT that leaves out a coin of the key, its claim and its signature does not verify', () => {
  const psbt = psbtOf(coins, outputs);
  const typed = kind.parse(psbt);
  const whole = signAll(psbt);
  const COIN = 0x01;
  const bare = readPsbtMaps(whole).map((map, at) =>
    at === 2 ? map.filter(({ key }) => key[0] === COIN) : map,
  );
  const SIGNATURE = 0x13;
  const unclaimed = readPsbtMaps(whole).map((map, at) =>
    at === 2 ? map.filter(({ key }) => key[0] === COIN || key[0] === SIGNATURE) : map,
  );
  const verify = (maps: typeof bare) => kind.verify(typed, treasury.context, writePsbtMaps(maps));
  expect(kind.verify(typed, treasury.context, whole)).toBe(true);
  expect(verify(bare)).toBe(false);
  expect(verify(unclaimed)).toBe(true);
});

describe.each([0, 2] as const)('a PSBT of version %i', (psbtVersion) => {
  const psbt = psbtOf(coins, outputs, { psbtVersion });

  test('asks for the digests that btc-signer computes', () => {
    const transaction = Transaction.fromPSBT(psbt);
    const scripts = coins.map(({ witnessUtxo }) => witnessUtxo.script);
    const amounts = coins.map(({ witnessUtxo }) => witnessUtxo.amount);
    const tasks = frostTasks(kind.tasks(kind.parse(psbt), treasury.context));
    expect(tasks.map(({ message }) => message)).toEqual(
      coins.map((_, at) => transaction.preimageWitnessV1(at, scripts, 0, amounts)),
    );
    expect(tasks.map(({ tweak }) => tweak)).toEqual([
      { path: [0, 0], taproot: { merkleRoot: null } },
      { path: [1, 7], taproot: { merkleRoot: null } },
      { path: [0, 2], taproot: { merkleRoot: null } },
    ]);
  });

  test('becomes a transaction whose signatures an independent verifier accepts', () => {
    const final = finalizeTransaction(signAll(psbt));
    const raw = RawTx.decode(decodeHex(final.hex));
    expect(raw.witnesses).toHaveLength(3);
    const unsigned = Transaction.fromPSBT(psbt);
    for (const [at, { witnessUtxo }] of coins.entries()) {
      const digest = unsigned.preimageWitnessV1(
        at,
        coins.map((each) => each.witnessUtxo.script),
        0,
        coins.map((each) => each.witnessUtxo.amount),
      );
      expect(raw.witnesses![at]).toHaveLength(1);
      expect(schnorr.verify(raw.witnesses![at]![0]!, digest, witnessUtxo.script.subarray(2))).toBe(true);
    }
    expect(final.txid).toBe(unsigned.id);
  });

  test('keeps every record it came with, unknown ones too', () => {
    const maps = [...readPsbtMaps(psbt)];
    maps[2] = [...maps[2]!, { key: decodeHex('fc03636b6d01'), value: decodeHex('c0ffee') }];
    maps[1] = [...maps[1]!, { key: decodeHex('ef01'), value: decodeHex('00') }];
    const before = writePsbtMaps(maps);
    const after = readPsbtMaps(signAll(before));
    for (const [at, map] of maps.entries()) {
      for (const record of map) {
        if (at === 0 && equalBytes(record.key, Uint8Array.of(0x06))) continue;
        expect(after[at]).toContainEqual(record);
      }
    }
    expect(after.map((map) => map.length)).toEqual(
      maps.map((map, at) => map.length + (at >= 1 && at <= 3 ? 1 : 0)),
    );
  });
});

test('V41: keys and outputs of either parity are signed for', () => {
  const many = Array.from({ length: 16 }, (_, index) => coin(treasury, index, 10_000n));
  const parities = new Set(
    many.map(({ tapInternalKey }) => taprootTweakPubkey(tapInternalKey, new Uint8Array())[1]),
  );
  expect(parities.size).toBe(2);
  expect(
    RawTx.decode(decodeHex(finalizeTransaction(signAll(psbtOf(many, [pay(155_000n)]))).hex)).inputs,
  ).toHaveLength(16);
});

test('V42: every output of the wallet commits to no script', () => {
  for (let index = 0; index < 8; index++) {
    const { internalKey, script } = bitcoinAddress(treasury.context.public, 'receive', index);
    expect(script.subarray(2)).toEqual(taprootTweakPubkey(internalKey, new Uint8Array())[0]);
    expect(script.subarray(2)).not.toEqual(internalKey);
  }
});

test('the rate that was shown is the rate of the transaction that comes out', () => {
  const psbt = psbtOf(coins, outputs);
  const { virtualBytes } = finalizeTransaction(signAll(psbt));
  const told = kind.describe(kind.parse(psbt), treasury.context);
  const shown = told.rows.find(({ label }) => label === 'Fee')!.note!;
  expect(shown).toContain(`${(1_000 / virtualBytes).toFixed(1)} sat/vB`);
});

test('signing a PSBT of version 2 ends the permission to change it', () => {
  const psbt = psbtOf(coins, outputs, { psbtVersion: 2 });
  expect(recordValue(readPsbtMaps(psbt)[0]!, 0x06)).toEqual(Uint8Array.of(3));
  expect(recordValue(readPsbtMaps(signAll(psbt))[0]!, 0x06)).toEqual(Uint8Array.of(0));
});

test('SIGHASH_ALL is signed as such, with its byte', () => {
  const signed = signAll(psbtOf([{ ...coins[0]!, sighashType: 1 }], [pay(599_000n)]));
  const signature = recordValue(readPsbtMaps(signed)[1]!, 0x13)!;
  expect([signature.length, signature[64]]).toEqual([65, 1]);
  expect(finalizeTransaction(signed).hex).toContain(encodeHex(signature));
});

test('a coin locked by a script tree too is signed with the tree’s root', () => {
  const merkleRoot = txid('scripts');
  const address = bitcoinAddress(treasury.context.public, 'receive', 5);
  const { outputKey } = taprootKeys(treasury.context.public, address.path, merkleRoot);
  const keyOnly = {
    txid: txid('tree'),
    index: 0,
    witnessUtxo: { amount: 50_000n, script: taprootScript(outputKey) },
    ...derivation(address),
  };
  const psbt = psbtOf([{ ...keyOnly, tapMerkleRoot: merkleRoot }], [pay(49_000n)]);
  expect(frostTasks(kind.tasks(kind.parse(psbt), treasury.context))[0]!.tweak).toEqual({
    path: [0, 5],
    taproot: { merkleRoot },
  });
  expect(finalizeTransaction(signAll(psbt)).txid).toMatch(/^[0-9a-f]{64}$/);
  const withoutRoot = psbtOf([keyOnly], [pay(49_000n)]);
  expect(outcome(() => kind.tasks(kind.parse(withoutRoot), treasury.context))).toBe('PSBT_INPUT_PATH_FALSE');
});

describe('signatures that do not belong are refused', () => {
  const psbt = psbtOf(coins, outputs);
  const typed = kind.parse(psbt);
  const signatures = kind.tasks(typed, treasury.context).map((task) => treasury.sign(task).signature);
  const finish = (given: readonly Uint8Array[]) =>
    outcome(() => kind.finish(typed, treasury.context, frostResults(given)));

  test('too few, too many, swapped, of another key, too long', () => {
    const [first, second, third] = signatures as [Uint8Array, Uint8Array, Uint8Array];
    expect(finish(signatures)).toBe('accepted');
    expect(finish([first, second])).toBe('SIGNATURE_COUNT_WRONG');
    expect(finish([first, second, third, third])).toBe('SIGNATURE_COUNT_WRONG');
    expect(finish([second, first, third])).toBe('SIGNATURE_INVALID');
    const stranger = bitcoinKey('stranger', 'mallory');
    expect(finish(kind.tasks(typed, treasury.context).map((task) => stranger.sign(task).signature))).toBe(
      'SIGNATURE_INVALID',
    );
    expect(finish([concatBytes(first, Uint8Array.of(0)), second, third])).toBe('SIGNATURE_INVALID');
    expect(finish([new Uint8Array(64), second, third])).toBe('SIGNATURE_INVALID');
    expect(finish([new Uint8Array(0), second, third])).toBe('SIGNATURE_INVALID');
  });

  test('what is signed already is not signed again', () => {
    const signed = signAll(psbt);
    expect(outcome(() => kind.tasks(kind.parse(signed), treasury.context))).toBe('PSBT_ALREADY_SIGNED');
    const maps = [...readPsbtMaps(signed)];
    maps[2] = maps[2]!.filter(({ key }) => key[0] !== 0x13);
    const partly = kind.parse(writePsbtMaps(maps));
    expect(kind.tasks(partly, treasury.context)).toEqual([kind.tasks(typed, treasury.context)[1]]);
    expect(finalizeTransaction(signAll(writePsbtMaps(maps))).txid).toBe(finalizeTransaction(signed).txid);
  });

  test('a transaction is extracted only when everything is signed, and rightly', () => {
    expect(outcome(() => finalizeTransaction(psbt))).toBe('PSBT_NOT_SIGNED');
    const maps = [...readPsbtMaps(signAll(psbt))];
    maps[1] = withRecord(maps[1]!, 0x13, new Uint8Array(64).fill(7));
    expect(outcome(() => finalizeTransaction(writePsbtMaps(maps)))).toBe('PSBT_SIGNATURE_WRONG');
  });
});

test('with somebody else’s signed coin in it, the transaction is extracted whole', () => {
  const secret = txid('secret of bob');
  const theirs = p2wpkh(decodeHex(encodeHex(publicKeyOf(secret))));
  const foreign = { txid: txid('bob'), index: 0, witnessUtxo: { amount: 50_000n, script: theirs.script } };
  const transaction = Transaction.fromPSBT(psbtOf([coins[0]!, foreign], [pay(640_000n)]));
  transaction.signIdx(secret, 1);
  const final = finalizeTransaction(signAll(transaction.toPSBT()));
  expect(RawTx.decode(decodeHex(final.hex)).witnesses!.map((stack) => stack.length)).toEqual([1, 2]);
});

test('a PSBT is taken as bytes, base64 or hex, with white space', () => {
  const psbt = psbtOf(coins, outputs);
  expect(buildBitcoinRequest(psbt)).toEqual(psbt);
  expect(buildBitcoinRequest(`${base64.encode(psbt).replace(/(.{64})/g, '$1\n')}\n`)).toEqual(psbt);
  expect(buildBitcoinRequest(encodeHex(psbt))).toEqual(psbt);
  expect(outcome(() => buildBitcoinRequest('cHNidP8!'))).toBe('PSBT_MALFORMED');
  expect(outcome(() => buildBitcoinRequest(''))).toBe('PSBT_MALFORMED');
});

function publicKeyOf(secret: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(evenY(secret) ? 2 : 3), schnorr.getPublicKey(secret));
}
function evenY(secret: Uint8Array): boolean {
  return schnorr.Point.BASE.multiply(schnorr.Point.Fn.fromBytes(secret)).toAffine().y % 2n === 0n;
}

describe('whether others have to sign too', () => {
  const others = bitcoinKey('savings', 'bob');
  const theirs = coin(others, 3, 700_000n);
  const mixed = psbtOf([coins[0]!, theirs, coins[1]!], outputs);
  const leftIn = (psbt: Uint8Array) => inputsLeftToOthers(psbt, treasury.context);

  test('is known before anybody signs, and after', () => {
    expect(leftIn(psbtOf(coins, outputs))).toEqual([]);
    expect(leftIn(mixed)).toEqual([{ at: 1, why: 'missing' }]);
    expect(leftIn(signAll(mixed))).toEqual([{ at: 1, why: 'missing' }]);
    expect(leftIn(signAll(mixed, others))).toEqual([]);
    expect(leftIn(signAll(signAll(mixed, others)))).toEqual([]);
  });

  test('is not answered for a transaction that has nothing to do with the key', () => {
    expect(outcome(() => leftIn(psbtOf([theirs], [pay(1_000n)])))).toBe('PSBT_NO_INPUT_OF_KEY');
  });
});
