import { encodeHex } from '@ckm/foundation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyChain } from '../../key/certificate/chain.js';
import { SUITE_NAMES } from '../../key/index.js';
import { type Epoch, generate, type Wish } from './fixtures/changes.js';
import { approve, next } from './fixtures/next-epoch.js';
import { epochSigns, sharesOf, signs } from './fixtures/signing.js';

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf'];

/** A change that somebody may wish, whatever the epoch before: dealers are drawn by rank. */
const wishes = fc.record({
  members: fc.shuffledSubarray(NAMES, { minLength: 2, maxLength: 5 }),
  quorum: fc.nat(),
  ranks: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
});

function wishFor(
  epoch: Epoch,
  { members, quorum, ranks }: typeof wishes extends fc.Arbitrary<infer T> ? T : never,
): Wish {
  const order = epoch.names.map((name, i) => ({ name, rank: ranks[i]! })).sort((a, b) => a.rank - b.rank);
  const dealers = order.slice(0, epoch.certified.public.quorum.needed).map(({ name }) => name);
  return { dealers, members, needed: 2 + (quorum % (members.length - 1)) };
}

test(
  'V28, V31: after any sequence of changes the key is the same, every quorum of the newest epoch signs, and no short or mixed set does',
  { tags: 'slow', timeout: 120_000 },
  () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SUITE_NAMES),
        fc.array(wishes, { minLength: 1, maxLength: 4 }),
        (suite, asked) => {
          const start = generate(suite, { needed: 2, of: 3 });
          const epochs = asked.reduce<Epoch[]>(
            (done, each) => [...done, next(done.at(-1)!, wishFor(done.at(-1)!, each))],
            [start],
          );
          const newest = epochs.at(-1)!;
          const before = epochs.at(-2)!;
          const { needed } = newest.certified.public.quorum;
          expect(encodeHex(newest.certified.public.groupKey)).toBe(
            encodeHex(start.certified.public.groupKey),
          );
          expect(verifyChain(start.first, newest.changes, approve).at(-1)).toEqual(newest.certified);
          expect(epochSigns(newest, newest.names.slice(0, needed))).toBe(true);
          expect(epochSigns(newest, newest.names.slice(-needed))).toBe(true);
          expect(epochSigns(newest, newest.names.slice(0, needed - 1))).toBe(false);
          const old =
            sharesOf(before, before.names).find(({ party }) => party === needed) ??
            sharesOf(before, before.names)[0]!;
          const own = sharesOf(newest, newest.names)
            .filter(({ party }) => party !== old.party)
            .slice(0, needed - 1);
          expect(
            signs(
              newest.certified.public,
              [...own, old].sort((a, b) => a.party - b.party),
            ),
          ).toBe(false);
        },
      ),
      { numRuns: 12 },
    );
  },
);
