import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { back, coin, pay, payee, psbtOf, txid, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import { formatBitcoin, formatSats, formatShare } from './amounts.js';
import { finalizeTransaction } from '../signing/finalize.js';
import { bitcoinKind } from '../index.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();

function theirs(sats: bigint, label = 'bob'): TxInput {
  return { txid: txid(label), index: 0, witnessUtxo: { amount: sats, script: payee(label) } };
}
function describeOf(inputs: readonly TxInput[], outputs: readonly TxOutput[]) {
  return kind.describe(kind.parse(psbtOf(inputs, outputs)), treasury.context);
}

describe('a transaction in which somebody else spends a coin too', () => {
  test('and nothing leaves: what comes back is said, and what others give', () => {
    const { sentence, rows } = describeOf(
      [coin(treasury, 0, 100_000n), theirs(50_000n)],
      [back(treasury, 0, 149_000n)],
    );
    expect(sentence).toBe(
      'Move 0.00149000 BTC within treasury, together with 1 coin of others; treasury receives 0.00049000 BTC from others; fee 1,000 sats (0.67 % of what moves)',
    );
    expect(rows).toContainEqual({ label: 'Receives', value: '0.00049000 BTC from others' });
  });

  test('and nothing leaves, with a fee higher than the coin of the key: no amount is below nothing', () => {
    const { sentence } = describeOf(
      [coin(treasury, 0, 1_000n), theirs(10_000n)],
      [back(treasury, 0, 6_000n)],
    );
    expect(sentence).toBe(
      'Move 0.00006000 BTC within treasury, together with 1 coin of others; treasury receives 0.00005000 BTC from others; fee 5,000 sats (45.45 % of what moves)',
    );
  });

  test('and less comes back than the key brings: nothing is received', () => {
    const { sentence } = describeOf(
      [coin(treasury, 0, 100_000n), theirs(1_000n)],
      [back(treasury, 0, 99_500n)],
    );
    expect(sentence).toBe(
      'Move 0.00099500 BTC within treasury, together with 1 coin of others; fee 1,500 sats (1.49 % of what moves)',
    );
  });

  test('and is paid by them: what the key receives is said beside the payment', () => {
    const { sentence } = describeOf(
      [coin(treasury, 0, 1_000_000n), theirs(5_000_000n)],
      [back(treasury, 0, 4_000_000n), pay(1_999_000n, 'bob')],
    );
    expect(sentence).toMatch(
      /^Pay 0\.01999000 BTC to \S+ from treasury, together with 1 coin of others; treasury receives 0\.03000000 BTC from others; fee 1,000 sats/,
    );
  });
});

test.each([
  ['formatBitcoin', () => formatBitcoin(-1n)],
  ['formatSats', () => formatSats(-4_000n)],
  ['formatShare', () => formatShare(-1n, 10n)],
  ['formatShare, of a whole below nothing', () => formatShare(1n, -10n)],
])('%s shows no amount below nothing', (_, format) => {
  expect(format).toThrow(expect.objectContaining({ code: 'AMOUNT_NEGATIVE' }));
});

describe('what a fee is compared with', () => {
  const anchor = { amount: 240n, script: Uint8Array.of(0x51, 0x02, 0x4e, 0x73) };
  test('is what moves where only an anchor leaves', () => {
    const told = describeOf([coin(treasury, 0, 1_000_000n)], [back(treasury, 0, 998_760n), anchor]);
    expect(told.sentence).toBe(
      'Move 0.00998760 BTC within treasury, with an anchor; fee 1,000 sats (0.10 % of what moves)',
    );
    expect(told.warnings).toEqual([]);
  });

  test('is what leaves where somebody is paid beside an anchor', () => {
    const told = describeOf(
      [coin(treasury, 0, 1_000_000n)],
      [pay(10_000n), back(treasury, 0, 988_760n), anchor],
    );
    expect(told.warnings.map(({ code }) => code)).toEqual(['FEE_HIGH']);
  });
});

describe('a fee beside coins of others that only pass through', () => {
  const BITCOIN = 100_000_000n;
  const highFee = ({ warnings }: ReturnType<typeof describeOf>) =>
    warnings.filter(({ code }) => code === 'FEE_HIGH');

  test('is warned of where the key alone pays it', () => {
    const told = describeOf(
      [coin(treasury, 0, 100_000n), theirs(10n * BITCOIN)],
      [back(treasury, 0, 50_000n), pay(10n * BITCOIN)],
    );
    expect(told.sentence).toMatch(/; fee 50,000 sats \(50\.00 % of what the key moves\)$/);
    expect(highFee(told)).toEqual([
      { code: 'FEE_HIGH', text: 'the fee of 50,000 sats is 50.00 % of what the key moves', isLoss: true },
    ]);
  });

  test('is warned of where the key pays it and somebody else much less', () => {
    const told = describeOf(
      [coin(treasury, 0, 1_000_000n), theirs(10n * BITCOIN)],
      [back(treasury, 0, 940_000n), pay(10n * BITCOIN), pay(10_000n, 'carol')],
    );
    expect(highFee(told)).toEqual([
      { code: 'FEE_HIGH', text: 'the fee of 50,000 sats is 5.00 times what the key pays', isLoss: true },
    ]);
  });

  test('is told by what the key pays of it at most where others surely pay the rest', () => {
    const told = describeOf(
      [coin(treasury, 0, 100_000n), theirs(10n * BITCOIN)],
      [back(treasury, 0, 60_000n), pay(10n * BITCOIN - 10_000n)],
    );
    const part = 'the key pays 40,000 sats of it at most';
    expect(told.sentence).toMatch(`; fee 50,000 sats (${part}, 40.00 % of what the key moves)`);
    expect(told.rows.find(({ label }) => label === 'Fee')!.note).toContain(
      `${part} · 40.00 % of what the key moves`,
    );
    expect(highFee(told)).toEqual([
      { code: 'FEE_HIGH', text: `the fee of 50,000 sats (${part}) is 40.00 % of what the key moves` },
    ]);
  });

  test('is not warned of where the key pays a small part of it, nor for an anchor beside it', () => {
    const anchor = { amount: 240n, script: Uint8Array.of(0x51, 0x02, 0x4e, 0x73) };
    const told = describeOf(
      [coin(treasury, 0, BITCOIN), theirs(10n * BITCOIN)],
      [back(treasury, 0, BITCOIN - 10_240n), pay(10n * BITCOIN), anchor],
    );
    expect(told.sentence).toMatch(/; fee 10,000 sats \(0\.01 % of what the key moves\)$/);
    expect(highFee(told)).toEqual([]);
  });
});

test('the rate that is shown counts the 65th byte of each signature that names its type', () => {
  const coins = Array.from({ length: 12 }, (_, at) => ({ ...coin(treasury, at, 100_000n), sighashType: 1 }));
  const psbt = psbtOf(coins, [pay(900_000n)]);
  const parsed = kind.parse(psbt);
  const results = kind.tasks(parsed, treasury.context).map(treasury.sign);
  const { virtualBytes } = finalizeTransaction(kind.finish(parsed, treasury.context, results));
  const fee = kind.describe(parsed, treasury.context).rows.find(({ label }) => label === 'Fee')!;
  expect(fee.note).toContain(`${(300_000 / virtualBytes).toFixed(1)} sat/vB`);
});
