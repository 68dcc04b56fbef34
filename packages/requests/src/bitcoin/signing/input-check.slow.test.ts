import { concatBytes, decodeHex, encodeUtf8 } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  p2ms,
  p2pkh,
  p2sh,
  p2tr,
  p2tr_ms,
  p2tr_ns,
  p2wpkh,
  p2wsh,
  SigHash,
  Transaction,
} from '@scure/btc-signer';
import { pubECDSA, pubSchnorr } from '@scure/btc-signer/utils.js';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { coin, pay, psbtOf, txid, type TxInput } from '../../fixtures/psbt.js';
import { finalizeTransaction, foreignSignatureWarnings, inputsLeftToOthers } from './finalize.js';
import { createWork } from './work.js';
import { bitcoinKind } from '../index.js';
import { readPsbtMaps, type PsbtMap, writePsbtMaps } from '../psbt/psbt-maps.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();
const secrets = ['bob', 'carol', 'dave'].map((name) => sha256(encodeUtf8(`secret of ${name}`)));
const keys = secrets.map((secret) => pubECDSA(secret));
const two = p2ms(2, keys);

/** A coin of somebody else, with what its owner knows of it. */
function locked(payment: {
  script: Uint8Array;
  redeemScript?: Uint8Array;
  witnessScript?: Uint8Array;
}): TxInput {
  const before = new Transaction({ allowUnknownInputs: true, allowUnknownOutputs: true });
  before.addInput({ txid: new Uint8Array(32).fill(1), index: 0 });
  before.addOutput({ amount: 50_000n, script: payment.script });
  return {
    txid: before.id,
    index: 0,
    nonWitnessUtxo: before.unsignedTx,
    ...(payment.redeemScript === undefined ? {} : { redeemScript: payment.redeemScript }),
    ...(payment.witnessScript === undefined ? {} : { witnessScript: payment.witnessScript }),
  };
}

const taprootKey = pubSchnorr(secrets[0]!);
const taprootKeys = secrets.map((secret) => pubSchnorr(secret));
/** A tree of two scripts under a key that nobody has: one that two sign, and one of which two of three sign. */
function inTree(wanted: 'all' | 'some'): TxInput {
  const all = p2tr_ns(2, taprootKeys.slice(0, 2));
  const some = p2tr_ms(2, taprootKeys);
  const {
    script,
    tapInternalKey,
    tapMerkleRoot,
    tapLeafScript = [],
  } = p2tr(undefined, [{ script: all[0]!.script }, { script: some.script }]);
  const chosen = wanted === 'all' ? all[0]!.script : some.script;
  const leaf = tapLeafScript.filter(([, leafScript]) => leafScript.length === chosen.length + 1);
  expect(leaf).toHaveLength(1);
  return { ...locked({ script }), tapInternalKey, tapMerkleRoot: tapMerkleRoot!, tapLeafScript: leaf };
}
const FORMS: [string, TxInput][] = [
  ['P2PKH', locked(p2pkh(keys[0]!))],
  ['P2WPKH', locked(p2wpkh(keys[0]!))],
  ['P2WPKH within P2SH', locked(p2sh(p2wpkh(keys[0]!)))],
  ['two of three in P2SH', locked(p2sh(two))],
  ['two of three in P2WSH', locked(p2wsh(two))],
  ['two of three in P2WSH within P2SH', locked(p2sh(p2wsh(two)))],
  ['P2TR by a script that two sign', inTree('all')],
  ['P2TR by a script that two of three sign', inTree('some')],
  ['P2TR by its key', { ...locked(p2tr(taprootKey)), tapInternalKey: taprootKey }],
];
const ours = coin(treasury, 0, 600_000n);

/** The PSBT with the coin signed by its owner, and by the key. */
function signed(theirs: TxInput, allowed?: number[]): Uint8Array {
  const transaction = Transaction.fromPSBT(psbtOf([ours, theirs], [pay(640_000n)]));
  let made = 0;
  for (const secret of secrets) {
    // Two signatures are enough for each of these coins; a third would not fit.
    if (made === 2) break;
    try {
      if (transaction.signIdx(secret, 1, allowed)) made++;
    } catch {
      continue;
    }
  }
  expect(made).toBeGreaterThan(0);
  const parsed = kind.parse(transaction.toPSBT());
  return kind.finish(parsed, treasury.context, kind.tasks(parsed, treasury.context).map(treasury.sign));
}

