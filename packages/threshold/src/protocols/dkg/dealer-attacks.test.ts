import { concatBytes } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { signCocktail, verifyCocktail } from '../../key/cocktail/signature.js';
import { createDealing } from './dealing.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { dealingOf, endings, rogueDealer, runCeremony, sent } from './fixtures/rogue.js';
import { type CommitMessage, dkgProtocol, type ShareMessage } from './index.js';
import { sessionOf } from './run.js';
import { deriveRunSecrets } from './secrets.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const suite = cocktailSuite('ed25519');
const { group } = suite;
const honest = runCeremony(ceremony);

describe('V12: a proof of possession', () => {
  const { context } = sessionOf(
    ceremony.params,
    [1, 2, 3].map((from) => sent(honest, from, 0)),
  );
  const { commitment, ephemeralKey, proof } = dealingOf(ceremony, honest, 1);
  const publicKey = commitment.subarray(0, 32);
  const verify = (key: Uint8Array, message: Uint8Array) => verifyCocktail(suite, key, message, proof);

  it('holds where it was made', () => {
    expect(verify(publicKey, concatBytes(context, commitment, ephemeralKey))).toBe(true);
  });

  it('fails for another session, commitment, ephemeral key or public key', () => {
    const other = dealingOf(ceremony, honest, 2);
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
    const earlier = dealingOf(
      ceremony,
      runCeremony(ceremony, { seed: (party) => bytesOf(`earlier ${party}`) }),
      3,
    );
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

function dealingLengths(message: ShareMessage): number {
  return message.dealing.length - 3 * 56;
}
