import { encodeHex, encodeUtf8, reveal } from '@ckm/foundation';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../../group/index.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { outputOf, runCeremony } from './fixtures/rogue.js';
import type { ShareMessage } from './index.js';
import { adjustCommitment, adjustShare, taprootAdjustment } from './taproot.js';

const group = groupNamed('secp256k1');
const { Point } = secp256k1;

/** The output key with an empty script tree, by BIP-341's formulas over noble. */
function outputKey(dealt: Uint8Array): Uint8Array {
  const x = dealt.subarray(1);
  const internal = schnorr.utils.lift_x(BigInt(`0x${encodeHex(x)}`));
  const tweak = BigInt(`0x${encodeHex(schnorr.utils.taggedHash('TapTweak', x))}`);
  return internal.add(Point.BASE.multiply(tweak)).toBytes(true).slice(1);
}

function dealtKey(run: ReturnType<typeof runCeremony>): Uint8Array {
  const terms = outputOf(run, 1).certificate.round1.map((message) =>
    Point.fromBytes((message as ShareMessage).dealing.subarray(0, 33)),
  );
  return terms.reduce((sum, term) => sum.add(term)).toBytes(true);
}

describe('V42: a key for taproot', () => {
  const seen = new Set<string>();
  const ceremony = createCeremony('secp256k1-tr', { needed: 2, of: 3 });
  const runs = Array.from({ length: 12 }, (_, i) =>
    runCeremony(ceremony, { seed: (party) => bytesOf(`${party} of ${i}`) }),
  );

  it('commits to no script: it is the output key of the dealt key with an empty tree, with an even y', () => {
    for (const run of runs) {
      const dealt = dealtKey(run);
      const { groupKey } = outputOf(run, 1).share.public;
      expect(encodeHex(groupKey.subarray(1))).toBe(encodeHex(outputKey(dealt)));
      expect(groupKey[0]).toBe(2);
      const adjustment = taprootAdjustment(group, group.decode(dealt))!;
      seen.add(`${adjustment.negateBefore} ${adjustment.negateAfter}`);
    }
  });

  it('V41: does so for every combination of parities', () => {
    expect([...seen].sort()).toEqual(['false false', 'false true', 'true false', 'true true']);
  });

  it('carries the tweak in shares, public shares and commitment alike', () => {
    for (const run of runs) {
      const shares = [1, 2, 3].map((party) => outputOf(run, party).share);
      const { groupKey, commitment, verifyingShares } = shares[0]!.public;
      const scalars = shares.map(({ share }) => group.scalars.parseSecret(reveal(share, 'test')));
      expect(scalars.map((share) => group.encode(group.mulBase(share)))).toEqual(verifyingShares);
      const parties = [shares[0]!.party, shares[2]!.party];
      const secret = group.scalars.add(
        group.scalars.multiply(scalars[0]!, lagrangeAtZero(group, parties, parties[0]!)),
        group.scalars.multiply(scalars[2]!, lagrangeAtZero(group, parties, parties[1]!)),
      );
      expect(group.encode(group.mulBase(secret))).toEqual(groupKey);
      expect(commitment[0]).toEqual(groupKey);
      const first = group.add(group.decode(commitment[0]!), group.decode(commitment[1]!));
      expect(group.encode(first)).toEqual(verifyingShares[0]);
      // An outside judge: the whole secret signs for the x-only key.
      const message = encodeUtf8('spend');
      const signature = schnorr.sign(message, secret, bytesOf('aux'));
      expect(schnorr.verify(signature, message, groupKey.subarray(1))).toBe(true);
    }
  });

  it('is another key than suite secp256k1 makes of the same seeds, which carries no tweak', () => {
    const plain = createCeremony('secp256k1', { needed: 2, of: 3 });
    const run = runCeremony(plain);
    expect(outputOf(run, 1).share.public.groupKey).toEqual(dealtKey(run));
  });
});

it('the adjustment of a share fits the adjustment of the commitment', () => {
  for (let i = 1; i < 30; i++) {
    const coefficients = [i, i + 1].map((value) =>
      group.scalars.parseSecret(group.scalars.fromInteger(value)),
    );
    const commitment = coefficients.map((a) => group.mulBase(a));
    const adjustment = taprootAdjustment(group, commitment[0]!)!;
    const adjusted = adjustCommitment(group, adjustment, commitment);
    const share = group.scalars.add(coefficients[0]!, coefficients[1]!);
    const expected = group.add(adjusted[0]!, adjusted[1]!);
    expect(group.equal(group.mulBase(adjustShare(group, adjustment, share)), expected)).toBe(true);
  }
});
