import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHex, encodeHex } from '@ckm/foundation';
import { p2pkh, p2sh, p2wpkh, Transaction } from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { describe, expect, test } from 'vitest';
import { bitcoinKey, ed25519Key } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, pay, payee, psbtOf, txid, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import { requestKind } from '../../registry/registry.js';
import { bitcoinForm } from '../form.js';
import { readPsbtMaps, withRecord, writePsbtMaps } from '../psbt/psbt-maps.js';
import { bitcoinAddress } from '../wallet/wallet.js';

const key = bitcoinKey();
const bob = pubECDSA(new Uint8Array(32).fill(9));
const parse = (psbt: Uint8Array) => requestKind('bitcoin').parse(psbt);
const detailsOf = (psbt: Uint8Array) => parse(psbt).details(key.context) as Record<string, unknown>;

const inputs: TxInput[] = [coin(key, 3, 70_000n), coin(key, 0, 50_000n, 'change')];
const outputs: TxOutput[] = [back(key, 4, 30_000n), pay(60_000n), back(key, 8, 20_000n, 'receive')];

/** What btc-signer calls the transaction once it is signed. */
function signedId(psbt: Uint8Array, secret?: Uint8Array): string {
  const parsed = parse(psbt);
  const signed = parsed.finish(key.context, parsed.tasks(key.context).map(key.sign));
  const transaction = Transaction.fromPSBT(signed);
  if (secret !== undefined) transaction.sign(secret);
  transaction.finalize();
  return transaction.id;
}

/** A coin of bob's that needs a signature of an old or a new kind. */
function bobsCoin(form: 'p2pkh' | 'p2sh-p2wpkh'): TxInput {
  const bobs = form === 'p2pkh' ? p2pkh(bob) : p2sh(p2wpkh(bob));
  const paid = new Transaction({ allowUnknownInputs: true });
  paid.addInput({ txid: txid('before'), index: 0 });
  paid.addOutput({ script: bobs.script, amount: 10_000n });
  const redeemScript = 'redeemScript' in bobs ? { redeemScript: bobs.redeemScript! } : {};
  return { txid: paid.id, index: 0, nonWitnessUtxo: paid.unsignedTx, ...redeemScript };
}

describe('what a program reads of a transaction', () => {
  test('has inputs and outputs in the order of the PSBT, amounts in satoshis, sizes and paths', () => {
    const details = detailsOf(psbtOf(inputs, outputs));
    expect(details).toMatchObject({
      feeSats: 10_000,
      isSizeExact: true,
      lockTime: 0,
      inputs: [
        { index: 0, txid: encodeHex(txid('coin 3')), vout: 3, sats: 70_000, isOwn: true, path: [0, 3] },
        { index: 1, txid: encodeHex(txid('coin 0')), vout: 0, sats: 50_000, isOwn: true, path: [1, 0] },
      ],
      outputs: [
        { index: 0, sats: 30_000, isOwn: true, path: [1, 4] },
        { index: 1, sats: 60_000, isOwn: false, path: null, script: encodeHex(payee()) },
        { index: 2, sats: 20_000, isOwn: true, path: [0, 8] },
      ],
    });
    expect(details['outputs']).toMatchObject([
      { address: bitcoinAddress(key.context.public, 'change', 4).address },
      { address: expect.stringMatching(/^bc1q/) as string },
      { address: bitcoinAddress(key.context.public, 'receive', 8).address },
    ]);
    expect(JSON.parse(JSON.stringify(details))).toEqual(details);
  });

  test('is known before it is signed by the id it has afterwards, in a PSBT of either version', () => {
    for (const psbtVersion of [0, 2] as const) {
      const psbt = psbtOf(inputs, outputs, { psbtVersion });
      expect(detailsOf(psbt)['txid']).toBe(signedId(psbt));
    }
  });

  test('is known also beside a coin of somebody else whose signature stands in the witness', () => {
    const psbt = psbtOf([...inputs, bobsCoin('p2sh-p2wpkh')], outputs);
    const details = detailsOf(psbt);
    expect(details).toMatchObject({ txid: signedId(psbt, new Uint8Array(32).fill(9)), isSizeExact: false });
    expect((details['inputs'] as object[])[2]).toMatchObject({ isOwn: false, path: null, isSigned: false });
  });

  test('has no id as long as somebody else’s signature is part of it', () => {
    const psbt = psbtOf([...inputs, bobsCoin('p2pkh')], outputs);
    expect(detailsOf(psbt)['txid']).toBeNull();
    expect(signedId(psbt, new Uint8Array(32).fill(9))).not.toBe(parse(psbt).spends(key.context)!.by);
  });

  test('is what the guide for owners lists, field by field', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../../../../docs/using.md'), 'utf8');
    const [, table = ''] = /has the transaction under `details`.*?\n\n((?:\|[^\n]*\n)+)/s.exec(guide)!;
    const { inputs: given, outputs: made, ...whole } = detailsOf(psbtOf(inputs, outputs));
    const fields = [whole, (given as object[])[0]!, (made as object[])[0]!].flatMap(Object.keys);
    const listed = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    const all = new Set([...fields, 'inputs', 'outputs', 'null']);
    expect([...new Set(listed)].toSorted()).toEqual([...all].toSorted());
  });

  test('is nothing to a key of another kind', () => {
    const letters = ed25519Key('message').context;
    const parsed = parse(psbtOf(inputs, outputs));
    expect(outcome(() => parsed.details(letters))).toBe('REQUEST_KIND_NOT_FOR_KEY');
    expect(outcome(() => parsed.spends(letters))).toBe('REQUEST_KIND_NOT_FOR_KEY');
  });
});

