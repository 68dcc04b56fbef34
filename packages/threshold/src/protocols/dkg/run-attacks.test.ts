import { concatBytes, encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import type { Delivery } from '../../protocol/simulate.js';
import { signCocktail, verifyCocktail } from './cocktail-signature.js';
import { createDealing, parseDealing } from './dealing.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { type DkgRun, endings, outputOf, rogueDealer, runCeremony } from './fixtures/rogue.js';
import {
  type CommitMessage,
  certificateHash,
  type DkgMessage,
  dkgProtocol,
  parseKeyParams,
  recoverShare,
  type ShareMessage,
  verifyCertificate,
} from './index.js';
import { encodeKeyParams } from './params.js';
import { sessionOf } from './run.js';
import { deriveRunSecrets } from './secrets.js';
import { cocktailSuite } from './suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const suite = cocktailSuite('ed25519');
const { group } = suite;
const honest = runCeremony(ceremony);
const allFinished = ['finished', 'finished', 'finished'];

function sent<R extends DkgMessage['round']>(
  run: DkgRun,
  from: number,
  round: R,
): Extract<DkgMessage, { round: R }> {
  const found = run.wire.find((delivery) => delivery.from === from && delivery.round === round);
  if (found === undefined) throw new Error('never sent');
  return found.body as Extract<DkgMessage, { round: R }>;
}

function dealingOf(run: DkgRun, from: number) {
  return parseDealing(suite, ceremony.params.quorum, sent(run, from, 1).dealing)!;
}

describe('V12: a proof of possession', () => {
  const { context } = sessionOf(
    ceremony.params,
    [1, 2, 3].map((from) => sent(honest, from, 0)),
  );
  const { commitment, ephemeralKey, proof } = dealingOf(honest, 1);
  const publicKey = commitment.subarray(0, 32);
  const verify = (key: Uint8Array, message: Uint8Array) => verifyCocktail(suite, key, message, proof);

  it('holds where it was made', () => {
    expect(verify(publicKey, concatBytes(context, commitment, ephemeralKey))).toBe(true);
  });

  it('fails for another session, commitment, ephemeral key or public key', () => {
    const other = dealingOf(honest, 2);
    expect(verify(publicKey, concatBytes(bytesOf('context'), bytesOf('2'), commitment, ephemeralKey))).toBe(
      false,
    );
    expect(verify(publicKey, concatBytes(context, other.commitment, ephemeralKey))).toBe(false);
    expect(verify(publicKey, concatBytes(context, commitment, other.ephemeralKey))).toBe(false);
    expect(verify(other.commitment.subarray(0, 32), concatBytes(context, commitment, ephemeralKey))).toBe(
      false,
    );
  });

  it('fails after any bit of what it proves was flipped', () => {
    const message = concatBytes(context, commitment, ephemeralKey);
    for (let i = 0; i < message.length; i += 5) {
      const changed = message.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
      expect(verify(publicKey, changed)).toBe(false);
    }
  });

  it('of an earlier run names the dealer who replays it', () => {
    const earlier = dealingOf(runCeremony(ceremony, { seed: (party) => bytesOf(`earlier ${party}`) }), 3);
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const fresh = createDealing(suite, input);
      fresh.set(earlier.proof, input.opening.commitment.length);
      return fresh;
    };
    const run = runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 3, dealing }) });
    expect(endings(run).slice(0, 2)).toEqual(['FAULT_PROOF_INVALID [3]', 'FAULT_PROOF_INVALID [3]']);
  });
});

