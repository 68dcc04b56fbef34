import { reveal, secret } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../protocols/dkg/fixtures/parties.js';
import { generateKey, type HeldKey } from '../protocols/repair/fixtures/lost-share.js';
import type { PartyIndex } from '../protocol/contract.js';
import { codeOf } from '../test/code-of.js';
import { combineShares, exportStatement, type ExportOrder, hashExport, verifyExportYeses } from './export.js';

const ORDER: ExportOrder = { exportId: bytesOf('export'), recipient: bytesOf('recipient') };
const held = generateKey('ed25519', { needed: 2, of: 3 }, 'export');

const yesOf = (from: HeldKey, slot: number, order = ORDER, key = from.key) => ({
  slot: slot as PartyIndex,
  signature: ed25519.sign(exportStatement(key, order, slot), from.ceremony.servers[slot - 1]!.identitySecret),
});
const shareOf = ({ shares }: HeldKey, slot: number) => ({
  slot: slot as PartyIndex,
  share: shares[slot - 1]!.share,
});
const judged = (yeses: Parameters<typeof verifyExportYeses>[2], order = ORDER) =>
  codeOf(() => verifyExportYeses(held.key, order, yeses));

describe('verifyExportYeses', () => {
  test('takes as many signed yeses to one export as the quorum needs, of whichever servers', () => {
    expect(judged([yesOf(held, 1), yesOf(held, 3)])).toBe('nothing thrown');
    expect(judged([yesOf(held, 1), yesOf(held, 2), yesOf(held, 3)])).toBe('nothing thrown');
  });

  test('refuses one fewer, one server twice, and slots that the key does not have', () => {
    expect(judged([yesOf(held, 1)])).toBe('PARTY_COUNT_INVALID');
    expect(judged([])).toBe('PARTY_COUNT_INVALID');
    expect(judged([yesOf(held, 1), yesOf(held, 1)])).toBe('PARTY_DUPLICATE');
    expect(judged([yesOf(held, 1), { ...yesOf(held, 2), slot: 4 as PartyIndex }])).toBe('PARTY_UNKNOWN');
  });

  test('refuses yeses to another id or another recipient, alone and mixed with right ones', () => {
    const otherId = { ...ORDER, exportId: bytesOf('another export') };
    const otherRecipient = { ...ORDER, recipient: bytesOf('mallory') };
    for (const other of [otherId, otherRecipient]) {
      expect(judged([yesOf(held, 1), yesOf(held, 2)], other)).toBe('EXPORT_NOT_AGREED');
      expect(judged([yesOf(held, 1), yesOf(held, 2, other)])).toBe('EXPORT_NOT_AGREED');
    }
  });

  test('refuses yeses of another epoch, of another key, and a signature put under another slot', () => {
    const before = { ...held.key, transcriptHash: bytesOf('the epoch before') };
    const later = { ...held.key, params: { ...held.key.params, epoch: 1 } };
    for (const key of [before, later])
      expect(judged([yesOf(held, 1), yesOf(held, 2, ORDER, key)])).toBe('EXPORT_NOT_AGREED');
    const stranger = generateKey('ed25519', { needed: 2, of: 3 }, 'stranger');
    expect(judged([yesOf(held, 1), yesOf(stranger, 2)])).toBe('EXPORT_NOT_AGREED');
    const moved = { ...yesOf(held, 1), slot: 2 as PartyIndex };
    expect(judged([yesOf(held, 3), moved])).toBe('EXPORT_NOT_AGREED');
  });

  test('an order with an id or recipient that is not 32 bytes names nothing', () => {
    const epoch = { keyId: held.key.params.keyId, epoch: 0, transcriptHash: held.key.transcriptHash };
    for (const change of [{ exportId: new Uint8Array(31) }, { recipient: new Uint8Array(33) }])
      expect(codeOf(() => hashExport(epoch, { ...ORDER, ...change }))).toBe('LAYOUT_INVALID');
  });
});

describe('combineShares', () => {
  test.each([
    ['P-256', (scalar: Uint8Array) => p256.getPublicKey(scalar, true)],
    ['secp256k1', (scalar: Uint8Array) => secp256k1.getPublicKey(scalar, true)],
    ['secp256k1-tr', (scalar: Uint8Array) => secp256k1.getPublicKey(scalar, true)],
    [
      'ed25519',
      (scalar: Uint8Array) =>
        ed25519.Point.BASE.multiply(
          BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`),
        ).toBytes(),
    ],
  ] as const)(
    'gives the %s key whose public half other software computes, from any quorum',
    (suite, publicKey) => {
      const made = generateKey(suite, { needed: 2, of: 3 }, 'export');
      const pairs = [
        [1, 2],
        [1, 3],
        [3, 2],
      ] as const;
      const scalars = pairs.map((pair) => {
        const combined = combineShares(
          made.key,
          pair.map((slot) => shareOf(made, slot)),
        );
        return reveal(combined, 'compare a key of a test');
      });
      for (const scalar of scalars) expect(publicKey(scalar)).toEqual(made.key.public.groupKey);
      expect(scalars[1]).toEqual(scalars[0]);
    },
  );

  test('refuses fewer shares than the quorum needs, one twice, and one that is not the certified one', () => {
    expect(codeOf(() => combineShares(held.key, [shareOf(held, 1)]))).toBe('PARTY_COUNT_INVALID');
    expect(codeOf(() => combineShares(held.key, [shareOf(held, 1), shareOf(held, 1)]))).toBe(
      'PARTY_DUPLICATE',
    );
    const wrong = { ...shareOf(held, 2), slot: 3 as PartyIndex };
    expect(codeOf(() => combineShares(held.key, [shareOf(held, 1), wrong]))).toBe('SHARE_NOT_CERTIFIED');
    const garbage = { slot: 2 as PartyIndex, share: secret(new Uint8Array(32).fill(0xff)) };
    expect(codeOf(() => combineShares(held.key, [shareOf(held, 1), garbage]))).toBe('SCALAR_INVALID');
  });
});
