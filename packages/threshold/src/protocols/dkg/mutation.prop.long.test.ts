// @module-tag long
import { concatBytes, encodeHex } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import type { Delivery } from '../../protocol/simulate.js';
import { createCeremony } from './fixtures/parties.js';
import { type DkgRun, endings, runCeremony } from './fixtures/rogue.js';
import { type DkgMessage, dkgProtocol } from './index.js';

const ceremony = createCeremony('secp256k1', { needed: 2, of: 3 });
const RUNS = { numRuns: 25 };

const FIELDS = [
  [0, 'nonce'],
  [0, 'commitment'],
  [1, 'sessionId'],
  [1, 'dealing'],
  [1, 'salt'],
  [2, 'view'],
  [2, 'signature'],
] as const;

/** Changes that keep the type and the length, so that the message still is one. */
const sameShape = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(10_000), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('fill' as const), at: fc.nat(10_000), bit: fc.constant(0) }),
);
type SameShape = { readonly kind: 'flip' | 'fill'; readonly at: number; readonly bit: number };

function changed(bytes: Uint8Array, { kind, at, bit }: SameShape): Uint8Array {
  const from = at % bytes.length;
  if (kind === 'flip') return bytes.map((byte, i) => (i === from ? byte ^ (1 << bit) : byte));
  const filled = bytes.slice().fill(0xff, from);
  return encodeHex(filled) === encodeHex(bytes) ? filled.fill(0, from) : filled;
}

/** What may be anything, in place of bytes or of the whole body. */
const garbage = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'text', 7, Number.NaN, true, {}, [], 'ab'.repeat(32)),
  fc.uint8Array({ maxLength: 31 }),
  fc.constant({ length: 32 }),
  fc.constant(new Uint16Array(16)),
);

// A change to the share that party 2 encrypts for itself harms party 2 alone: the others find out from its own echo,
// and blame nobody.

/** Party 2 says something else than it should, to both others alike. */
function runWith(round: number, change: (body: DkgMessage) => unknown): DkgRun {
  return runCeremony(ceremony, {
    deliver: (delivery): readonly Delivery<DkgMessage>[] =>
      delivery.from === 2 && delivery.round === round
        ? [{ ...delivery, body: change(delivery.body) as DkgMessage }]
        : [delivery],
  });
}

/** The faults of the honest parties 1 and 3. */
function honestFaults(run: DkgRun) {
  return [1, 3].flatMap((party) => {
    const outcome = run.outcomes.get(party as PartyIndex)!;
    return outcome.kind === 'aborted' ? [outcome.fault] : [];
  });
}

describe('a message of party 2 with', () => {
  it.each(FIELDS)(
    'another value in round %i, field %s, never ends in a key and never blames another',
    (round, field) => {
      fc.assert(
        fc.property(sameShape, (change) => {
          const run = runWith(round, (body) => ({
            ...body,
            [field]: changed((body as unknown as Record<string, Uint8Array>)[field]!, change),
          }));
          const faults = honestFaults(run);
          expect(faults.length).toBeGreaterThan(0);
          for (const { code, culprits } of faults)
            expect(culprits).toEqual(code.startsWith('RETRY') ? [] : [2]);
          if (field === 'salt' || field === 'signature')
            expect(faults.map(({ culprits }) => culprits)).toEqual([[2], [2]]);
          const kinds = [1, 3].map((party) => run.outcomes.get(party as PartyIndex)!.kind);
          expect(kinds).not.toContain('finished');
        }),
        RUNS,
      );
    },
  );

  it.each(FIELDS)('garbage in round %i, field %s, is the fault of party 2', (round, field) => {
    fc.assert(
      fc.property(garbage, (value) => {
        const run = runWith(round, (body) => ({ ...body, [field]: value }));
        const faults = honestFaults(run);
        expect(faults.length).toBeGreaterThan(0);
        for (const { culprits } of faults) expect(culprits).toEqual([2]);
      }),
      RUNS,
    );
  });

  it.each([0, 1, 2])('garbage as the whole body in round %i is the fault of party 2', (round) => {
    fc.assert(
      fc.property(fc.oneof(garbage, fc.constant({ round: 3 }), fc.constant({ round })), (value) => {
        const faults = honestFaults(runWith(round, () => value));
        expect(faults.length).toBeGreaterThan(0);
        for (const { code, culprits } of faults) {
          expect([code, culprits]).toEqual(['FAULT_MALFORMED', [2]]);
        }
      }),
      RUNS,
    );
  });

  it.each([0, 1, 2])('the body of another round in round %i is the fault of party 2', (round) => {
    const honest = runCeremony(ceremony);
    const other = honest.wire.find((delivery) => delivery.from === 2 && delivery.round !== round)!.body;
    const faults = honestFaults(runWith(round, () => other));
    expect(faults.map(({ code, culprits }) => [code, culprits])).toEqual(
      faults.map(() => ['FAULT_MALFORMED', [2]]),
    );
    expect(faults.length).toBeGreaterThan(0);
  });
});