describe('V13: a party that copies another', () => {
  it("'s commitment and opening is named, and the other is not", () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery, earlier) => {
        if (delivery.from !== 3) return [delivery];
        const { body } = earlier.find(({ from, round }) => from === 1 && round === delivery.round)!;
        return [{ ...delivery, body }];
      },
    });
    expect(endings(run).slice(0, 2)).toEqual([
      'FAULT_COMMITMENT_OPENING [3]',
      'FAULT_COMMITMENT_OPENING [3]',
    ]);
  });

  it("'s commitment alone cannot open it with what it dealt itself", () => {
    const run = runCeremony(ceremony, {
      onStep: (party, step) => {
        if (party !== 3 || step.kind !== 'waiting' || step.state.round !== 0) return step;
        const first = dkgProtocol.start(ceremony.paramsOf(1 as PartyIndex), ceremony.seedOf(1 as PartyIndex));
        if (first.kind !== 'waiting') return step;
        const { commitment } = first.outbox[0]!.body as CommitMessage;
        const posted = { ...step.state.posted, commitment };
        return {
          ...step,
          state: { ...step.state, posted },
          outbox: [{ to: 'everyone', round: 0, body: posted }],
        };
      },
    });
    expect(endings(run).slice(0, 2)).toEqual([
      'FAULT_COMMITMENT_OPENING [3]',
      'FAULT_COMMITMENT_OPENING [3]',
    ]);
  });

  it('V32c: in all of commitment, proof and ephemeral key is named, and the other is not', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery, earlier) => {
        if (delivery.from !== 3 || delivery.round !== 1) return [delivery];
        const first = earlier.find(({ from, round }) => from === 1 && round === 1)!.body as ShareMessage;
        const own = delivery.body as ShareMessage;
        const copied = dealingLengths(first);
        const dealing = concatBytes(first.dealing.subarray(0, copied), own.dealing.subarray(copied));
        return [{ ...delivery, body: { ...own, dealing, salt: first.salt } }];
      },
    });
    expect(endings(run).slice(0, 2)).toEqual([
      'FAULT_COMMITMENT_OPENING [3]',
      'FAULT_COMMITMENT_OPENING [3]',
    ]);
  });

  it('V32c: by agreement, in the ephemeral key alone or the constant term alone, is named with its accomplice', () => {
    const accomplice = dkgProtocol.start(
      ceremony.paramsOf(2 as PartyIndex),
      ceremony.seedOf(2 as PartyIndex),
    );
    if (accomplice.kind !== 'waiting' || accomplice.state.round !== 0) throw new Error('did not start');
    const { opening, root } = accomplice.state;
    const shared = deriveRunSecrets(group, root, 2);
    const sameKey = rogueDealer(ceremony, {
      party: 3,
      opening: (own) => ({ ...own, ephemeralKey: opening.ephemeralKey }),
      dealing: (input) =>
        createDealing(suite, {
          ...input,
          secrets: { ...input.secrets, ephemeral: shared.ephemeral },
        }),
    });
    expect(endings(runCeremony(ceremony, { onStep: sameKey }))[0]).toBe('FAULT_DEALING_COPIED [2,3]');
    const sameTerm = rogueDealer(ceremony, {
      party: 3,
      opening: (own) => ({
        ...own,
        commitment: concatBytes(opening.commitment.subarray(0, 32), own.commitment.subarray(32)),
      }),
      dealing: (input) => {
        const coefficients = [shared.coefficients[0]!, input.secrets.coefficients[1]!];
        return createDealing(suite, { ...input, secrets: { ...input.secrets, coefficients } });
      },
    });
    expect(endings(runCeremony(ceremony, { onStep: sameTerm }))[0]).toBe('FAULT_DEALING_COPIED [2,3]');
  });

  it('V32c: by agreement, each with its own commitment, is named with its accomplice', () => {
    const accomplice = dkgProtocol.start(
      ceremony.paramsOf(2 as PartyIndex),
      ceremony.seedOf(2 as PartyIndex),
    );
    if (accomplice.kind !== 'waiting' || accomplice.state.round !== 0) throw new Error('did not start');
    const { opening } = accomplice.state;
    const run = runCeremony(ceremony, {
      onStep: rogueDealer(ceremony, { party: 3, opening: () => opening }),
    });
    expect(endings(run)[0]).toBe('FAULT_DEALING_COPIED [2,3]');
  });
});

describe('V15: a coordinator', () => {
  it('who shows different commitments to different parties makes all start again, and nobody is blamed', () => {
    const other = dkgProtocol.start(ceremony.paramsOf(1 as PartyIndex), bytesOf('another seed'));
    if (other.kind !== 'waiting') throw new Error('did not start');
    const run = runCeremony(ceremony, {
      deliver: (delivery) =>
        delivery.from === 1 && delivery.to === 3 && delivery.round === 0
          ? [{ ...delivery, body: other.outbox[0]!.body }]
          : [delivery],
    });
    expect(endings(run)).toEqual(['RETRY_VIEWS_DIFFER []', 'RETRY_VIEWS_DIFFER []', 'RETRY_VIEWS_DIFFER []']);
  });

  it('who shows different dealings of one party to different parties gets no certificate', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) => {
        if (delivery.from !== 1 || delivery.to !== 3 || delivery.body.round !== 1) return [delivery];
        const dealing = delivery.body.dealing.slice();
        // The share of party 2, of which party 3 can see nothing but that it differs.
        dealing[dealing.length - 56 - 1]! ^= 1;
        return [{ ...delivery, body: { ...delivery.body, dealing } }];
      },
    });
    expect(endings(run)).toEqual(['RETRY_VIEWS_DIFFER []', 'RETRY_VIEWS_DIFFER []', 'RETRY_VIEWS_DIFFER []']);
  });

  it('cannot choose the session id, and a party that draws fresh bytes never sees one twice', () => {
    const again = runCeremony(ceremony, {
      seed: (party) => (party === 1 ? bytesOf('fresh') : ceremony.seedOf(party)),
    });
    expect(sent(again, 2, 0)).toEqual(sent(honest, 2, 0));
    expect(sent(again, 2, 1).sessionId).not.toEqual(sent(honest, 2, 1).sessionId);
  });
});