describe('what a signature uses up', () => {
  test('is the key’s coins, by the transaction, and the addresses it shows', () => {
    const spending = parse(psbtOf([...inputs, bobsCoin('p2pkh')], outputs)).spends(key.context)!;
    expect(spending.coins).toEqual([`${encodeHex(txid('coin 3'))}:3`, `${encodeHex(txid('coin 0'))}:0`]);
    expect(spending.coinsOfOthers).toEqual([`${String(bobsCoin('p2pkh').txid)}:0`]);
    expect([spending.addresses, spending.changes]).toEqual([
      [3, 8],
      [0, 4],
    ]);
    expect(decodeHex(spending.by)).toHaveLength(32);
  });

  test('is nothing where a message is signed', () => {
    const { context } = ed25519Key('message');
    const message = requestKind('message').form.build(new TextEncoder().encode('hello'), new Map());
    const parsed = requestKind('message').parse(message);
    expect([parsed.details(context), parsed.spends(context)]).toEqual([null, null]);
  });
});

describe('a coin of others with a final script that it cannot have', () => {
  const COIN = { txid: txid('others'), index: 0, witnessUtxo: { amount: 10_000n, script: payee() } };
  const withFinal = (given: TxInput, type: number, ...value: number[]) =>
    writePsbtMaps(
      readPsbtMaps(psbtOf([inputs[0]!, given], [pay(70_000n)])).map((map, at) =>
        at === 2 ? withRecord(map, type, Uint8Array.from(value)) : map,
      ),
    );

  test.each([
    ['a witness program', COIN],
    ['one within P2SH', bobsCoin('p2sh-p2wpkh')],
  ])('is refused where it is %s: it would name a transaction that cannot be', (_, given) => {
    const parsed = parse(withFinal(given, 0x07, 1, 5));
    expect(outcome(() => parsed.describe(key.context))).toBe('PSBT_MALFORMED');
    expect(outcome(() => parsed.spends(key.context))).toBe('PSBT_MALFORMED');
    const expected = new Map([['expect', '0'.repeat(64)]]);
    expect(outcome(() => bitcoinForm.build(withFinal(given, 0x07, 1, 5), expected))).toBe('PSBT_MALFORMED');
  });

  test('is not signed because there is a witness that means nothing', () => {
    const { inputs: rows } = detailsOf(withFinal(COIN, 0x08, 1, 1, 7));
    expect(rows).toMatchObject([{ isSigned: false }, { isSigned: false, isOwn: false }]);
  });
});

describe('--expect', () => {
  const build = (psbt: Uint8Array, expected: string) =>
    outcome(() => bitcoinForm.build(psbt, new Map([['expect', expected]])));
  const psbt = psbtOf(inputs, outputs);

  test('takes the transaction of that id, in letters of either size and in groups', () => {
    const id = signedId(psbt);
    for (const one of [id, id.toUpperCase(), id.replace(/.{4}/g, '$& ')])
      expect(build(psbt, one)).toBe('accepted');
  });

  test('refuses a transaction that differs in one satoshi of the fee', () => {
    const other = psbtOf(inputs, [back(key, 4, 29_999n), ...outputs.slice(1)]);
    expect(build(other, signedId(psbt))).toBe('PSBT_TXID_DIFFERS');
  });

  test('refuses what is no id, and a transaction that has none yet', () => {
    for (const id of ['', 'deadbeef', `${signedId(psbt)}0`]) expect(build(psbt, id)).toBe('TXID_INVALID');
    const undecided = psbtOf([...inputs, bobsCoin('p2pkh')], outputs);
    expect(build(undecided, signedId(psbt))).toBe('PSBT_TXID_UNDECIDED');
  });
});