it('a message changed for one receiver only never ends in a key for the one who saw it changed', () => {
  fc.assert(
    fc.property(fc.constantFrom(...FIELDS), sameShape, ([round, field], change) => {
      const run = runCeremony(ceremony, {
        deliver: (delivery): readonly Delivery<DkgMessage>[] => {
          if (delivery.from !== 2 || delivery.to !== 1 || delivery.round !== round) return [delivery];
          const bytes = (delivery.body as unknown as Record<string, Uint8Array>)[field]!;
          return [{ ...delivery, body: { ...delivery.body, [field]: changed(bytes, change) } as DkgMessage }];
        },
      });
      const [first] = endings(run);
      expect(first).not.toBe('finished');
      if (round < 2) expect(endings(run)).not.toContain('finished');
      for (const { culprits } of honestFaults(run)) expect([[], [2]]).toContainEqual(culprits);
    }),
    RUNS,
  );
});

describe('the codecs', () => {
  const honest = runCeremony(ceremony);

  it('read back every message and state of a run, and nothing that differs in length', () => {
    for (const { bytes } of honest.wire) {
      expect(dkgProtocol.message.encode(dkgProtocol.message.decode(bytes))).toEqual(bytes);
      expect(() => dkgProtocol.message.decode(concatBytes(bytes, Uint8Array.of(0)))).toThrow(
        expect.objectContaining({ errorClass: 'EncodingError' }),
      );
    }
    for (const bytes of [...honest.states.values()].flat()) {
      expect(dkgProtocol.state.encode(dkgProtocol.state.decode(bytes))).toEqual(bytes);
      expect(() => dkgProtocol.state.decode(bytes.subarray(0, -1))).toThrow(
        expect.objectContaining({ errorClass: 'EncodingError' }),
      );
    }
  });

  it('V9: never throw anything but a typed error, and never allocate for a length that was only claimed', () => {
    const seen = [...honest.wire.map(({ bytes }) => bytes), ...[...honest.states.values()].flat()];
    fc.assert(
      fc.property(fc.constantFrom(...seen), sameShape, fc.boolean(), (bytes, change, cut) => {
        const input = changed(bytes, change).subarray(0, cut ? change.at % bytes.length : bytes.length);
        for (const codec of [dkgProtocol.message, dkgProtocol.state]) {
          try {
            codec.decode(input);
          } catch (error) {
            expect(error).toMatchObject({ errorClass: 'EncodingError' });
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('V9: refuse more than they say that they read', () => {
    for (const codec of [dkgProtocol.message, dkgProtocol.state]) {
      expect(() => codec.decode(new Uint8Array(codec.maxBytes + 1))).toThrow(
        expect.objectContaining({ code: 'LAYOUT_TOO_LONG' }),
      );
    }
  });

  it('hold the largest key: 32 of 32', () => {
    const largest = createCeremony('secp256k1', { needed: 32, of: 32 });
    const start = dkgProtocol.start(largest.paramsOf(1 as PartyIndex), largest.seedOf(1 as PartyIndex));
    if (start.kind !== 'waiting') throw new Error('did not start');
    const bytes = dkgProtocol.state.encode(start.state);
    expect(dkgProtocol.state.encode(dkgProtocol.state.decode(bytes))).toEqual(bytes);
  });
});
