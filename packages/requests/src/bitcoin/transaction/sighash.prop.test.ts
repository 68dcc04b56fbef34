import { frostTasks } from '../../task.js';
import { Transaction } from '@scure/btc-signer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { coin, pay, psbtOf, txid } from '../../fixtures/psbt.js';
import { bitcoinKind } from '../index.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();

test(
  'digests are those of btc-signer, whatever versions, locks, sequences and coins of others',
  { tags: 'slow' },
  () => {
    const input = fc.record({
      own: fc.boolean(),
      sats: fc.bigInt(1_000n, 1_000_000n),
      sequence: fc.option(fc.constantFrom(0, 5, 0xfffffffd, 0xffffffff), { nil: undefined }),
      all: fc.boolean(),
      height: fc.option(fc.integer({ min: 1, max: 499_999_999 }), { nil: undefined }),
    });
    const shape = fc.record({
      psbtVersion: fc.constantFrom(0, 2),
      lockTime: fc.nat(0xffffffff),
      inputs: fc.array(input, { minLength: 1, maxLength: 5 }),
      outputs: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(shape, ({ psbtVersion, lockTime, inputs, outputs }) => {
        const coins = inputs.map(({ own, sats, sequence, all, height }, at) => {
          const isOwn = own || at === 0;
          const { witnessUtxo } = coin(treasury, at, sats);
          const theirs = {
            txid: txid(`their ${at}`),
            index: at,
            witnessUtxo: { ...pay(sats, `${at}`), amount: sats },
          };
          return {
            ...(isOwn
              ? coin(treasury, at, sats)
              : {
                  ...theirs,
                  witnessUtxo: { ...witnessUtxo, script: pay(1n, `${at}`).script! as Uint8Array },
                }),
            ...(sequence === undefined ? {} : { sequence }),
            ...(all ? { sighashType: 1 } : {}),
            ...(psbtVersion === 2 && height !== undefined ? { requiredHeightLocktime: height } : {}),
          };
        });
        const paid = Array.from({ length: outputs }, (_, at) => pay(BigInt(at), `payee ${at}`));
        const psbt = psbtOf(coins, paid, { psbtVersion: psbtVersion as 0 | 2, lockTime });
        const judge = Transaction.fromPSBT(psbt);
        const scripts = coins.map(({ witnessUtxo }) => witnessUtxo.script);
        const amounts = coins.map(({ witnessUtxo }) => witnessUtxo.amount);
        const expected = inputs.flatMap(({ own, all }, at) =>
          own || at === 0 ? [judge.preimageWitnessV1(at, scripts, all ? 1 : 0, amounts)] : [],
        );
        expect(
          frostTasks(kind.tasks(kind.parse(psbt), treasury.context)).map(({ message }) => message),
        ).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  },
);
