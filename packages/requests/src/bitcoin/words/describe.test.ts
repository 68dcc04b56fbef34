import { describe, expect, test } from 'vitest';
import { p2sh, p2tr, p2wpkh } from '@scure/btc-signer';
import { concatBytes, decodeHex } from '@ckm/foundation';
import { bitcoinKey, type KnownKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, derivation, pay, payee, psbtOf, txid } from '../../fixtures/psbt.js';
import { bitcoinKind } from '../index.js';
import { taprootScript } from '../script/destination.js';
import { bitcoinAddress, keyFingerprint, taprootKeys } from '../wallet/wallet.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();
const TREE_OF_ONE = { depth: 0, version: 0xc0, script: Uint8Array.of(0x51) };

function describeOf(psbt: Uint8Array, key: KnownKey = treasury) {
  return kind.describe(kind.parse(psbt), key.context);
}
function codesOf(psbt: Uint8Array): string[] {
  return describeOf(psbt).warnings.map(({ code }) => code);
}
function refusedWith(psbt: Uint8Array): string {
  const told = outcome(() => describeOf(psbt));
  // Whatever cannot be described must not be signed either.
  expect(outcome(() => kind.tasks(kind.parse(psbt), treasury.context))).toBe(told);
  return told;
}

describe('a payment', () => {
  const psbt = psbtOf([coin(treasury, 3, 6_074_360n)], [pay(1_200_000n), back(treasury, 14, 4_873_120n)]);

  test('is told in one sentence and a table', () => {
    expect(describeOf(psbt)).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Pay",
            "payee": "bc1q9wz6c4q7j0gvfuzkymd59u8fh04ger99hyn8sq",
            "value": "0.01200000 BTC to bc1q 9wz6 c4q7 j0gv fuzk ymd5 9u8f h04g er99 hyn8 sq",
          },
          {
            "label": "Change",
            "note": "change #14, recomputed",
            "value": "0.04873120 BTC to treasury, bc1p gze7 c0na 8mp9 at6k 7n99 rcds z9qs 3wz4 3cw3 szre sx3g w2el e33s wfaj ty",
          },
          {
            "label": "Fee",
            "note": "8.7 sat/vB · 0.10 % of what leaves",
            "value": "0.00001240 BTC",
          },
          {
            "label": "From",
            "note": "1 coin",
            "value": "0.06074360 BTC",
          },
          {
            "label": "Txid",
            "value": "7f74 53e1 ee69 ddaf a645 88d6 da0b 6b05 a4b8 a5a5 68c6 06f3 9add 691b b825 5a40",
          },
        ],
        "sentence": "Pay 0.01200000 BTC to bc1q9wz6…99hyn8sq from treasury; fee 1,240 sats (0.10 % of what leaves)",
        "warnings": [],
      }
    `);
  });

  test('is told without a name where nobody knows one', () => {
    expect(describeOf(psbt, bitcoinKey('')).sentence).toContain(
      'from this key; fee 1,240 sats (0.10 % of what leaves)',
    );
  });

  test('shows the addresses of the network the key is used on', () => {
    const regtest: KnownKey = { ...treasury, context: { ...treasury.context, network: 'regtest' } };
    expect(describeOf(psbt, regtest).rows[0]!.value).toMatch(/ to bcrt 1q/);
  });

  test('of version 2 reads the same as of version 0', () => {
    const two = psbtOf([coin(treasury, 3, 6_074_360n)], [pay(1_200_000n), back(treasury, 14, 4_873_120n)], {
      psbtVersion: 2,
    });
    expect(describeOf(two)).toEqual(describeOf(psbt));
    expect(kind.tasks(kind.parse(two), treasury.context)).toEqual(
      kind.tasks(kind.parse(psbt), treasury.context),
    );
  });

  test('to many names three of them and lists all', () => {
    const outputs = Array.from({ length: 12 }, (_, at) => pay(10_000n, `payee ${at}`));
    const told = describeOf(psbtOf([coin(treasury, 0, 130_000n)], outputs));
    expect(told.sentence).toMatch(
      /^Pay 0\.00120000 BTC to bc1q\w{4}….{8}, \S+, \S+ and 9 more from treasury; fee/,
    );
    expect(told.rows.filter(({ label }) => label === 'Pay')).toHaveLength(12);
  });

  test('that hides where the money goes behind three small payees names that one first, in sentence and table', () => {
    const decoys = ['ann', 'ben', 'cleo'].map((name) => pay(1_000n, name));
    const outputs = [...decoys, pay(99_990_000n, 'mallory')];
    const told = describeOf(psbtOf([coin(treasury, 0, 100_000_000n)], outputs));
    const alone = describeOf(psbtOf([coin(treasury, 0, 100_000_000n)], [pay(99_990_000n, 'mallory')]));
    const mallory = /BTC to (\S+) from/.exec(alone.sentence)![1]!;
    expect(told.sentence).toMatch(/^Pay 0\.99993000 BTC to \S+, \S+, \S+ and 1 more from treasury/);
    expect(told.sentence).toContain(`BTC to ${mallory}, `);
    expect(told.rows[0]).toEqual(alone.rows[0]);
  });

  test('in many small pieces to one payee counts together', () => {
    const pieces = Array.from({ length: 20 }, () => pay(10_000n, 'mallory'));
    const outputs = [...['ann', 'ben', 'cleo'].map((name) => pay(50_000n, name)), ...pieces];
    const alone = describeOf(psbtOf([coin(treasury, 0, 400_000n)], [pay(350_000n, 'mallory')]));
    const mallory = /BTC to (\S+) from/.exec(alone.sentence)![1]!;
    const told = describeOf(psbtOf([coin(treasury, 0, 400_000n)], outputs));
    expect(told.sentence).toContain(`BTC to ${mallory}, `);
  });

  test('lists what is paid before what comes back, and warns of the largest loss first', () => {
    const lost = (amount: bigint) => ({ amount, script: decodeHex('6351') });
    const outputs = [back(treasury, 0, 500_000n), lost(1_000n), lost(400_000n), pay(90_000n)];
    const told = describeOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs));
    expect(told.rows.slice(0, 4).map(({ label, value }) => `${label} ${value.slice(0, 10)}`)).toEqual([
      'Pay 0.00400000',
      'Pay 0.00090000',
      'Pay 0.00001000',
      'Change 0.00500000',
    ]);
    expect(told.warnings.map(({ text }) => text.slice(0, 10))).toEqual(['0.00400000', '0.00001000']);
  });

  test('to nobody else is described as a move within the key', () => {
    const told = describeOf(psbtOf([coin(treasury, 0, 500_000n)], [back(treasury, 0, 499_000n, 'receive')]));
    expect(told.sentence).toBe('Move 0.00499000 BTC within treasury; fee 1,000 sats (0.20 % of what moves)');
    expect(told.rows[0]!.note).toBe('address #0, recomputed');
  });
});

describe('what may cost money is said', () => {
  test('describe warns of a huge fee', () => {
    const psbt = psbtOf([coin(treasury, 0, 10_000_000n)], [pay(1_000_000n), back(treasury, 0, 1_000_000n)]);
    expect(codesOf(psbt)).toEqual(['FEE_HIGH', 'FEE_RATE_ABSURD']);
    expect(describeOf(psbt).sentence).toContain('fee 8,000,000 sats (8.00 times what leaves)');
  });

  test('a fee of exactly one part in twenty is usual, one satoshi more is not', () => {
    const outputs = (fee: bigint) => [pay(100_000n), back(treasury, 0, 900_000n - fee)];
    expect(codesOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs(5_000n)))).toEqual([]);
    expect(codesOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs(5_001n)))).toEqual(['FEE_HIGH']);
  });

  test('describe warns of a fee too low to be mined', () => {
    expect(codesOf(psbtOf([coin(treasury, 0, 1_000_000n)], [pay(999_950n)]))).toEqual(['FEE_RATE_LOW']);
  });

  test.each([
    ['a script nobody knows', '6351', 'OUTPUT_UNKNOWN_SCRIPT'],
    ['a P2PKH with its push spelled otherwise', `76a94c14${'11'.repeat(20)}88ac`, 'OUTPUT_UNKNOWN_SCRIPT'],
    ['a witness version of the future', `5220${'11'.repeat(32)}`, 'OUTPUT_UNKNOWN_SCRIPT'],
    ['a witness version 0 of a length it cannot have', `0003${'11'.repeat(3)}`, 'OUTPUT_UNSPENDABLE'],
    ['a taproot output without a key', `5120${'ff'.repeat(32)}`, 'OUTPUT_UNSPENDABLE'],
    ['an output for anybody', '51024e73', 'OUTPUT_FOR_ANYONE'],
    ['coins attached to data', '6a0b68656c6c6f20776f726c64', 'OUTPUT_BURNS'],
    ['an empty script', '', 'OUTPUT_UNKNOWN_SCRIPT'],
  ])('%s', (_, script, code) => {
    const outputs = [{ amount: 100_000n, script: decodeHex(script) }, back(treasury, 0, 899_000n)];
    expect(codesOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs))).toEqual([code]);
  });

  test.each([
    ['a fee as high as what is paid', [pay(1_000n), back(treasury, 0, 998_000n)], 'FEE_HIGH'],
    ['a fee of half of what moves', [back(treasury, 0, 500_000n)], 'FEE_HIGH'],
  ])('%s loses value, and a satoshi less does not', (_what, outputs, code) => {
    const isLoss = (given: typeof outputs) =>
      describeOf(psbtOf([coin(treasury, 0, 1_000_000n)], given))
        .warnings.filter((one) => one.code === code)
        .map((one) => one.isLoss === true);
    const [last] = outputs.slice(-1);
    expect(isLoss(outputs)).toEqual([true]);
    expect(isLoss([...outputs.slice(0, -1), { ...last!, amount: last!.amount! + 1n }])).toEqual([false]);
  });

  test('what anybody can spend is a loss by the sum of it, however small each output is', () => {
    const lost = (count: number, sats: bigint) => {
      const anchors = Array.from({ length: count }, () => ({ amount: sats, script: decodeHex('51024e73') }));
      const rest = 1_000_000n - BigInt(count) * sats - 1_000n;
      const psbt = psbtOf(
        [coin(treasury, 0, 1_000_000n)],
        [...anchors, pay(100_000n), back(treasury, 0, rest - 100_000n)],
      );
      return describeOf(psbt).warnings.filter(({ isLoss }) => isLoss === true);
    };
    expect(lost(1, 1_000n)).toEqual([]);
    expect(lost(4, 250n)).toEqual([]);
    const text = '0.00020000 BTC goes to outputs that anybody can spend';
    expect(lost(20, 1_000n)).toEqual([{ code: 'OUTPUT_FOR_ANYONE', text, isLoss: true }]);
  });

  test('what is lost twice in the same way is said to be', () => {
    const burn = { amount: 100_000n, script: decodeHex('6a0568656c6c6f') };
    const { warnings } = describeOf(
      psbtOf([coin(treasury, 0, 1_000_000n)], [burn, burn, back(treasury, 0, 799_000n)]),
    );
    const text = '0.00100000 BTC is destroyed: it is attached to data, 2 times';
    expect(warnings.filter(({ isLoss }) => isLoss === true).map((one) => one.text)).toEqual([text]);
  });

  test('what only makes one hesitate is no loss', () => {
    const outputs = [pay(100_000n), back(treasury, 0, 894_999n)];
    const { warnings } = describeOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs));
    expect(warnings.map(({ code, isLoss }) => [code, isLoss])).toEqual([['FEE_HIGH', undefined]]);
  });

  test('data that costs nothing is shown, not warned of', () => {
    const outputs = [
      { amount: 0n, script: decodeHex('6a0568656c6c6f') },
      pay(100_000n),
      back(treasury, 0, 899_000n),
    ];
    const told = describeOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs));
    expect(told.warnings).toEqual([]);
    expect(told.rows[1]).toEqual({
      label: 'Data',
      value: '0.00000000 BTC to 5 bytes of data',
      note: '“hello”',
    });
  });

  test('describe warns of an output too small to be spent', () => {
    const outputs = [pay(293n), pay(200_000n, 'carol'), back(treasury, 0, 798_000n)];
    expect(codesOf(psbtOf([coin(treasury, 0, 1_000_000n)], outputs))).toEqual(['OUTPUT_DUST']);
  });

  test('coins that should be of others: their amounts are never set off against the payment', () => {
    const foreign = {
      txid: txid('bob'),
      index: 0,
      witnessUtxo: { amount: 5_000_000n, script: payee('bob') },
    };
    const psbt = psbtOf(
      [coin(treasury, 0, 1_000_000n), foreign],
      [pay(5_900_000n, 'carol'), back(treasury, 0, 99_000n)],
    );
    expect(codesOf(psbt)).toEqual(['FOREIGN_INPUTS']);
    expect(describeOf(psbt).sentence).toMatch(
      /^Pay 0\.05900000 BTC to \S+ from treasury, together with 1 coin of others; fee 1,000 sats/,
    );
  });

  test('a lock until a block, until a time, and until coins have aged', () => {
    const outputs = [pay(900_000n), back(treasury, 0, 99_000n)];
    const at = (lockTime: number, sequence = 0xfffffffd) =>
      describeOf(psbtOf([{ ...coin(treasury, 0, 1_000_000n), sequence }], outputs, { lockTime })).warnings;
    expect(at(840_000)).toEqual([{ code: 'LOCKTIME', text: 'it cannot be mined before block 840,001' }]);
    expect(at(1_900_000_000)[0]!.text).toBe('it cannot be mined before 2030-03-17 17:46:40 UTC');
    expect(at(0, 144)).toEqual([
      {
        code: 'RELATIVE_LOCK',
        text: 'it cannot be mined before its coins are 144 blocks old (about 24 hours)',
      },
    ]);
    expect(at(840_000, 0xffffffff)).toEqual([]);
  });

  test('change on a path that no wallet watches, or too far along', () => {
    const told = (path: number[]) => {
      const { internalKey, script, fingerprint } = ownAt(path);
      const output = {
        amount: 99_000n,
        script,
        ...derivation({ internalKey, script, fingerprint, path, address: '' }),
      };
      return describeOf(psbtOf([coin(treasury, 0, 1_000_000n)], [pay(900_000n), output])).warnings;
    };
    const at = (path: number[]) => told(path).map(({ code }) => code);
    const isLostAt = (path: number[]) => told(path).some(({ isLoss }) => isLoss === true);
    expect(at([1, 20])).toEqual([]);
    expect(at([1, 21])).toEqual(['CHANGE_INDEX_FAR']);
    expect(at([0, 299])).toEqual(['CHANGE_INDEX_FAR']);
    expect(at([5, 299])).toEqual(['CHANGE_PATH_UNUSUAL']);
    expect(at([2, 0])).toEqual(['CHANGE_PATH_UNUSUAL']);
    expect(at([1, 0, 0])).toEqual(['CHANGE_PATH_UNUSUAL']);
    expect(at([])).toEqual(['CHANGE_PATH_UNUSUAL']);
    expect(
      [
        [1, 1_000],
        [1, 1_001],
        [5, 299],
        [1, 0, 0],
      ].map(isLostAt),
    ).toEqual([false, true, true, true]);
  });
});

describe('a transaction that lies about the key is refused', () => {
  const stranger = bitcoinKey('stranger', 'mallory');
  const input = coin(treasury, 0, 1_000_000n);
  const own = (index: number) => bitcoinAddress(treasury.context.public, 'change', index);

  test('change that claims another path than its own', () => {
    const lying = { ...derivation(own(14)), amount: 99_000n, script: own(15).script };
    expect(refusedWith(psbtOf([input], [pay(900_000n), lying]))).toBe('PSBT_OUTPUT_PATH_FALSE');
  });

  test('change to a foreign key, claimed in the name of ours', () => {
    const theirs = bitcoinAddress(stranger.context.public, 'change', 0);
    const claim = derivation({ ...theirs, fingerprint: own(0).fingerprint });
    const lying = { ...claim, amount: 99_000n, script: theirs.script };
    expect(refusedWith(psbtOf([input], [pay(900_000n), lying]))).toBe('PSBT_OUTPUT_PATH_FALSE');
  });

  test('a payment that carries a true derivation of ours beside a foreign script', () => {
    const lying = { ...derivation(own(3)), amount: 99_000n, script: payee('mallory') };
    expect(refusedWith(psbtOf([input], [pay(900_000n), lying]))).toBe('PSBT_OUTPUT_PATH_FALSE');
  });

  test('change on a hardened path, or one that is too deep', () => {
    for (const path of [[0x8000_0001, 0], Array.from({ length: 9 }, () => 1)]) {
      const lying = { ...derivation({ ...own(0), path }), amount: 99_000n, script: own(0).script };
      expect(refusedWith(psbtOf([input], [pay(900_000n), lying]))).toBe('PSBT_OUTPUT_PATH_FALSE');
    }
  });

  test('change to an address of a kind that the key cannot spend', () => {
    const { internalKey, fingerprint, path } = own(0);
    const publicKey = concatBytes(Uint8Array.of(2), internalKey);
    const der = { fingerprint, path: [...path] };
    const lying = { amount: 99_000n, script: p2wpkh(publicKey).script, bip32Derivation: [[publicKey, der]] };
    expect(refusedWith(psbtOf([input], [pay(900_000n), lying as never]))).toBe('PSBT_OUTPUT_NOT_SPENDABLE');
  });

  test('change that its own scripts let others spend counts as paid away', () => {
    const { internalKey } = own(0);
    const leaf = {
      script: decodeHex('2079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac'),
    };
    const shared = p2tr(internalKey, leaf);
    const tapTree = [{ depth: 0, version: 0xc0, script: leaf.script }];
    const output = { ...derivation(own(0)), amount: 99_000n, script: shared.script, tapTree };
    const told = describeOf(psbtOf([input], [pay(900_000n), output]));
    expect(told.warnings).toEqual([
      {
        code: 'OUTPUT_SHARED',
        text: '0.00099000 BTC goes where the key can spend it, and others too; counted as paid away',
      },
    ]);
    expect(told.sentence).toMatch(/^Pay 0\.00999000 BTC to /);
  });

  test.each([
    ['a tree of scripts that it does not commit to', { tapTree: [TREE_OF_ONE] }],
    [
      'another internal key',
      { tapInternalKey: bitcoinAddress(stranger.context.public, 'change', 0).internalKey },
    ],
  ])('an output that only claims to be the key’s too, with %s, is said to be only claimed', (_, claim) => {
    const { script } = bitcoinAddress(stranger.context.public, 'receive', 0);
    const told = describeOf(
      psbtOf([input], [pay(900_000n), { ...derivation(own(0)), ...claim, amount: 99_000n, script }]),
    );
    expect(told.warnings).toEqual([
      {
        code: 'OUTPUT_SHARED',
        text: '0.00099000 BTC goes where the key can spend it too, the request says, but that is not proven; counted as paid away',
      },
    ]);
    expect(told.sentence).toMatch(/^Pay 0\.00999000 BTC to /);
  });

  test('an output that only the key can spend is change, whatever scripts it claims', () => {
    const told = describeOf(
      psbtOf([input], [pay(900_000n), { ...back(treasury, 0, 99_000n), tapTree: [TREE_OF_ONE] }]),
    );
    expect(told.warnings).toEqual([]);
    expect(told.sentence).toMatch(/^Pay 0\.00900000 BTC to /);
  });

  test('an input whose path leads to another key, or to another coin', () => {
    const wrongPath = { ...input, ...derivation({ ...own(0), path: [1, 1] }) };
    expect(refusedWith(psbtOf([wrongPath], [pay(900_000n)]))).toBe('PSBT_INPUT_PATH_FALSE');
    const wrongCoin = { ...input, witnessUtxo: { amount: 1_000_000n, script: own(9).script } };
    expect(refusedWith(psbtOf([wrongCoin], [pay(900_000n)]))).toBe('PSBT_INPUT_PATH_FALSE');
  });

  test('an input of another key passed off as ours is refused', () => {
    expect(refusedWith(psbtOf([coin(stranger, 0, 1_000_000n)], [pay(900_000n)]))).toBe(
      'PSBT_NO_INPUT_OF_KEY',
    );
  });

  test('a coin of ours beside another, with its derivation left out', () => {
    const hidden = { txid: txid('hidden'), index: 1, witnessUtxo: input.witnessUtxo };
    expect(refusedWith(psbtOf([input, hidden], [pay(900_000n)]))).toBe('PSBT_INPUT_OWNER_HIDDEN');
    const asChange = { txid: txid('hidden'), index: 1, witnessUtxo: { amount: 5n, script: own(4).script } };
    expect(refusedWith(psbtOf([input, asChange], [back(treasury, 4, 9_000n)]))).toBe(
      'PSBT_INPUT_OWNER_HIDDEN',
    );
  });

  test.each([0x02, 0x03, 0x81, 0x82, 0x83, 0x80, 0x101, 0xff])(
    'sighash type %i, which leaves parts unsigned, is refused',
    (sighashType) => {
      expect(refusedWith(psbtOf([{ ...input, sighashType }], [pay(900_000n)]))).toBe('PSBT_SIGHASH_REFUSED');
    },
  );

  test('a legacy input whose coin is not shown', () => {
    const bare = { txid: txid('legacy'), index: 0 };
    expect(refusedWith(psbtOf([input, bare], [pay(900_000n)]))).toBe('PSBT_INPUT_AMOUNT_UNKNOWN');
  });

  test('one coin spent twice is refused', () => {
    expect(refusedWith(psbtOf([input, input], [pay(900_000n)]))).toBe('PSBT_INPUT_REPEATED');
  });

  test('more coins than one request may spend', { tags: 'slow' }, () => {
    const coins = Array.from({ length: 257 }, (_, index) => coin(treasury, index, 1_000n));
    expect(refusedWith(psbtOf(coins, [pay(200_000n)]))).toBe('PSBT_TOO_MANY_SIGNATURES');
  });

  test('amounts that cannot be are refused', () => {
    expect(refusedWith(psbtOf([input], [pay(1_000_001n)]))).toBe('PSBT_AMOUNT_IMPOSSIBLE');
    const rich = coin(treasury, 0, 2_100_000_000_000_001n);
    expect(refusedWith(psbtOf([rich], [pay(1n)]))).toBe('PSBT_AMOUNT_IMPOSSIBLE');
  });

  test('an input that says it is signed', () => {
    const signed = { ...input, tapKeySig: new Uint8Array(64).fill(1) };
    expect(refusedWith(psbtOf([signed], [pay(900_000n)]))).toBe('PSBT_INPUT_SIGNED_WRONGLY');
    const final = { ...input, finalScriptWitness: [new Uint8Array(64).fill(1)] };
    expect(refusedWith(psbtOf([final], [pay(900_000n)]))).toBe('PSBT_INPUT_SIGNED_WRONGLY');
  });

  test('a coin spent twice over in two inputs that look foreign to each other is counted in full each time', () => {
    const second = coin(treasury, 1, 5_000_000n);
    const bare = { txid: second.txid, index: second.index, witnessUtxo: second.witnessUtxo };
    const told = describeOf(psbtOf([input, bare], [pay(5_999_000n, 'mallory')]));
    expect(told.sentence).toMatch(/^Pay 0\.05999000 BTC/);
    expect(told.warnings[0]!.code).toBe('FOREIGN_INPUTS');
  });
});

test('a foreign P2SH payee is named by its address', () => {
  const script = p2sh(
    p2wpkh(decodeHex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')),
  ).script;
  const told = describeOf(psbtOf([coin(treasury, 0, 10_000n)], [{ amount: 9_500n, script }]));
  expect(told.rows[0]!.value).toBe('0.00009500 BTC to 3JvL 6Ymt 8MVW iCNH C7oW U6nL eHNJ KLZG LN');
});

function ownAt(path: number[]) {
  const { internalKey, outputKey } = taprootKeys(treasury.context.public, path);
  return {
    internalKey,
    script: taprootScript(outputKey),
    fingerprint: keyFingerprint(treasury.context.public),
  };
}
