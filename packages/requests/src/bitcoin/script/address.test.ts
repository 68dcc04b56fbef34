import { decodeHex, encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { expect, test } from 'vitest';
import { scriptHashOf } from './address.js';
import { destinationOf } from './destination.js';

const hash20 = '751e76e8199196d454941c45d1b3a323f1433bd6';
const x = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const SCRIPTS = [
  `76a914${hash20}88ac`,
  `a914${hash20}87`,
  `0014${hash20}`,
  `0020${x}`,
  `5120${x}`,
  `5210${hash20.slice(0, 32)}`,
];

test.each(['bitcoin', 'testnet', 'regtest'] as const)(
  'every address of %s stands for its script',
  (network) => {
    for (const script of SCRIPTS.map(decodeHex)) {
      const found = destinationOf(script, network);
      const address = found.type === 'address' ? found.address : '';
      expect(scriptHashOf(address, network)).toBe(encodeHex(sha256(script)));
    }
  },
);

// Addresses of BIP-173, BIP-350 and of the first block.
test.each([
  ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', `0014${hash20}`],
  ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', `5120${x}`],
  ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac'],
])('%s is known', (address, script) => {
  expect(scriptHashOf(address, 'bitcoin')).toBe(encodeHex(sha256(decodeHex(script))));
});

// Of another network, mistyped, in mixed case, with the wrong checksum for its version, for a point that is none, no address at all.
test.each([
  'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
  '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb',
  'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn',
  '',
  ' ',
  'bc1',
  '1'.repeat(91),
])('%j is not', (address) => {
  expect(scriptHashOf(address, 'bitcoin')).toBeNull();
});
