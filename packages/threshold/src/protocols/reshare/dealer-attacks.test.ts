import { concatBytes } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { changeOf, endings, generate, outputAt, propose, runChange, type Wish } from './fixtures/changes.js';
import { type RogueDealer, rogueDealing, tamper, withRogue } from './fixtures/rogue.js';
import { epochSigns } from './fixtures/signing.js';
import type { DealerInput } from '../dkg/dealing.js';
import type { RunSecrets } from '../dkg/secrets.js';
import { type DealMessage, findReshareFault, reshareProtocol } from './index.js';

const wish: Wish = { dealers: ['alpha', 'bravo'], members: ['charlie', 'alpha', 'delta'], needed: 2 };
const epoch = generate('ed25519', { needed: 2, of: 3 });
const change = propose(epoch, wish);
const { group } = cocktailSuite('ed25519');
const { scalars } = group;
const one = scalars.parseSecret(scalars.one);
const honest = runChange(change);
/** Seats: charlie 1, alpha 2, delta 3, bravo 4. Alpha and bravo deal. */
const bravo = 4;

/** How the three receivers, who are not the rogue, ended. */
function receiversWith(rogue: Omit<RogueDealer, 'name'>): readonly string[] {
  return endings(runChange(change, withRogue(change, { name: 'bravo', ...rogue }))).slice(0, 3);
}

const allSay = (code: string, culprit = bravo) => Array.from({ length: 3 }, () => `${code} [${culprit}]`);

it('the dealing that the attacks below start from is the honest one', () => {
  const { signed } = outputAt(honest, 1);
  expect(rogueDealing(change, { name: 'bravo' })).toEqual(signed.deals[1]!.dealing);
  expect(findReshareFault(epoch.certified, change.params, [signed.deals])).toBeNull();
});

describe('a dealer that lies to everybody is named by everybody', () => {
  it('V28: with another constant term than its certified share: the key would be another', () => {
    const shifted = receiversWith({
      secrets: (own) => ({
        ...own,
        coefficients: [scalars.add(own.coefficients[0]!, one), ...own.coefficients.slice(1)],
      }),
    });
    expect(shifted).toEqual(allSay('FAULT_CONSTANT_TERM'));
  });

  it('V28: with its share itself, not weighted for these dealers', () => {
    const other = propose(epoch, { ...wish, dealers: ['bravo', 'charlie'] });
    const elsewhere = rogueDealing(other, { name: 'bravo' });
    const weighted = receiversWith({
      dealing: (own) => concatBytes(elsewhere.subarray(0, 32), own.subarray(32)),
    });
    expect(weighted).toEqual(allSay('FAULT_CONSTANT_TERM'));
  });

  it.each([1, 3, 4])(
    'V3, V28: with %i coefficients where the quorum needs 2: it would be another in silence',
    (count) => {
      const wrong = receiversWith({
        secrets: (own) => ({
          ...own,
          coefficients: Array.from({ length: count }, (_, k) => own.coefficients[k] ?? one),
        }),
      });
      expect(wrong).toEqual(allSay('FAULT_DEALING_LENGTH'));
    },
  );

  it('V3: with a share for one receiver too few or too many', () => {
    const frame = 8 + 48;
    expect(receiversWith({ dealing: (own) => own.slice(0, -frame) })).toEqual(allSay('FAULT_DEALING_LENGTH'));
    expect(receiversWith({ dealing: (own) => concatBytes(own, own.subarray(-frame)) })).toEqual(
      allSay('FAULT_DEALING_LENGTH'),
    );
  });

  it('V12: with a proof of possession of another session', () => {
    const other = rogueDealing(propose(epoch, { ...wish, label: 'other' }), { name: 'bravo' });
    const replayed = receiversWith({
      dealing: (own) => concatBytes(own.subarray(0, 64), other.subarray(64, 128), own.subarray(128)),
    });
    expect(replayed).toEqual(allSay('FAULT_PROOF_INVALID'));
  });

  it.each([
    ['the identity', Uint8Array.of(1, ...new Uint8Array(31))],
    ['a point of small order', new Uint8Array(32)],
    ['no point', new Uint8Array(32).fill(2)],
  ])('V5, V7: with %s as a coefficient or as its ephemeral key', (_, bytes) => {
    for (const at of [32, 128]) {
      const wrong = receiversWith({
        dealing: (own) => concatBytes(own.subarray(0, at), bytes, own.subarray(at + 32)),
      });
      expect(wrong).toEqual(allSay('FAULT_POINT_INVALID'));
    }
  });

  it('V13: with the ephemeral key of another dealer: it is suspected alone, and the other is not framed', () => {
    const alpha = rogueDealing(change, { name: 'alpha' });
    const copy = (own: Uint8Array) =>
      concatBytes(own.subarray(0, 128), alpha.subarray(128, 160), own.subarray(160));
    expect(receiversWith({ dealing: copy })).toEqual(allSay('FAULT_PROOF_INVALID'));
    const proved = (own: DealerInput) => {
      const opening = { ...own.opening, ephemeralKey: alpha.slice(128, 160) };
      return { ...own, opening };
    };
    expect(receiversWith({ input: proved })).toEqual(allSay('SUSPECT_SHARE'));
  });

  it('V27: and anybody who has the messages can check it', () => {
    const dealing = rogueDealing(change, {
      name: 'bravo',
      secrets: (own) => ({ ...own, coefficients: [one, ...own.coefficients.slice(1)] }),
    });
    const [first, second] = outputAt(honest, 1).signed.deals;
    const seen = findReshareFault(epoch.certified, change.params, [[first!, { ...second!, dealing }]]);
    expect(seen).toEqual({ code: 'FAULT_CONSTANT_TERM', round: 0, culprits: [bravo] });
  });
});