describe('V18: the sender is the one whom the transport authenticated', () => {
  it('so that a message under another name counts as that other one', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) =>
        delivery.round === 1 && delivery.to === 1 && delivery.from !== 1
          ? [{ ...delivery, from: (5 - delivery.from) as PartyIndex }]
          : [delivery],
    });
    expect(endings(run)[0]).toBe('FAULT_COMMITMENT_OPENING [2,3]');
  });

  it('and one who is not in the roster, or is oneself, is not heard', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) => [
        ...[0, 4, delivery.to, 65536, -1, Number.NaN].map((from) => ({
          ...delivery,
          from: from as PartyIndex,
        })),
        delivery,
      ],
    });
    expect(endings(run)).toEqual(allFinished);
  });
});

describe('V19: a relay that replays', () => {
  it.each([0, 1, 2])(
    'round %i of an earlier run, from all, brings nothing about but an end without blame of the party replayed to',
    (round) => {
      const earlier = runCeremony(ceremony, { seed: (party) => bytesOf(`earlier ${party}`) });
      const run = runCeremony(ceremony, {
        deliver: (delivery) =>
          delivery.round === round && delivery.to === 1
            ? [{ ...delivery, body: sent(earlier, delivery.from, round as 0 | 1 | 2) }]
            : [delivery],
      });
      expect(endings(run)[0]).toMatch(/^RETRY_VIEWS_DIFFER \[\]$/);
      expect([...run.outcomes.values()].filter(({ kind }) => kind === 'finished').length).toBeLessThan(3);
    },
  );

  it('all earlier rounds of the same run changes nothing', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery, earlier) => [delivery, ...earlier.filter(({ to }) => to === delivery.to)],
    });
    expect(endings(run)).toEqual(allFinished);
  });

  it('in any order and several times changes nothing', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery) => [delivery, delivery, { ...delivery, body: structuredClone(delivery.body) }],
      arrange: (inbox) => [...inbox].reverse(),
    });
    expect(endings(run)).toEqual(allFinished);
    expect(outputOf(run, 1).certificate).toEqual(outputOf(honest, 1).certificate);
  });
});

it('a party that says two things in one round is named', () => {
  const lie = (delivery: Delivery<DkgMessage>): Delivery<DkgMessage>[] => {
    if (delivery.from !== 2 || delivery.body.round !== 1) return [delivery];
    return [delivery, { ...delivery, body: { ...delivery.body, salt: bytesOf('other salt') } }];
  };
  const run = runCeremony(ceremony, { deliver: lie });
  expect(endings(run)).toEqual(['FAULT_EQUIVOCATION [2]', 'waiting', 'FAULT_EQUIVOCATION [2]']);
});

it('a silent party stops the run without a fault, and the run goes on when it speaks', () => {
  const run = runCeremony(ceremony, {
    deliver: (delivery) => (delivery.from === 2 && delivery.round === 1 ? [] : [delivery]),
  });
  expect(endings(run)).toEqual(['waiting', 'waiting', 'waiting']);
  const waiting = run.outcomes.get(1 as PartyIndex)!;
  if (waiting.kind !== 'waiting') throw new Error('does not wait');
  const inbox = [2, 3].map((from) => ({ from: from as PartyIndex, round: 1, body: sent(honest, from, 1) }));
  expect(dkgProtocol.advance(waiting.state, inbox.slice(1))).toEqual({
    kind: 'waiting',
    state: waiting.state,
    outbox: [],
  });
  expect(dkgProtocol.advance(waiting.state, inbox).kind).toBe('waiting');
});

it('V20: parameters of another version of the protocol are refused before anything happens', () => {
  const bytes = encodeKeyParams(ceremony.params);
  bytes[4 + 'ckm-cocktail-0.2.1'.length - 1] = '2'.charCodeAt(0);
  expect(() => parseKeyParams(bytes)).toThrow(expect.objectContaining({ code: 'DKG_VERSION_UNKNOWN' }));
});

