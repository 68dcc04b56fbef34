import { decodeHex } from '@ckm/foundation';
import { RawTx, Transaction } from '@scure/btc-signer';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../fixtures/keys.js';
import { back, coin, derivation, pay, psbtOf } from '../fixtures/psbt.js';
import { parseBitcoin } from './parse.js';
import { readPsbtMaps, withRecord, writePsbtMaps } from './psbt-maps.js';
import { bitcoinAddress } from './wallet.js';

const treasury = bitcoinKey();
const address = bitcoinAddress(treasury.context.public, 'receive', 1);

/** The transaction a coin of ours comes from: its output 1. */
function previous(sats: bigint): Transaction {
  const transaction = new Transaction({ allowUnknownInputs: true, allowUnknownOutputs: true });
  transaction.addInput({ txid: new Uint8Array(32).fill(1), index: 0 });
  transaction.addOutput(pay(7_000n));
  transaction.addOutput({ amount: sats, script: address.script });
  return transaction;
}
const before = previous(500_000n);
const bytesOf = (transaction: Transaction) => transaction.unsignedTx;
const witnessUtxo = (amount: bigint, script = address.script) =>
  new Uint8Array([...u64le(amount), script.length, ...script]);

function u64le(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** A payment out of two coins, of which the second brings the whole transaction it comes from. */
function psbtWith(
  psbtVersion: 0 | 2,
  { transaction = bytesOf(before), output = witnessUtxo(500_000n), index = 1 } = {},
): Uint8Array {
  const second = {
    txid: decodeHex(before.id),
    index,
    witnessUtxo: { amount: 500_000n, script: address.script },
    ...derivation(address),
  };
  const psbt = psbtOf([coin(treasury, 0, 600_000n), second], [pay(900_000n), back(treasury, 0, 199_000n)], {
    psbtVersion,
  });
  const maps = [...readPsbtMaps(psbt)];
  maps[2] = withRecord(withRecord(maps[2]!, 0x00, transaction), 0x01, output);
  return writePsbtMaps(maps);
}

describe.each([0, 2] as const)('a PSBT of version %i that says two things about one coin', (version) => {
  test('is read where both are the same', () => {
    expect(parseBitcoin(psbtWith(version)).inputs[1]!.amountSats).toBe(500_000n);
  });

  test.each<[string, Parameters<typeof psbtWith>[1], string]>([
    [
      'another transaction',
      { transaction: bytesOf(previous(500_001n)) },
      'input 1 brings another transaction than the one it spends from',
    ],
    [
      'no transaction at all',
      { transaction: Uint8Array.of(1, 2, 3) },
      'input 1 brings a previous transaction that cannot be read',
    ],
    [
      'an output that there is not',
      { index: 5 },
      'input 1 spends output 5 of a transaction that has 2, counted from 0',
    ],
    [
      'another amount',
      { output: witnessUtxo(400_000n) },
      'input 1 states another amount for its coin than the transaction it comes from',
    ],
    [
      'another address',
      { output: witnessUtxo(500_000n, bitcoinAddress(treasury.context.public, 'receive', 2).script) },
      'input 1 states another address for its coin than the transaction it comes from',
    ],
  ])('is refused, and %s is named', (_, changes, message) => {
    expect(() => parseBitcoin(psbtWith(version, changes))).toThrow(
      expect.objectContaining({ code: 'PSBT_INPUT_CONTRADICTS', message }),
    );
  });
});

test('the transactions of this test are what they seem', () => {
  expect(RawTx.decode(bytesOf(before)).outputs).toHaveLength(2);
});