describe('a dealer that lies to one receiver', () => {
  it('V27: by a bad encrypted share is suspected by that one alone, no certificate comes about, and the old epoch signs', () => {
    const run = runChange(
      change,
      withRogue(change, {
        name: 'bravo',
        dealing: (own) => own.map((byte, i) => (i === own.length - 1 ? byte ^ 1 : byte)),
      }),
    );
    expect(endings(run).slice(0, 3)).toEqual(['waiting', 'waiting', 'SUSPECT_SHARE [4]']);
    expect(findReshareFault(epoch.certified, change.params, [outputAt(honest, 1).signed.deals])).toBeNull();
    expect(epochSigns(epoch, ['alpha', 'charlie'])).toBe(true);
  });

  it('by a share off its polynomial, well encrypted, is suspected by that one alone', () => {
    const run = runChange(
      change,
      withRogue(change, {
        name: 'bravo',
        input: (own) => {
          const wrong = own.secrets.coefficients.map((each, k) => (k === 1 ? scalars.add(each, one) : each));
          return { ...own, secrets: { ...own.secrets, coefficients: wrong } };
        },
        dealing: (own) => {
          const rest = rogueDealing(change, { name: 'bravo' });
          return concatBytes(rest.subarray(0, 160 + 2 * 56), own.subarray(160 + 2 * 56));
        },
      }),
    );
    expect(endings(run).slice(0, 3)).toEqual(['waiting', 'waiting', 'SUSPECT_SHARE [4]']);
  });

  it('V27: by other dealings than the others got ends without blame: the echo differs', () => {
    const other = rogueDealing(change, {
      name: 'bravo',
      secrets: (own) => ({ ...own, coefficients: [own.coefficients[0]!, one], ephemeral: one }),
    });
    const run = runChange(
      change,
      tamper(change, 'bravo', 0, (body, to) => (to === 'delta' ? { ...body, dealing: other } : body)),
    );
    expect(endings(run)).toEqual(Array.from({ length: 4 }, () => 'RETRY_VIEWS_DIFFER []'));
  });
});