describe('V21: a last mover who wants the key to be its own', () => {
  const target = group.mulBasePublic(group.scalars.fromInteger(4711));

  /** C₀ of party 3 such that all constant terms add up to the target. */
  function rogueTerm(others: readonly Uint8Array[]): Uint8Array {
    const sum = group.sum(others.map((commitment) => group.decode(commitment.subarray(0, 32))));
    return group.encode(group.add(target, group.negate(sum)));
  }

  it('and chooses after it saw the others fails to open its commitment', () => {
    const run = runCeremony(ceremony, {
      deliver: (delivery, earlier) => {
        if (delivery.from !== 3 || delivery.body.round !== 1) return [delivery];
        const others = earlier.filter(({ round, to }) => round === 1 && to === 3);
        const dealing = delivery.body.dealing.slice();
        dealing.set(rogueTerm(others.map(({ body }) => (body as ShareMessage).dealing)));
        return [{ ...delivery, body: { ...delivery.body, dealing } }];
      },
    });
    expect(endings(run).slice(0, 2)).toEqual([
      'FAULT_COMMITMENT_OPENING [3]',
      'FAULT_COMMITMENT_OPENING [3]',
    ]);
  });

  it('and knew the others beforehand still cannot prove that it knows its own term', () => {
    const others = [1, 2].map((from) => sent(honest, from, 1).dealing);
    const opening = (own: { commitment: Uint8Array; ephemeralKey: Uint8Array }) => ({
      ...own,
      commitment: concatBytes(rogueTerm(others), own.commitment.subarray(32)),
    });
    const dealing = (input: Parameters<typeof createDealing>[1]) => {
      const forged = {
        secret: input.secrets.coefficients[0]!,
        publicKey: opening(input.opening).commitment.subarray(0, 32),
      };
      const message = concatBytes(
        input.context,
        opening(input.opening).commitment,
        input.opening.ephemeralKey,
      );
      const bytes = createDealing(suite, { ...input, opening: opening(input.opening) });
      bytes.set(signCocktail(suite, forged, message, bytesOf('hedge')), 64);
      return bytes;
    };
    const run = runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 3, opening, dealing }) });
    expect(endings(run).slice(0, 2)).toEqual(['FAULT_PROOF_INVALID [3]', 'FAULT_PROOF_INVALID [3]']);
  });
});

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
    const replayed = dealingOf(runCeremony(ceremony, { seed: (party) => bytesOf(`old ${party}`) }), 3);
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

it('V32b: a ciphertext changed for one party, in what all are given, leaves no certificate', () => {
  const run = runCeremony(ceremony, {
    deliver: (delivery) => {
      if (delivery.from !== 1 || delivery.body.round !== 1) return [delivery];
      const dealing = delivery.body.dealing.slice();
      dealing[dealing.length - 1]! ^= 1;
      return [{ ...delivery, body: { ...delivery.body, dealing } }];
    },
  });
  expect(endings(run)).toEqual(['waiting', 'waiting', 'SUSPECT_SHARE [1]']);
});

it('V32e: a crash between commitment and dealing, or after it, gives the same bytes again', () => {
  const restarted = runCeremony(ceremony, {
    onStep: (party, step) => {
      if (party !== 2 || step.kind !== 'waiting') return step;
      const restored = dkgProtocol.state.decode(dkgProtocol.state.encode(step.state));
      if (restored.round === 0) return dkgProtocol.start(ceremony.paramsOf(party), ceremony.seedOf(party));
      return { ...step, state: restored };
    },
  });
  expect(restarted.wire).toEqual(honest.wire);
});

it('V33: servers in other slots hold other shares, and the order of a list never decides which', () => {
  const reversed = { ...ceremony.params, roster: [...ceremony.params.roster].reverse() };
  expect(() =>
    dkgProtocol.start({ ...ceremony.paramsOf(1 as PartyIndex), key: reversed }, bytesOf('seed')),
  ).toThrow(expect.objectContaining({ code: 'ROSTER_INVALID' }));
  const shuffled = runCeremony(ceremony, {
    arrange: (inbox, party) => [...inbox].sort((a, b) => ((a.from * party) % 7) - ((b.from * party) % 7)),
  });
  expect(outputOf(shuffled, 1).certificate).toEqual(outputOf(honest, 1).certificate);
  for (const party of [1, 2, 3]) {
    const { share, public: key } = outputOf(shuffled, party).share;
    const own = group.encode(group.mulBase(group.scalars.parseSecret(reveal(share, 'test'))));
    expect(key.verifyingShares.findIndex((bytes) => encodeHex(bytes) === encodeHex(own))).toBe(party - 1);
  }
});

function dealingLengths(message: ShareMessage): number {
  return message.dealing.length - 3 * 56;
}

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
  const dealing = dealingOf(honest, me);
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
