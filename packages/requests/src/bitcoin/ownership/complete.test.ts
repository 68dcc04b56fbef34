import { concatBytes, encodeHex } from '@ckm/foundation';
import { p2tr } from '@scure/btc-signer';
import { describe, expect, test } from 'vitest';
import { bitcoinKey, type KnownKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, derivation, pay, psbtOf, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import { completePsbt } from './complete.js';
import { finalizeTransaction, inputsLeftToOthers } from '../signing/finalize.js';
import { bitcoinKind } from '../index.js';
import { BITCOIN_MAX_BYTES } from '../psbt/parse.js';
import { readPsbtMaps, writePsbtMaps } from '../psbt/psbt-maps.js';
import { bitcoinAddress } from '../wallet/wallet.js';

const kind = bitcoinKind;
const treasury = bitcoinKey();
const stranger = bitcoinKey('stranger', 'mallory');
const input = coin(treasury, 3, 1_000_000n);
const bareCoin = (index: number, sats = 1_000_000n): TxInput => {
  const { txid: id, index: at, witnessUtxo } = coin(treasury, index, sats);
  return { txid: id, index: at, witnessUtxo };
};
const bareChange = (index: number, chain: 'receive' | 'change' = 'change', sats = 99_000n): TxOutput => {
  const { script, amount } = back(treasury, index, sats, chain);
  return { script, amount };
};

function told(psbt: Uint8Array, key: KnownKey['context'] = treasury.context) {
  return kind.describe(kind.parse(completePsbt(psbt, key)), key);
}
const changeNote = (psbt: Uint8Array) => told(psbt).rows.find(({ label }) => label === 'Change')?.note;

describe('what a wallet left out, its owner adds before anybody is asked', () => {
  test.each([
    ['change', 0, 'change #0, recomputed'],
    ['change', 7, 'change #7, recomputed'],
    ['receive', 19, 'address #19, recomputed'],
  ] as const)('an unclaimed output to %s #%i is change', (chain, index, note) => {
    expect(changeNote(psbtOf([input], [pay(900_000n), bareChange(index, chain)]))).toBe(note);
  });

  test('an unclaimed output to the last address that is looked at is change', { tags: 'slow' }, () => {
    expect(changeNote(psbtOf([input], [pay(900_000n), bareChange(999)]))).toBe('change #999, recomputed');
    expect(changeNote(psbtOf([input], [pay(900_000n), bareChange(1_000)]))).toBeUndefined();
  });

  test('nothing but the derivation is added: whoever does not know the key reads it from the request alone', () => {
    const psbt = psbtOf([input], [pay(900_000n), bareChange(7)]);
    const maps = readPsbtMaps(completePsbt(psbt, treasury.context));
    const whole = readPsbtMaps(psbtOf([input], [pay(900_000n), back(treasury, 7, 99_000n)]));
    const sorted = (map: (typeof maps)[number]) =>
      map.map(({ key, value }) => `${encodeHex(key)} ${encodeHex(value)}`).toSorted();
    expect(maps.map(sorted)).toEqual(whole.map(sorted));
  });

  test('a claim about it that leads nowhere is replaced', () => {
    const own = bitcoinAddress(treasury.context.public, 'change', 7);
    const lost = { ...bareChange(7), ...derivation({ ...own, fingerprint: 0xabcdef01, path: [9, 9] }) };
    expect(changeNote(psbtOf([input], [pay(900_000n), lost]))).toBe('change #7, recomputed');
  });

  test('coins that are claimed by nobody are spent as the key’s, and the transaction is whole', () => {
    const psbt = psbtOf([bareCoin(0), bareCoin(5)], [pay(1_900_000n), bareChange(2)]);
    expect(inputsLeftToOthers(psbt, treasury.context)).toEqual([]);
    const parsed = kind.parse(completePsbt(psbt, treasury.context));
    const { rows } = kind.describe(parsed, treasury.context);
    expect(rows.find(({ label }) => label === 'From')).toEqual({
      label: 'From',
      value: '0.02000000 BTC',
      note: '2 coins',
    });
    const results = kind.tasks(parsed, treasury.context).map(treasury.sign);
    expect(finalizeTransaction(kind.finish(parsed, treasury.context, results)).txid).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  test('a coin of the key that is passed off as somebody else’s counts as the key’s', () => {
    const { sentence } = told(
      psbtOf([input, bareCoin(4, 5_000_000n)], [pay(5_900_000n), back(treasury, 0, 99_000n)]),
    );
    expect(sentence).not.toContain('of others');
  });

  test('completePsbt claims nothing of a stranger, nor of what only looks alike', () => {
    const theirs = bitcoinAddress(stranger.context.public, 'change', 0);
    const outputs = [pay(800_000n), { amount: 50_000n, script: theirs.script }, back(treasury, 1, 149_000n)];
    const psbt = psbtOf([input], outputs);
    expect(completePsbt(psbt, treasury.context)).toEqual(psbt);
    // Our key with scripts beside it: not ours alone.
    const { internalKey } = bitcoinAddress(treasury.context.public, 'change', 1);
    const tree = p2tr(internalKey, {
      script: concatBytes(Uint8Array.of(0x20), theirs.internalKey, Uint8Array.of(0xac)),
    });
    const shared = psbtOf([input], [pay(800_000n), { amount: 199_000n, script: tree.script }]);
    expect(completePsbt(shared, treasury.context)).toEqual(shared);
  });

  test('completePsbt leaves what cannot be read, and what lies about the key, for whoever reads it', () => {
    expect(completePsbt(Uint8Array.of(1, 2, 3), treasury.context)).toEqual(Uint8Array.of(1, 2, 3));
    const own = bitcoinAddress(treasury.context.public, 'change', 14);
    const lie = { amount: 99_000n, script: bareChange(15).script, ...derivation(own) };
    const psbt = psbtOf([input], [pay(900_000n), lie as TxOutput]);
    expect(() => told(psbt)).toThrow(expect.objectContaining({ code: 'PSBT_OUTPUT_PATH_FALSE' }));
  });
});

describe('a coin of the key that claims something else beside its path', () => {
  const other = coin(treasury, 4, 5_000_000n);
  const outputs = [pay(5_900_000n), back(treasury, 0, 99_000n)];
  const withLeaf = (given: TxInput, path?: number[]): TxInput => ({
    ...given,
    tapBip32Derivation: given.tapBip32Derivation!.map(([publicKey, { der }]) => [
      publicKey,
      { hashes: [new Uint8Array(32)], der: { ...der, path: path ?? der.path } },
    ]),
  });
  const { tapInternalKey, ...withoutInternalKey } = withLeaf(other);
  const refusal = (psbt: Uint8Array) => outcome(() => kind.describe(kind.parse(psbt), treasury.context));
  const ecdsa = {
    ...bareCoin(4, 5_000_000n),
    bip32Derivation: [
      [concatBytes(Uint8Array.of(2), tapInternalKey!), other.tapBip32Derivation![0]![1].der],
    ] as never,
  };

  test.each<[string, TxInput]>([
    ['a leaf of a script', withLeaf(other)],
    ['a leaf of a script, and no internal key', withoutInternalKey],
    ['the internal key of another coin', { ...other, tapInternalKey: input.tapInternalKey! }],
    ['a tree of scripts, its key named in the ECDSA field', { ...ecdsa, tapMerkleRoot: new Uint8Array(32) }],
  ])('%s, is refused by its owner and by each server: it is nobody else’s', (_, hidden) => {
    const psbt = psbtOf([input, hidden], outputs);
    expect(refusal(psbt)).toBe('PSBT_INPUT_OWNER_HIDDEN');
    expect(refusal(completePsbt(psbt, treasury.context))).toBe('PSBT_INPUT_OWNER_HIDDEN');
  });

  test('another key of ours in a leaf of a script, is looked for by its owner all the same', () => {
    const { tapBip32Derivation, tapInternalKey: key9 } = coin(treasury, 9, 1n);
    const another = withLeaf({ ...other, tapBip32Derivation: tapBip32Derivation!, tapInternalKey: key9! });
    const psbt = psbtOf([input, another], outputs);
    expect(refusal(completePsbt(psbt, treasury.context))).toBe('PSBT_TOO_MANY_PARTS');
  });

  test('cannot be stolen by two requests that each hide the coin of the other', () => {
    const hidesOne = [psbtOf([input, withLeaf(other)], outputs), psbtOf([withLeaf(input), other], outputs)];
    expect(hidesOne.map(refusal)).toEqual(['PSBT_INPUT_OWNER_HIDDEN', 'PSBT_INPUT_OWNER_HIDDEN']);
  });
});

describe('a PSBT so long that nothing can be added to it', () => {
  /** With a record that nobody reads, so that it is as long as a PSBT may be. */
  function padded(psbt: Uint8Array): Uint8Array {
    const maps = readPsbtMaps(psbt).map((map) => [...map]);
    const room = BITCOIN_MAX_BYTES - psbt.length - 7;
    maps.at(-1)!.push({ key: Uint8Array.of(0xf0), value: new Uint8Array(room) });
    return writePsbtMaps(maps);
  }
  const hides = padded(
    psbtOf([input, bareCoin(4, 5_000_000n)], [pay(5_900_000n), back(treasury, 0, 99_000n)]),
  );

  test('is refused when it hides a coin of the key: padding does not keep it from being told', () => {
    expect(hides).toHaveLength(BITCOIN_MAX_BYTES);
    expect(outcome(() => completePsbt(hides, treasury.context))).toBe('PAYLOAD_TOO_LARGE');
  });

  test('is refused when the network of its owner has no room in it', () => {
    const whole = padded(psbtOf([input], [pay(900_000n), back(treasury, 0, 99_000n)]));
    expect(completePsbt(whole, treasury.context)).toEqual(whole);
    const regtest = { ...treasury.context, network: 'regtest' as const };
    expect(outcome(() => completePsbt(whole, regtest))).toBe('PAYLOAD_TOO_LARGE');
  });

  test('loses the name of a network that is not its owner’s', () => {
    const psbt = psbtOf([input], [pay(900_000n), back(treasury, 0, 99_000n)]);
    const named = completePsbt(psbt, { ...treasury.context, network: 'testnet' });
    expect(completePsbt(padded(named), treasury.context)).toHaveLength(
      BITCOIN_MAX_BYTES - (named.length - psbt.length),
    );
  });
});

describe('the network on which the owner uses the key', () => {
  const regtest = { ...treasury.context, network: 'regtest' as const };
  const { network: _, ...serverContext } = { ...treasury.context, network: undefined };
  const psbt = psbtOf([input], [pay(900_000n), back(treasury, 7, 99_000n)]);

  test('is said in the request, so that servers show the addresses of it', () => {
    const request = completePsbt(psbt, regtest);
    const shown = kind.describe(kind.parse(request), serverContext);
    expect({ ...shown, warnings: [] }).toEqual(kind.describe(kind.parse(request), regtest));
    expect(shown.sentence).toContain('bcrt1q');
  });

  test('is warned of where only the request names it, and takes no warning of a lock away', () => {
    const locked = psbtOf([{ ...input, sequence: 0xfffffffe }], [pay(900_000n), back(treasury, 7, 99_000n)], {
      lockTime: 3_000_000,
    });
    const now = 1_795_953_600;
    const told = (named: Uint8Array, key: KnownKey['context']) =>
      kind.describe(kind.parse(named), { ...key, now }).warnings;
    const lock = { code: 'LOCKTIME', text: 'it cannot be mined before block 3,000,001' };
    const claimed = {
      code: 'NETWORK_CLAIMED',
      text: 'addresses are written as on regtest because the request says so; the signature is valid on the main network too',
    };
    expect(told(locked, serverContext)).toEqual([lock]);
    expect(told(completePsbt(locked, regtest), serverContext)).toEqual([claimed, lock]);
    expect(told(completePsbt(locked, regtest), regtest)).toEqual([]);
  });

  test('is not said of the main network, and a request cannot name another one against its owner', () => {
    expect(completePsbt(psbt, treasury.context)).toEqual(psbt);
    const lying = completePsbt(psbt, regtest);
    const mainnet = { ...treasury.context, network: 'bitcoin' as const };
    expect(told(lying, mainnet).sentence).toContain(' bc1q');
    expect(completePsbt(lying, mainnet)).toEqual(psbt);
  });

  test('does not stand in what is handed out', () => {
    const parsed = kind.parse(completePsbt(psbt, regtest));
    const results = kind.tasks(parsed, regtest).map(treasury.sign);
    const [global] = readPsbtMaps(kind.finish(parsed, regtest, results));
    expect(global).toEqual(readPsbtMaps(psbt)[0]);
  });
});

test('change far beyond every address that is known to be used is warned of, until its owner knows it', () => {
  const psbt = psbtOf([input], [pay(900_000n), back(treasury, 299, 99_000n)]);
  const codes = (key: KnownKey['context']) => told(psbt, key).warnings.map(({ code }) => code);
  expect(codes(treasury.context)).toEqual(['CHANGE_INDEX_FAR']);
  expect(codes({ ...treasury.context, usedIndex: { change: 278 } })).toEqual(['CHANGE_INDEX_FAR']);
  expect(codes({ ...treasury.context, usedIndex: { change: 279 } })).toEqual([]);
  const used = coin(treasury, 290, 1_000_000n, 'change');
  const spends = psbtOf([used], [pay(900_000n), back(treasury, 299, 99_000n)]);
  expect(told(spends).warnings).toEqual([]);
});

test('a coin far ahead, or the other chain, does not silence the warning of change far ahead', () => {
  const far = coin(treasury, 2_000_000_000, 1_000_000n, 'change');
  const codes = (psbt: Uint8Array, usedIndex: NonNullable<KnownKey['context']['usedIndex']>) =>
    told(psbt, { ...treasury.context, usedIndex }).warnings.map(({ code }) => code);
  const beside = psbtOf([input, far], [pay(900_000n), back(treasury, 2_000_000_001, 1_099_000n)]);
  expect(codes(beside, { change: 2 })).toEqual(['CHANGE_INDEX_FAR']);
  const psbt = psbtOf([input], [pay(900_000n), back(treasury, 299, 99_000n)]);
  expect(codes(psbt, { receive: 299, change: 2 })).toEqual(['CHANGE_INDEX_FAR']);
});