/** One bit of the signatures of input 1 is another. */
function spoiled(psbt: Uint8Array): Uint8Array {
  const SIGNATURES = [0x02, 0x13, 0x14];
  const spoil = (map: PsbtMap) =>
    map.map(({ key, value }) => {
      if (!SIGNATURES.includes(key[0]!)) return { key, value };
      return { key, value: value.with(20, value[20]! ^ 1) };
    });
  return writePsbtMaps(readPsbtMaps(psbt).map((map, at) => (at === 2 ? spoil(map) : map)));
}

/** As if the key had not signed yet. */
function unsignedByUs(psbt: Uint8Array): Uint8Array {
  return writePsbtMaps(
    readPsbtMaps(psbt).map((map, at) => (at === 1 ? map.filter(({ key }) => key[0] !== 0x13) : map)),
  );
}

/** As a wallet leaves it that finalises what it can. */
function finalised(psbt: Uint8Array): Uint8Array {
  const transaction = Transaction.fromPSBT(psbt);
  transaction.finalizeIdx(1);
  return transaction.toPSBT();
}

describe.each(FORMS)('beside a coin of somebody else: %s', (_, theirs) => {
  const psbt = signed(theirs);

  test('a rightly signed transaction is handed out', () => {
    const judge = Transaction.fromPSBT(psbt);
    judge.finalize();
    expect(finalizeTransaction(psbt).txid).toBe(judge.id);
    expect(finalizeTransaction(finalised(psbt)).txid).toBe(finalizeTransaction(psbt).txid);
  });

  test('one wrong bit in their signature is noticed, and nothing is handed out', () => {
    const wrong = spoiled(psbt);
    for (const one of [wrong, finalised(wrong)]) {
      expect(outcome(() => finalizeTransaction(one))).toBe('PSBT_SIGNATURE_WRONG');
    }
  });

  test('one wrong bit in their signature is noticed before the key signs', () => {
    const wrong = kind.parse(unsignedByUs(spoiled(psbt)));
    expect(foreignSignatureWarnings(wrong, treasury.context)).toEqual([
      {
        code: 'FOREIGN_SIGNATURE_WRONG',
        text: 'the signature of input 1 does not verify: until their owners sign again there is no transaction, whoever else signs',
      },
    ]);
    expect(foreignSignatureWarnings(kind.parse(unsignedByUs(psbt)), treasury.context)).toEqual([]);
    // It is theirs to mend: the key signs all the same.
    const results = kind.tasks(wrong, treasury.context).map(treasury.sign);
    expect(kind.showArtefact(kind.finish(wrong, treasury.context, results)).more).toEqual({});
  });
});

describe('signatures of others that would take too long', () => {
  const theirs = FORMS.find(([name]) => name === 'two of three in P2WSH')![1];
  const psbt = signed(theirs);

  test('are said to be unchecked, before anybody is asked', () => {
    const parsed = kind.parse(unsignedByUs(psbt));
    expect(foreignSignatureWarnings(parsed, treasury.context, createWork(0))).toEqual([
      {
        code: 'FOREIGN_SIGNATURE_UNCHECKED',
        text: 'the signatures of input 1 were not checked: that takes too long; if one is wrong, there is no transaction, whoever else signs',
      },
    ]);
  });

  test.each(FORMS)('are counted before they are checked: %s', (_, given) => {
    const parsed = kind.parse(unsignedByUs(signed(given)));
    let takenMs = 0;
    const counting = {
      take: (ms: number) => {
        takenMs += ms;
        return true;
      },
    };
    expect(foreignSignatureWarnings(parsed, treasury.context, counting)).toEqual([]);
    const again = kind.parse(parsed.psbt);
    const [warning] = foreignSignatureWarnings(again, treasury.context, createWork(takenMs - 0.001));
    expect(warning?.code).toBe('FOREIGN_SIGNATURE_UNCHECKED');
    const exactly = createWork(takenMs + 0.001);
    expect(foreignSignatureWarnings(kind.parse(parsed.psbt), treasury.context, exactly)).toEqual([]);
  });

  test('many of one input are over one digest, which is computed once', () => {
    const large = psbtOf([ours, theirs], [pay(1n), { amount: 1n, script: new Uint8Array(500_000) }]);
    const transaction = Transaction.fromPSBT(large, { allowUnknownOutputs: true });
    for (const secret of secrets.slice(0, 2)) transaction.signIdx(secret, 1);
    const taken: number[] = [];
    const counting = { take: (ms: number) => taken.push(ms) > 0 };
    foreignSignatureWarnings(kind.parse(transaction.toPSBT()), treasury.context, counting);
    expect(taken.filter((ms) => ms > 5)).toHaveLength(1);
  });
});

