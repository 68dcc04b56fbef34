import { concatBytes, decodeHex } from '@ckm/foundation';
import { p2tr } from '@scure/btc-signer';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { withChecksum } from './descriptor-checksum.js';
import { destinationOf } from '../script/destination.js';
import {
  bitcoinAddress,
  bitcoinDescriptor,
  bitcoinPublicForm,
  bitcoinXpub,
  keyFingerprint,
  taprootKeys,
} from './wallet.js';

const key = bitcoinKey().context.public;

describe('the wallet of a key', () => {
  test('has the addresses that btc-signer makes of its internal keys', () => {
    for (const [chain, index] of [
      ['receive', 0],
      ['receive', 1],
      ['change', 0],
      ['change', 0x7fffffff],
    ] as const) {
      const address = bitcoinAddress(key, chain, index);
      expect(address.address).toBe(p2tr(address.internalKey).address);
      expect(address.path).toEqual([chain === 'receive' ? 0 : 1, index]);
      expect(bitcoinAddress(key, chain, index, 'regtest').address).toMatch(/^bcrt1p/);
    }
  });

  test('has BIP-86-like addresses of a published extended key', () => {
    // BIP-86 vectors: account xpub m/86'/0'/0' of the "abandon … about" seed.
    const account = {
      ...key,
      groupKey: decodeHex('03418278a2885c8bb98148158d1474634097a179c642f23cf1cc04da629ac6f0fb'),
      chainCode: decodeHex('c61a8f27e98182314d2444da3e600eb5836ec8ad183c86c311f95df8082b18aa'),
    };
    expect(bitcoinAddress(account, 'receive', 0).address).toBe(
      'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    );
    expect(bitcoinAddress(account, 'receive', 1).address).toBe(
      'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh',
    );
    expect(bitcoinAddress(account, 'change', 0).address).toBe(
      'bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7',
    );
  });

  test('is exported as an extended public key and a descriptor with checksum', () => {
    expect(bitcoinXpub(key)).toMatch(/^xpub661MyMwAqRbc/);
    expect(bitcoinXpub(key, 'signet')).toMatch(/^tpubD6NzVbkrYhZ4/);
    const fingerprint = keyFingerprint(key).toString(16).padStart(8, '0');
    expect(bitcoinDescriptor(key)).toMatch(
      new RegExp(
        `^tr\\(\\[${fingerprint}\\]${bitcoinXpub(key)}/<0;1>/\\*\\)#[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{8}$`,
      ),
    );
  });

  test('is exported also as two descriptors, one for each chain, with checksums of their own', () => {
    const { value, parts } = bitcoinPublicForm(bitcoinKey().context);
    expect(Object.keys(parts!)).toEqual(['receive', 'change']);
    for (const [chain, number] of Object.entries({ receive: '0', change: '1' })) {
      const [whole] = value.split('#') as [string];
      expect(parts![chain]).toBe(withChecksum(whole.replace('<0;1>', number)));
    }
  });

  test('bitcoinAddress refuses an index that is not a number from 0 to 2147483647', () => {
    for (const index of [-1, 0.5, 2 ** 31, Number.NaN]) {
      expect(outcome(() => bitcoinAddress(key, 'receive', index))).toBe('ADDRESS_INDEX_INVALID');
    }
  });

  test('derives the x coordinate only, whichever sign the derived key has', () => {
    const parities = new Set<number>();
    for (let index = 0; index < 16; index++) {
      const { internalKey, outputKey } = taprootKeys(key, [0, index]);
      expect(concatBytes(p2tr(internalKey).tweakedPubkey)).toEqual(outputKey);
      parities.add(outputKey[0]! & 1);
    }
    expect(parities.size).toBe(2);
  });
});

describe('a descriptor’s checksum', () => {
  test('is that of the examples of BIP-380 and BIP-386', () => {
    expect(withChecksum('raw(deadbeef)')).toBe('raw(deadbeef)#89f8spxm');
    expect(withChecksum('addr(mkmZxiEcEd8ZqjQWVZuC6so5dFMKEFpN2j)')).toBe(
      'addr(mkmZxiEcEd8ZqjQWVZuC6so5dFMKEFpN2j)#02wpgw69',
    );
  });

  test('refuses letters that no descriptor has', () => {
    expect(outcome(() => withChecksum('raw(ü)'))).toBe('DESCRIPTOR_INVALID');
  });
});

describe('an output script', () => {
  test.each([
    [`76a914${'00'.repeat(20)}88ac`, '1111111111111111111114oLvT2'],
    [`a914${'00'.repeat(20)}87`, '31h1vYVSYuKP6AhS86fbRdMw9XHieotbST'],
    ['0014751e76e8199196d454941c45d1b3a323f1433bd6', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    [
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    ],
    [
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
      'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
    ],
  ])('%s is %s', (script, address) => {
    expect(destinationOf(decodeHex(script))).toMatchObject({ type: 'address', address });
  });
});
