import { encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import type { Delivery } from '../../protocol/simulate.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { endings, outputOf, runCeremony, sent } from './fixtures/rogue.js';
import { type DkgMessage, dkgProtocol } from './index.js';
import { parseKeyParams } from '../../key/index.js';
import { encodeKeyParams } from '../../key/params.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const suite = cocktailSuite('ed25519');
const { group } = suite;
const honest = runCeremony(ceremony);
const allFinished = ['finished', 'finished', 'finished'];

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
