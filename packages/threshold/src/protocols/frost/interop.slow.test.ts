import { encodeHex, encodeUtf8, reveal } from '@ckm/foundation';
import { ed25519_FROST, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr_FROST, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { viewOfKey } from '../../hd/derived-key.js';
import { type DerivedKey, deriveKey, NO_TWEAK, type Tweak } from '../../hd/index.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { aggregate, verifySignatureShare } from './aggregate.js';
import { type DealtKey, dealKey } from './fixtures/dealer.js';
import { answer, commitAs, party } from './fixtures/signing.js';
import { signShare } from './round-2-sign.js';
import { verifySignature } from './verify-signature.js';

type Peer = typeof ed25519_FROST;
const PEERS: Record<SuiteName, Peer> = {
  ed25519: ed25519_FROST,
  ristretto255: ristretto255_FROST,
  secp256k1: secp256k1_FROST,
  'secp256k1-tr': schnorr_FROST,
  'P-256': p256_FROST,
};

const message = encodeUtf8('one session, two implementations');

/** Our key as noble keeps keys, after derivation and tweak: noble itself knows nothing of those. */
function asNoble(peer: Peer, dealt: DealtKey, key: DerivedKey) {
  const view = viewOfKey(key);
  const { group } = view;
  const ids = dealt.shares.map(({ party: index }) => peer.Identifier.fromNumber(index));
  const commitment = dealt.public.commitment.map((bytes, k) => {
    const element = group.decode(bytes);
    return k === 0 ? key.groupKey : group.encode(key.negate ? group.negate(element) : element);
  });
  const shares = dealt.shares.map(({ party: index }) => group.encode(view.verifyingShare(index)));
  return {
    public: {
      signers: { min: key.quorum.needed, max: key.quorum.of },
      commitments: commitment,
      verifyingShares: Object.fromEntries(ids.map((id, i) => [id, shares[i]!])),
    },
    secrets: dealt.shares.map(({ share }, i) => ({
      identifier: ids[i]!,
      signingShare: view.deriveShare(group.scalars.parseSecret(reveal(share, 'hand to noble'))) as Uint8Array,
    })),
    ids,
  };
}

/** One session of `ours` and `theirs`; the signature as our and as noble's coordinator make it. */
function signMixed(dealt: DealtKey, key: DerivedKey, ours: readonly number[], theirs: readonly number[]) {
  const peer = PEERS[key.suite];
  const noble = asNoble(peer, dealt, key);
  const own = ours.map((index) => commitAs(dealt, index));
  const foreign = theirs.map((index) => ({ index, ...peer.commit(noble.secrets[index - 1]!) }));
  const commitments = [
    ...own.map(({ commitment }) => commitment),
    ...foreign.map(({ index, commitments: made }) => ({
      party: party(index),
      hiding: made.hiding as Uint8Array,
      binding: made.binding as Uint8Array,
    })),
  ].sort((a, b) => a.party - b.party);
  const signing = { message, commitments };
  const list = commitments.map(({ party: index, hiding, binding }) => ({
    identifier: noble.ids[index - 1]!,
    hiding,
    binding,
  }));
  const shares = [
    ...own.map((signer) => answer(signer, key, signing)),
    ...foreign.map(({ index, nonces }) => ({
      party: party(index),
      share: peer.signShare(noble.secrets[index - 1]!, noble.public, nonces, list, message) as Uint8Array,
    })),
  ];
  const result = aggregate({ key, package: signing, shares });
  const byId = Object.fromEntries(shares.map(({ party: index, share }) => [noble.ids[index - 1]!, share]));
  const peerSignature = peer.aggregate(noble.public, list, message, byId) as Uint8Array;
  return { peer, noble, signing, list, shares, result, peerSignature };
}

const TWEAKS: Record<string, Tweak> = {
  'the key itself': NO_TWEAK,
  'a derived key': { path: [0, 5], taproot: null },
  'a taproot output without scripts': { path: [1, 7], taproot: { merkleRoot: null } },
  'a taproot output with scripts': { path: [], taproot: { merkleRoot: new Uint8Array(32).fill(9) } },
};

describe.each(SUITE_NAMES)('our signers of %s and noble’s in one session', (suite) => {
  const usable = Object.entries(TWEAKS).filter(
    ([, { path, taproot }]) =>
      (taproot === null || suite === 'secp256k1-tr') && (path.length === 0 || suite !== 'ristretto255'),
  );
  const casts: [ours: number[], theirs: number[]][] = [
    [[1], [2, 3]],
    [[1, 4], [3]],
    [
      [2, 5],
      [1, 4],
    ],
    [[1, 3, 5], []],
    [[], [2, 3, 4]],
  ];

  test.each(usable)('give one valid signature, whoever coordinates: %s', (_, tweak) => {
    expect.assertions(casts.length * 5);
    for (const [ours, theirs] of casts) {
      const dealt = dealKey({ suite, needed: 3, of: 5 });
      const key = deriveKey(dealt.public, tweak);
      const { peer, result, peerSignature, signing, shares } = signMixed(dealt, key, ours, theirs);
      expect(result.kind).toBe('signature');
      const signature = result.kind === 'signature' ? result.signature : new Uint8Array(0);
      expect(encodeHex(signature)).toBe(encodeHex(peerSignature));
      expect(peer.verify(signature, message, key.groupKey)).toBe(true);
      expect(verifySignature(suite, key.groupKey, message, signature)).toBe(true);
      expect(shares.every((one) => verifySignatureShare({ key, package: signing, ...one }))).toBe(true);
    }
  });

  test('judge each other’s shares alike, good and bad', () => {
    const dealt = dealKey({ suite, needed: 2, of: 3 });
    const key = deriveKey(dealt.public, NO_TWEAK);
    const { peer, noble, signing, list, shares } = signMixed(dealt, key, [1], [3]);
    const judge = (index: number, share: Uint8Array) => [
      verifySignatureShare({ key, package: signing, party: party(index), share }),
      peer.verifyShare(noble.public, list, message, noble.ids[index - 1]!, share),
    ];
    expect(judge(1, shares[0]!.share)).toEqual([true, true]);
    expect(judge(3, shares[1]!.share)).toEqual([true, true]);
    expect(judge(1, shares[1]!.share)).toEqual([false, false]);
    expect(judge(3, shares[0]!.share)).toEqual([false, false]);
  });

  test('from the same nonces noble makes the very share we make', () => {
    const dealt = dealKey({ suite, needed: 2, of: 3 });
    const key = deriveKey(dealt.public, NO_TWEAK);
    const peer = PEERS[suite];
    const noble = asNoble(peer, dealt, key);
    const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 2)];
    const held = reveal(own.nonces, 'give noble the same nonces');
    const nonces = { hiding: held.hidingNonce.slice(), binding: held.bindingNonce.slice() };
    const signing = { message, commitments: [own.commitment, other.commitment] };
    const list = signing.commitments.map(({ party: index, hiding, binding }) => ({
      identifier: noble.ids[index - 1]!,
      hiding,
      binding,
    }));
    const share = signShare({ key, share: own.share, nonces: own.nonces, package: signing });
    const theirs = peer.signShare(noble.secrets[0]!, noble.public, nonces, list, message) as Uint8Array;
    expect(encodeHex(share)).toBe(encodeHex(theirs));
  });
});
