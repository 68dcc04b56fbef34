import { encodeUtf8, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../group/index.js';
import { verifyEqualLogs, verifyKnowledge } from '../proofs/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import { bytesOf, createCeremony } from '../protocols/dkg/fixtures/parties.js';
import { outputOf, runCeremony } from '../protocols/dkg/fixtures/rogue.js';
import { verifySignature } from '../protocols/frost/index.js';
import { codeOf } from '../test/code-of.js';
import type { PublicEpoch } from './certified-epoch.js';
import { type KeyCheckQuestion, proveShare, verifyShareProof } from './key-check.js';
import { groupOfSuite, SUITE_NAMES, type SuiteName } from './cocktail/suite-name.js';

const fresh = bytesOf('fresh randomness of a proof');
const question: KeyCheckQuestion = {
  slot: 2 as PartyIndex,
  challenge: bytesOf('challenge'),
  askedAt: 1_800_000_000,
};

function makeKey(suite: SuiteName, label = 'checked') {
  const run = runCeremony(createCeremony(suite, { needed: 2, of: 3 }, label));
  const { certificate, transcriptHash, share } = outputOf(run, 2);
  const key: PublicEpoch = { params: certificate.params, transcriptHash, public: share.public };
  return { key, share: share.share };
}

describe.each(SUITE_NAMES)('a key check of suite %s', (suite) => {
  const { key, share } = makeKey(suite);
  const proof = proveShare(key, question, share, fresh);

  it('proveShare shows that a server holds its certified share, anew each time', () => {
    expect(verifyShareProof(key, question, proof)).toBe(true);
    const again = proveShare(key, question, share, bytesOf('other randomness'));
    expect(verifyShareProof(key, question, again)).toBe(true);
    expect(again).not.toEqual(proof);
  });

  it('verifyShareProof refuses a proof with any byte changed, cut short or made longer', () => {
    for (const at of proof.keys()) {
      const changed = proof.slice();
      changed[at]! ^= 1;
      expect(verifyShareProof(key, question, changed)).toBe(false);
    }
    for (const other of [proof.subarray(1), Uint8Array.of(...proof, 0), new Uint8Array(), 'proof' as never])
      expect(verifyShareProof(key, question, other)).toBe(false);
  });

  it('the proof is no signature of the suite, by the key or by the share, over anything the asker chose', () => {
    const { groupKey, verifyingShares } = key.public;
    const messages = [
      new Uint8Array(),
      question.challenge,
      key.transcriptHash,
      encodeUtf8('CKM/key/check/v1'),
    ];
    // BIP-340 signatures are two times 32 bytes: R without the byte of its sign.
    const signature = suite === 'secp256k1-tr' ? proof.subarray(1) : proof;
    const keys = [groupKey, ...verifyingShares].map((bytes) =>
      suite === 'secp256k1-tr' ? bytes.subarray(1) : bytes,
    );
    for (const publicKey of keys) {
      for (const message of messages)
        expect(verifySignature(suite, publicKey, message, signature)).toBe(false);
    }
  });
});

describe('V12: a proof of a share is worth nothing', () => {
  const { key, share } = makeKey('ed25519');
  const proof = proveShare(key, question, share, fresh);
  const swapped = (field: 'serverId' | 'identityKey') => ({
    ...key.params,
    roster: key.params.roster.map((entry, i) => (i === 1 ? { ...entry, [field]: bytesOf(field) } : entry)),
  });

  it.each([
    ['challenge', key, { ...question, challenge: bytesOf('another challenge') }],
    ['time of asking', key, { ...question, askedAt: question.askedAt + 1 }],
    ['slot', key, { ...question, slot: 1 as PartyIndex }],
    ['key', { ...key, params: { ...key.params, keyId: bytesOf('another key') } }, question],
    ['epoch', { ...key, params: { ...key.params, epoch: 1 } }, question],
    ['transcript', { ...key, transcriptHash: bytesOf('another transcript') }, question],
    ['server', { ...key, params: swapped('serverId') }, question],
  ] as const)('for another %s', (_, otherKey, otherQuestion) => {
    expect(verifyShareProof(otherKey, otherQuestion, proof)).toBe(false);
  });

  it('for another suite of the same group', () => {
    const plain = makeKey('secp256k1');
    const made = proveShare(plain.key, question, plain.share, fresh);
    const asTaproot: PublicEpoch = {
      ...plain.key,
      params: { ...plain.key.params, suite: 'secp256k1-tr' },
    };
    expect(verifyShareProof(plain.key, question, made)).toBe(true);
    expect(verifyShareProof(asTaproot, question, made)).toBe(false);
  });

  it('for another slot with the same public share, or inside another context', () => {
    const [, , third] = key.public.verifyingShares;
    const doubled = { ...key, public: { ...key.public, verifyingShares: [third!, third!, third!] } };
    const other = proveShare(doubled, { ...question, slot: 3 as PartyIndex }, makeKeyShare(3), fresh);
    expect(verifyShareProof(doubled, { ...question, slot: 3 as PartyIndex }, other)).toBe(true);
    expect(verifyShareProof(doubled, question, other)).toBe(false);
    const group = groupNamed(groupOfSuite('ed25519'));
    const publicElement = group.decode(key.public.verifyingShares[1]!);
    const statement = { context: question.challenge, prover: question.slot, publicElement };
    expect(verifyKnowledge(group, statement, proof)).toBe(false);
    const pair = { input: publicElement, output: publicElement };
    const equalLogs = { context: question.challenge, publicElement, pairs: [pair] };
    expect(verifyEqualLogs(group, equalLogs, proof)).toBe(false);
  });

  function makeKeyShare(party: number) {
    return outputOf(runCeremony(createCeremony('ed25519', { needed: 2, of: 3 }, 'checked')), party).share
      .share;
  }
});

describe('proveShare', () => {
  const { key, share } = makeKey('ed25519');

  it('refuses a share that is not the certified one, so that a damaged disk is told from a lie', () => {
    const other = makeKey('ed25519', 'another key').share;
    expect(codeOf(() => proveShare(key, question, other, fresh))).toBe('SHARE_NOT_CERTIFIED');
    const elsewhere = { ...question, slot: 1 as PartyIndex };
    expect(codeOf(() => proveShare(key, elsewhere, share, fresh))).toBe('SHARE_NOT_CERTIFIED');
    const overflow = secret(new Uint8Array(32).fill(0xff));
    expect(codeOf(() => proveShare(key, question, overflow, fresh))).toBe('SCALAR_INVALID');
  });

  it('V1: refuses slot 0 and slots that the roster does not have', () => {
    const at = (slot: number) =>
      codeOf(() => proveShare(key, { ...question, slot: slot as PartyIndex }, share, fresh));
    expect([0, -1, 65_536, 1.5].map(at)).toEqual(Array.from({ length: 4 }, () => 'PARTY_INDEX_INVALID'));
    expect(at(4)).toBe('PARTY_UNKNOWN');
  });

  it('refuses a question without a challenge or a time, and randomness that is none', () => {
    const ask = (changed: object) => codeOf(() => proveShare(key, { ...question, ...changed }, share, fresh));
    expect(ask({ challenge: new Uint8Array(31) })).toBe('LAYOUT_INVALID');
    expect([-1, 2 ** 32, 0.5, Number.NaN].map((askedAt) => ask({ askedAt }))).toEqual(
      Array.from({ length: 4 }, () => 'LAYOUT_INVALID'),
    );
    expect(codeOf(() => proveShare(key, question, share, new Uint8Array(32)))).toBe('RANDOMNESS_INVALID');
  });
});