describe('what cannot be judged is not handed out', () => {
  test('a script that is not one of the usual', () => {
    const inner = decodeHex('51');
    const hash = sha256(inner);
    const script = concatBytes(Uint8Array.of(0, 32), hash);
    const theirs = { txid: txid('anybody'), index: 0, witnessUtxo: { amount: 50_000n, script } };
    const psbt = psbtOf([ours, { ...theirs, finalScriptWitness: [inner] }], [pay(640_000n)]);
    expect(inputsLeftToOthers(psbt, treasury.context)).toEqual([{ at: 1, why: 'uncheckable' }]);
    const parsed = kind.parse(psbt);
    const whole = kind.finish(
      parsed,
      treasury.context,
      kind.tasks(parsed, treasury.context).map(treasury.sign),
    );
    expect(() => finalizeTransaction(whole)).toThrow(
      expect.objectContaining({
        code: 'PSBT_INPUT_UNCHECKABLE',
        message: 'input 1 is locked in a way that cannot be checked here',
      }),
    );
  });

  test('a witness whose script is not the one that locks the coin is wrong', () => {
    const script = concatBytes(Uint8Array.of(0, 32), sha256(decodeHex('52')));
    const theirs = { txid: txid('anybody'), index: 0, witnessUtxo: { amount: 50_000n, script } };
    const psbt = psbtOf([ours, { ...theirs, finalScriptWitness: [decodeHex('51')] }], [pay(640_000n)]);
    expect(inputsLeftToOthers(psbt, treasury.context)).toEqual([{ at: 1, why: 'wrong' }]);
  });

  /** The PSBT whose second input has these final scripts. */
  function unlockedBy(
    theirs: TxInput,
    change: (found: { scriptSig: Uint8Array; witness: Uint8Array[] }) => object,
  ) {
    const transaction = Transaction.fromPSBT(signed(theirs));
    transaction.finalizeIdx(1);
    const { finalScriptSig = new Uint8Array(), finalScriptWitness = [] } = transaction.getInput(1);
    const final = change({ scriptSig: finalScriptSig, witness: finalScriptWitness });
    const { txid: id, index, nonWitnessUtxo } = theirs;
    return psbtOf([ours, { txid: id, index, nonWitnessUtxo, ...final } as TxInput], [pay(640_000n)]);
  }
  const wrong = [{ at: 1, why: 'wrong' }];

  test.each([66, 3_064])(
    'a taproot signature of %i bytes is wrong, whatever its first 64 are',
    { tags: 'slow' },
    (length) => {
      const theirs = FORMS.at(-1)![1];
      const psbt = unlockedBy(theirs, ({ witness }) => ({
        finalScriptWitness: [concatBytes(witness[0]!, new Uint8Array(length - 64))],
      }));
      expect(inputsLeftToOthers(psbt, treasury.context)).toEqual(wrong);
      const right = unlockedBy(theirs, ({ witness }) => ({ finalScriptWitness: witness }));
      expect(inputsLeftToOthers(right, treasury.context)).toEqual([]);
    },
  );

  test('a P2WPKH within P2SH whose script is pushed in a longer way than it may be is wrong', () => {
    const theirs = FORMS.find(([name]) => name === 'P2WPKH within P2SH')![1];
    const psbt = unlockedBy(theirs, ({ scriptSig, witness }) => ({
      finalScriptSig: concatBytes(Uint8Array.of(0x4c), scriptSig),
      finalScriptWitness: witness,
    }));
    expect(inputsLeftToOthers(psbt, treasury.context)).toEqual(wrong);
  });

  test('a taproot signature of another type than all is judged by that type', () => {
    const single = { ...FORMS.at(-1)![1], sighashType: SigHash.ALL_ANYONECANPAY };
    const psbt = signed(single, [SigHash.ALL_ANYONECANPAY]);
    expect(finalizeTransaction(psbt).txid).toMatch(/^[0-9a-f]{64}$/);
    expect(outcome(() => finalizeTransaction(spoiled(psbt)))).toBe('PSBT_SIGNATURE_WRONG');
  });
});
