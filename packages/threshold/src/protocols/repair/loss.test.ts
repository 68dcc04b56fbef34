import { equalBytes, reveal } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { generateKey, stateLoss } from './fixtures/lost-share.js';
import {
  createLoss,
  encodeLoss,
  type Loss,
  type LossStatement,
  lossStatement,
  MAX_LOSS_BYTES,
  parseLoss,
  verifyLoss,
} from './index.js';

const held = generateKey('ed25519', { needed: 2, of: 3 });
const { key, ceremony } = held;
const { loss } = stateLoss(held, 2);
const verdict = (changed: LossStatement, of = key) => codeOf(() => verifyLoss(of, changed));

/** Signs anew, after a test changed something that the identity of the slot vouches for. */
function vouched(changed: Loss, slot = 2): LossStatement {
  const signature = ed25519.sign(lossStatement(changed), ceremony.servers[slot - 1]!.identitySecret);
  return { ...changed, signature };
}

it.each(SUITE_NAMES)('a statement of suite %s survives its codec, and is believed', (suite) => {
  const other = generateKey(suite, { needed: 2, of: 2 });
  const stated = stateLoss(other, 1).loss;
  const bytes = encodeLoss(suite, stated);
  expect(parseLoss(suite, bytes)).toEqual(stated);
  expect(bytes.length).toBeLessThanOrEqual(MAX_LOSS_BYTES);
  expect(verdict(parseLoss(suite, bytes), other.key)).toBe('nothing thrown');
  for (const at of bytes.keys()) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    expect(
      codeOf(() => verifyLoss(other.key, parseLoss(suite, changed))),
      `byte ${at}`,
    ).not.toBe('nothing thrown');
  }
});

describe('L6, V30: a statement of loss is not believed', () => {
  it('when another server signed it, a stranger, or nobody', () => {
    const { signature: _, ...unsigned } = loss;
    expect(verdict(vouched(unsigned))).toBe('nothing thrown');
    expect(verdict(vouched(unsigned, 3))).toBe('LOSS_STATEMENT_INVALID');
    const stranger = ed25519.sign(lossStatement(loss), bytesOf('a stranger'));
    expect(verdict({ ...loss, signature: stranger })).toBe('LOSS_STATEMENT_INVALID');
    expect(verdict({ ...loss, signature: new Uint8Array(64) })).toBe('LOSS_STATEMENT_INVALID');
  });

  it.each([
    ['key', { keyId: bytesOf('another key') }],
    ['epoch', { epoch: 1 }],
    ['transcript', { transcriptHash: bytesOf('another transcript') }],
    ['nonce than its sealing key was proved for', { nonce: bytesOf('another nonce') }],
    ['sealing key than was proved', { sealingKey: key.public.groupKey }],
    ['sealing key, which is no element', { sealingKey: new Uint8Array(32).fill(0xff) }],
    ['sealing key, the identity', { sealingKey: Uint8Array.of(1, ...new Uint8Array(31)) }],
  ])('for another %s, although the certified identity signed it', (_, change) => {
    expect(verdict(vouched({ ...loss, ...change }))).toBe('LOSS_STATEMENT_INVALID');
  });

  it.each([
    ['key', { ...key, params: { ...key.params, keyId: bytesOf('another key') } }],
    ['epoch', { ...key, params: { ...key.params, epoch: 1 } }],
    ['transcript', { ...key, transcriptHash: bytesOf('another transcript') }],
  ])('of another %s, although it is whole, proved and signed there', (_, elsewhere) => {
    const made = vouched(createLoss(elsewhere, 2 as PartyIndex, bytesOf('seed')).loss);
    expect(verdict(made, elsewhere)).toBe('nothing thrown');
    expect(verdict(made)).toBe('LOSS_STATEMENT_INVALID');
  });

  it('for the slot of another, although both are in the roster', () => {
    expect(verdict(vouched({ ...loss, slot: 3 as PartyIndex }))).toBe('LOSS_STATEMENT_INVALID');
    const asThird = vouched({ ...loss, slot: 3 as PartyIndex }, 3);
    // Signed by its own identity, with a sealing key that was proved for slot 2.
    expect(verdict(asThird)).toBe('LOSS_STATEMENT_INVALID');
  });

  it('V1: at x = 0, where the key itself lies, and at slots that the roster does not have', () => {
    const at = (slot: number) => verdict(vouched({ ...loss, slot: slot as PartyIndex }));
    expect(at(0)).toBe('PARTY_INDEX_INVALID');
    expect(at(4)).toBe('PARTY_UNKNOWN');
    expect([-1, 65_536, 1.5].map((slot) => verdict({ ...loss, slot: slot as PartyIndex }))).toEqual(
      Array.from({ length: 3 }, () => 'LAYOUT_INVALID'),
    );
    expect(codeOf(() => createLoss(key, 0 as PartyIndex, bytesOf('seed')))).toBe('PARTY_INDEX_INVALID');
  });

  it('with a field of another type or length', () => {
    const short = new Uint8Array(31);
    const changes = {
      keyId: short,
      transcriptHash: short,
      nonce: short,
      sealingKey: short,
      sealingProof: short,
    };
    for (const [field, value] of Object.entries({ ...changes, signature: short, epoch: -1 }))
      expect(verdict({ ...loss, [field]: value }), field).toBe('LAYOUT_INVALID');
    expect(verdict(null as never)).toBe('LAYOUT_INVALID');
    expect(codeOf(() => encodeLoss('ed25519', { ...loss, nonce: short }))).toBe('LAYOUT_INVALID');
  });
});

it('a statement is fresh with every seed, and its secret is in nothing that is sent', () => {
  const first = createLoss(key, 2 as PartyIndex, bytesOf('first'));
  const second = createLoss(key, 2 as PartyIndex, bytesOf('second'));
  expect(first.loss.sealingKey).not.toEqual(second.loss.sealingKey);
  expect(first.loss.nonce).not.toEqual(second.loss.nonce);
  const opened = reveal(first.sealingSecret, 'test');
  expect(
    Object.values(first.loss).some((field) => field instanceof Uint8Array && equalBytes(field, opened)),
  ).toBe(false);
  expect(codeOf(() => createLoss(key, 2 as PartyIndex, new Uint8Array(32)))).toBe('SEED_INVALID');
});