describe('what arrives from a party', () => {
  it('V15: of another session ends without blame', () => {
    const run = runChange(
      change,
      tamper(change, 'bravo', 0, (body) => ({ ...body, sessionId: bytesOf('other') })),
    );
    expect(endings(run).slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'RETRY_VIEWS_DIFFER []'));
    const deals = outputAt(honest, 1).signed.deals.map((each) => ({ ...each, sessionId: bytesOf('other') }));
    expect(findReshareFault(epoch.certified, change.params, [deals])?.code).toBe('FAULT_SESSION');
  });

  it('V4: of no form names its sender', () => {
    const run = runChange(
      change,
      tamper(change, 'bravo', 0, () => 'nothing'),
    );
    expect(endings(run).slice(0, 3)).toEqual(allSay('FAULT_MALFORMED'));
  });

  it('V5, V8: with a signature that does not hold names the receiver, in the run and to whoever looks later', () => {
    const alter = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    const run = runChange(
      change,
      tamper(change, 'delta', 1, (body) => ({ ...body, signature: alter(body.signature) })),
    );
    const ended = endings(run);
    expect([ended[0], ended[1], ended[3]]).toEqual(allSay('FAULT_SIGNATURE_INVALID', 3));
    const { deals, signatures } = outputAt(honest, 1).signed;
    const prepared = signatures.map((signature, i) => ({
      round: 1 as const,
      view: bytesOf('any'),
      signature: i === 2 ? alter(signature) : signature,
    }));
    expect(findReshareFault(epoch.certified, change.params, [deals, prepared])).toEqual({
      code: 'FAULT_SIGNATURE_INVALID',
      round: 1,
      culprits: [3],
    });
  });

  it('V4: of no form, or not there yet, is told apart by whoever looks at it later', () => {
    const { deals, signatures } = outputAt(honest, 1).signed;
    const prepared = signatures.map((signature) => ({ round: 1 as const, view: bytesOf('any'), signature }));
    const seen = (...messages: Parameters<typeof findReshareFault>[2]) =>
      findReshareFault(epoch.certified, change.params, messages);
    expect(seen()).toBeNull();
    expect(seen(deals.slice(1))).toBeNull();
    expect(seen(deals, prepared.slice(1))).toBeNull();
    expect(seen(deals, prepared)).toBeNull();
    expect(seen([deals[0]!, prepared[0]!])).toEqual({ code: 'FAULT_MALFORMED', round: 0, culprits: [bravo] });
    const mixed = [prepared[0]!, deals[0]!, prepared[2]!];
    expect(seen(deals, mixed)).toEqual({ code: 'FAULT_MALFORMED', round: 1, culprits: [2] });
  });

  it('V19: from whoever has no voice in that round is not heard', () => {
    const state = reshareProtocol.start(change.paramsOf(1 as PartyIndex), change.seedOf(1 as PartyIndex));
    if (state.kind !== 'waiting') throw new Error('did not start');
    expect(reshareProtocol.awaiting(state.state)).toEqual({ round: 0, from: [2, 4] });
    const [deal] = outputAt(honest, 1).signed.deals;
    const stray = [{ from: 3 as PartyIndex, round: 0, body: deal! }];
    expect(reshareProtocol.advance(state.state, stray)).toMatchObject({
      kind: 'waiting',
      state: { round: 0 },
    });
  });
});

it('V5: dealers who agree on coefficients that cancel out end the run without blame: the key would have a lower quorum', () => {
  const opposite = scalars.negate(one);
  const bent = (coefficient: typeof one) => (own: RunSecrets) => ({
    ...own,
    coefficients: [own.coefficients[0]!, coefficient],
  });
  const dealings = new Map([
    ['alpha', rogueDealing(change, { name: 'alpha', secrets: bent(one) })],
    ['bravo', rogueDealing(change, { name: 'bravo', secrets: bent(opposite) })],
  ]);
  const run = runChange(change, {
    deliver: (delivery) => {
      const dealing = dealings.get(change.nameAt(delivery.from));
      return [
        dealing === undefined
          ? delivery
          : { ...delivery, body: { ...delivery.body, dealing } as DealMessage },
      ];
    },
  });
  const [charlie, , delta] = endings(run);
  expect([charlie, delta]).toEqual(['RETRY_KEY_DEGENERATE []', 'RETRY_KEY_DEGENERATE []']);
});

it('V28: public shares that contradict the old key end the run although every dealer deals what they say', () => {
  const { certified } = epoch;
  const groupKey = group.encode(group.generator);
  const commitment = [groupKey, ...certified.public.commitment.slice(1)];
  const doctored = { ...certified, public: { ...certified.public, groupKey, commitment } };
  const own = propose({ ...epoch, certified: doctored }, wish);
  const run = runChange(
    changeOf({ ...epoch, certified: doctored }, own.params, wish.members, own.staticSecrets),
  );
  expect(endings(run)).toEqual(Array.from({ length: 4 }, () => 'RETRY_KEY_DIFFERS []'));
});
