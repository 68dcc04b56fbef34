import { concatBytes, encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { createDealing } from './dealing.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { dealingOf, endings, outputOf, rogueDealer, runCeremony, sent } from './fixtures/rogue.js';
import { certificateHash, dkgProtocol, recoverShare, verifyCertificate } from './index.js';
import { sessionOf } from './run.js';
import { cocktailSuite } from './suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const suite = cocktailSuite('ed25519');
const { group } = suite;
const honest = runCeremony(ceremony);

describe('V22: agreement', () => {
  it('is impossible after a bad encrypted share to one party, whatever the others saw', () => {
    let dealt = 0;
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const { aead } = suite;
      const seal: typeof aead.seal = (key, nonce, share) =>
        aead.seal(
          key,
          nonce,
          dealt++ === 0 ? (group.scalars.add(share as SecretScalar, group.scalars.one) as Uint8Array) : share,
        );
      return createDealing({ ...suite, aead: { ...aead, seal } }, input);
    };
    const run = runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 3, dealing }) });
    expect(endings(run)).toEqual(['SUSPECT_SHARE [3]', 'waiting', 'waiting']);
    expect(run.wire.some(({ from, round }) => from === 1 && round === 2)).toBe(false);
  });

  it('reached by one party alone is accepted by the others whenever they are shown its certificate', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) => (delivery.round === 2 && delivery.to !== 2 ? [] : [delivery]),
    });
    expect(endings(run)).toEqual(['waiting', 'finished', 'waiting']);
    const { certificate } = outputOf(run, 2);
    const stranded = run.outcomes.get(1 as PartyIndex)!;
    if (stranded.kind !== 'waiting' || stranded.state.round !== 2)
      throw new Error('does not wait for signatures');
    expect(verifyCertificate(certificate)).toEqual(stranded.state.public);
    const recovered = recoverShare(certificate, ceremony.servers[0]!.staticSecret);
    expect(reveal(recovered.share, 'test')).toEqual(reveal(stranded.state.share, 'test'));
  });

  it('holds the same at all who finish', () => {
    const hashes = [1, 2, 3].map((party) => encodeHex(certificateHash(outputOf(honest, party).certificate)));
    expect(new Set(hashes).size).toBe(1);
  });

  it('is refused with a signature of somebody else, who is named', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) =>
        delivery.from === 3 && delivery.body.round === 2
          ? [{ ...delivery, body: { ...delivery.body, signature: sent(honest, 1, 2).signature } }]
          : [delivery],
    });
    expect(endings(run)).toEqual(['FAULT_SIGNATURE_INVALID [3]', 'FAULT_SIGNATURE_INVALID [3]', 'finished']);
  });
});

describe('V24: what goes over the wire', () => {
  it('holds no share, no coefficient and no other secret of the run', () => {
    const wire = encodeHex(concatBytes(...honest.wire.map(({ bytes }) => bytes)));
    const secrets = [...honest.states.values()].flat().flatMap((bytes) => secretsOf(bytes));
    expect(secrets.length).toBeGreaterThan(20);
    for (const secret of secrets) expect(wire).not.toContain(encodeHex(secret));
  });

  it('V32a: holds nothing at all after a failure that only the receiver sees', () => {
    const replayed = dealingOf(
      ceremony,
      runCeremony(ceremony, { seed: (party) => bytesOf(`old ${party}`) }),
      3,
    );
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const fresh = createDealing(suite, input);
      fresh.set(replayed.ciphertextSection, fresh.length - replayed.ciphertextSection.length);
      return fresh;
    };
    const run = runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 3, dealing }) });
    expect(endings(run).slice(0, 2)).toEqual(['SUSPECT_SHARE [3]', 'SUSPECT_SHARE [3]']);
    expect(run.wire.filter(({ round }) => round === 2)).toEqual([]);
  });
});

/** Every 32 secret bytes in the encoding of a state. */
function secretsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const state = dkgProtocol.state.decode(bytes);
  if (state.round === 0) return [reveal(state.staticSecret, 'test'), reveal(state.root, 'test')];
  if (state.round === 2) return [reveal(state.share, 'test')];
  const points = reveal(state.staticPoints, 'test');
  return [
    reveal(state.staticSecret, 'test'),
    reveal(state.hedge, 'test'),
    ...[0, 1, 2].map((i) => points.subarray(32 * i, 32 * i + 32)),
    ...sharesIn(state.me),
  ];
}

/** What party `me` encrypted, opened with the static secrets of all. */
function sharesIn(me: PartyIndex): readonly Uint8Array[] {
  const dealing = dealingOf(ceremony, honest, me);
  const { context } = sessionOf(
    ceremony.params,
    [1, 2, 3].map((from) => sent(honest, from, 0)),
  );
  return ceremony.parties.map((receiver, j) => {
    const secret = group.scalars.parseSecret(ceremony.staticBytesOf(receiver));
    const keyOf = (party: number) => ceremony.params.roster[party - 1]!.staticKey;
    const { key, nonce } = suite.deriveKeyAndNonce({
      ephemeralPoint: group.encode(group.mulSecret(group.decode(dealing.ephemeralKey), secret)),
      staticPoint: group.encode(group.mulSecret(group.decode(keyOf(me)), secret)),
      ephemeralKey: dealing.ephemeralKey,
      senderKey: keyOf(me),
      receiverKey: keyOf(receiver),
      context,
    });
    const share = suite.aead.open(key, nonce, dealing.ciphertexts[j]!);
    if (share === undefined) throw new Error('does not open');
    return share;
  });
}
