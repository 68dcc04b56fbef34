import { encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../../group/index.js';
import type { Group, SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { lagrangeAtZero, type Quorum } from '../../sharing/index.js';
import { groupOfSuite, SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import type { KeyShare } from '../../key/public-package.js';
import { bytesOf, createCeremony } from './fixtures/parties.js';
import { type DkgRun, endings, outputOf, runCeremony } from './fixtures/rogue.js';
import { encodeCertificate } from '../../key/index.js';
import { dkgProtocol } from './index.js';

const finished = (n: number) => Array.from({ length: n }, () => 'finished');

/** The secret that some shares interpolate to, times G: what the shares are shares of. */
function interpolate(group: Group, shares: readonly KeyShare[]): Uint8Array {
  const parties = shares.map((share) => share.party);
  const terms = shares.map(({ party, share }) => {
    const scalar = group.scalars.parseSecret(reveal(share, 'test'));
    return group.scalars.multiply(scalar, lagrangeAtZero(group, parties, party));
  });
  const secret = terms.reduce<SecretScalar>(
    (sum, term) => group.scalars.add(sum, term),
    group.scalars.parseSecret(group.scalars.zero),
  );
  return group.encode(group.mulBase(secret));
}

function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}

function sharesOf(run: DkgRun): KeyShare[] {
  return [...run.outcomes.keys()].map((party) => outputOf(run, party).share);
}

describe.each(SUITE_NAMES)('honest parties with suite %s', (suite) => {
  const group = groupNamed(groupOfSuite(suite));
  const quorums: Quorum[] = [
    { needed: 2, of: 2 },
    { needed: 2, of: 3 },
    { needed: 3, of: 3 },
    { needed: 3, of: 5 },
    { needed: 5, of: 7 },
  ];

  it.each(quorums)(
    'agree on a key of $needed of $of that every quorum of shares gives, and no smaller group',
    (quorum) => {
      const ceremony = createCeremony(suite, quorum);
      const run = runCeremony(ceremony);
      expect(endings(run)).toEqual(finished(quorum.of));
      const shares = sharesOf(run);
      const { groupKey } = shares[0]!.public;
      for (const share of shares) expect(share.public).toEqual(shares[0]!.public);
      const quorate = subsets(shares, quorum.needed).slice(0, 12);
      expect(quorate.map((some) => encodeHex(interpolate(group, some)))).toEqual(
        quorate.map(() => encodeHex(groupKey)),
      );
      expect(interpolate(group, shares.slice(0, quorum.needed - 1))).not.toEqual(groupKey);
    },
  );

  it('hold the share that belongs to their public one, and the commitment gives them all', () => {
    const run = runCeremony(createCeremony(suite, { needed: 2, of: 3 }));
    for (const { party, share, public: key } of sharesOf(run)) {
      const own = group.encode(group.mulBase(group.scalars.parseSecret(reveal(share, 'test'))));
      expect(own).toEqual(key.verifyingShares[party - 1]);
      expect(key.commitment[0]).toEqual(key.groupKey);
    }
  });

  it('store the same certificate, byte for byte, under the same transcript hash', () => {
    const run = runCeremony(createCeremony(suite, { needed: 2, of: 3 }));
    const outputs = [1, 2, 3].map((party) => outputOf(run, party));
    const stored = outputs.map(({ certificate }) => encodeHex(encodeCertificate(certificate)));
    expect(new Set(stored).size).toBe(1);
    expect(new Set(outputs.map(({ transcriptHash }) => encodeHex(transcriptHash))).size).toBe(1);
  });
});

it('makes a key of 20 of 32', { tags: 'slow' }, () => {
  const run = runCeremony(createCeremony('ed25519', { needed: 20, of: 32 }));
  expect(endings(run)).toEqual(finished(32));
  const group = groupNamed('ed25519');
  const shares = sharesOf(run);
  expect(interpolate(group, shares.slice(7, 27))).toEqual(shares[0]!.public.groupKey);
});

describe('a run', () => {
  const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
  const one = 1 as PartyIndex;

  it('gives the same bytes for the same parameters and seeds', () => {
    const [a, b] = [runCeremony(ceremony), runCeremony(ceremony)];
    expect(a.wire.map(({ bytes }) => encodeHex(bytes))).toEqual(b.wire.map(({ bytes }) => encodeHex(bytes)));
    expect(a.states).toEqual(b.states);
  });

  it('gives other bytes everywhere for one other seed', () => {
    const other = runCeremony(ceremony, {
      seed: (party) => bytesOf(`other ${party === 2 ? 'seed' : party}`),
    });
    expect(outputOf(other, 1).share.public.groupKey).not.toEqual(
      outputOf(runCeremony(ceremony), 1).share.public.groupKey,
    );
  });

  it('V66: gives other secrets for a repeated seed when the key is another', () => {
    const again = createCeremony('ed25519', { needed: 2, of: 3 }, 'another key');
    const run = runCeremony(again, { seed: ceremony.seedOf });
    const posted = (r: DkgRun) => r.wire.slice(0, 2).map(({ bytes }) => encodeHex(bytes));
    expect(posted(run)).not.toEqual(posted(runCeremony(ceremony)));
  });

  it.each([
    ['all zero', new Uint8Array(32)],
    ['31 bytes', new Uint8Array(31).fill(1)],
    ['33 bytes', new Uint8Array(33).fill(1)],
  ])('V66: refuses a seed that is %s', (_, seed) => {
    expect(() => dkgProtocol.start(ceremony.paramsOf(one), seed)).toThrow(
      expect.objectContaining({ code: 'SEED_INVALID' }),
    );
  });

  it('refuses to start in a slot that is not ours, or with a static secret that is not its', () => {
    const stranger = { ...ceremony.paramsOf(one), me: 4 as PartyIndex };
    expect(() => dkgProtocol.start(stranger, bytesOf('seed'))).toThrow(
      expect.objectContaining({ code: 'PARTY_MISSING' }),
    );
    const wrongSlot = { ...ceremony.paramsOf(one), me: 2 as PartyIndex };
    expect(() => dkgProtocol.start(wrongSlot, bytesOf('seed'))).toThrow(
      expect.objectContaining({ code: 'STATIC_SECRET_WRONG' }),
    );
  });

  it('does not change its input, so that any step can be taken again', () => {
    const start = dkgProtocol.start(ceremony.paramsOf(one), ceremony.seedOf(one));
    if (start.kind !== 'waiting') throw new Error('did not start');
    const inbox = runCeremony(ceremony).wire.filter(({ to, round }) => to === 1 && round === 0);
    const encode = () => encodeHex(dkgProtocol.state.encode(start.state));
    const before = encode();
    const [first, second] = [
      dkgProtocol.advance(start.state, inbox),
      dkgProtocol.advance(start.state, inbox),
    ];
    expect(encode()).toBe(before);
    expect(first.kind === 'waiting' && encodeHex(dkgProtocol.state.encode(first.state))).toBe(
      second.kind === 'waiting' && encodeHex(dkgProtocol.state.encode(second.state)),
    );
  });

  it('a run says for which parties it waits', () => {
    const start = dkgProtocol.start(ceremony.paramsOf(one), ceremony.seedOf(one));
    if (start.kind !== 'waiting') throw new Error('did not start');
    expect(dkgProtocol.awaiting(start.state)).toEqual({ round: 0, from: [2, 3] });
  });

  it('keeps its secrets out of what prints or serialises a state or an output', () => {
    const run = runCeremony(ceremony);
    const { share } = outputOf(run, 1);
    const printed = `${String(share.share)} ${JSON.stringify(share)} ${JSON.stringify([...run.outcomes])}`;
    expect(printed).not.toContain(encodeHex(reveal(share.share, 'test')));
    expect(printed).toContain('<secret>');
  });
});
