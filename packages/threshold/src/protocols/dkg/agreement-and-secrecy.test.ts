import { concatBytes, encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { createDealing } from './dealing.js';
import { bytesOf, createCeremony, createServer, vouch } from './fixtures/parties.js';
import { dealingOf, endings, outputOf, rogueDealer, runCeremony, sent } from './fixtures/rogue.js';
import { recoverShare, verifyCertificate } from '../../key/index.js';
import { dkgProtocol } from './index.js';
import { sessionOf } from './run.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';

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
    expect(verifyCertificate(certificate).public).toEqual(stranded.state.public);
    const { share: recovered } = recoverShare(certificate, ceremony.servers[0]!.staticSecret);
    expect(reveal(recovered.share, 'test')).toEqual(reveal(stranded.state.share, 'test'));
  });

  it('holds the same at all who finish', () => {
    const hashes = [1, 2, 3].map((party) => encodeHex(outputOf(honest, party).transcriptHash));
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
});

describe('V32a: a dealer who wants to use the static secrets of others as an oracle', () => {
  const old = runCeremony(ceremony, { seed: (party) => bytesOf(`old ${party}`) });
  const victim = dealingOf(ceremony, old, 1);

  /** Deals with the ephemeral key of somebody else's old dealing, and has its old ciphertexts decrypted. */
  const replaying = (party: number) =>
    rogueDealer(ceremony, {
      party,
      opening: (honestly) => ({ ...honestly, ephemeralKey: victim.ephemeralKey.slice() }),
      dealing: (input) => {
        const dealing = createDealing(suite, input);
        dealing.set(victim.ciphertextSection, dealing.length - victim.ciphertextSection.length);
        return dealing;
      },
    });

  it('by replaying an old ephemeral key with its ciphertexts learns that it failed, and not one byte more', () => {
    const run = runCeremony(ceremony, { onStep: replaying(3) });
    const fault = { code: 'SUSPECT_SHARE', round: 1, culprits: [3] };
    for (const party of [1, 2] as PartyIndex[])
      expect(run.outcomes.get(party)).toEqual({ kind: 'aborted', fault });
    // All that 1 and 2 ever say is what they say when the dealing never comes.
    const without = runCeremony(ceremony, {
      onStep: replaying(3),
      deliver: (delivery) => (delivery.from === 3 && delivery.round === 1 ? [] : [delivery]),
    });
    const saidBy = ({ wire }: typeof run) =>
      wire.filter(({ from }) => from !== 3).map(({ from, to, bytes }) => `${from}>${to} ${encodeHex(bytes)}`);
    expect(saidBy(run)).toHaveLength(8);
    expect(saidBy(run)).toEqual(saidBy(without));
    const wire = encodeHex(concatBytes(...run.wire.map(({ bytes }) => bytes)));
    const answers = ([1, 2] as PartyIndex[]).flatMap((party) => oracleOf(party, 3 as PartyIndex));
    expect(answers).toHaveLength(6);
    for (const answer of answers) expect(wire).not.toContain(encodeHex(answer));
  });

  it('by a static key related to that of another cannot even start: nobody says anything', () => {
    const { params } = ceremony;
    const own = createServer(params, 'offset', 3);
    const related = group.encode(
      group.add(group.decode(params.roster[0]!.staticKey), group.decode(own.entry.staticKey)),
    );
    const dishonest = ceremony.servers[2]!;
    const entry = { ...dishonest.entry, staticKey: related, staticProof: own.entry.staticProof };
    const roster = [...params.roster.slice(0, 2), vouch(params, entry, dishonest.identitySecret)];
    const run = runCeremony(
      { ...ceremony, parties: ceremony.parties.slice(0, 2) },
      { params: (party) => ({ ...ceremony.paramsOf(party), key: { ...params, roster } }) },
    );
    expect(endings(run)).toEqual(['FAULT_ROSTER [3]', 'FAULT_ROSTER [3]']);
    expect(run.wire).toEqual([]);
  });

  /** What the static secret of a party makes of what that dealer chose: both points, and the key of the old ciphertext. */
  function oracleOf(party: PartyIndex, dealer: PartyIndex): readonly Uint8Array[] {
    const secret = group.scalars.parseSecret(ceremony.staticBytesOf(party));
    const keyOf = (slot: number) => ceremony.params.roster[slot - 1]!.staticKey;
    const times = (point: Uint8Array) => group.encode(group.mulSecret(group.decode(point), secret));
    const [ephemeralPoint, staticPoint] = [times(victim.ephemeralKey), times(keyOf(dealer))];
    const round0 = [1, 2, 3].map((from) => sent(old, from, 0));
    const { key } = suite.deriveKeyAndNonce({
      ephemeralPoint,
      staticPoint: times(keyOf(1)),
      ephemeralKey: victim.ephemeralKey,
      senderKey: keyOf(1),
      receiverKey: keyOf(party),
      context: sessionOf(ceremony.params, round0).context,
    });
    return [ephemeralPoint, staticPoint, key];
  }
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
