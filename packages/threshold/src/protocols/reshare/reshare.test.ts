import { encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../key/certificate/chain.js';
import { recoverChangedShare } from '../../key/certificate/recover-change.js';
import { SUITE_NAMES } from '../../key/index.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import {
  endings,
  type Epoch,
  generate,
  outputAt,
  propose,
  runChange,
  type Wish,
} from './fixtures/changes.js';
import { approve, next } from './fixtures/next-epoch.js';
import { epochSigns, sharesOf, signs } from './fixtures/signing.js';

const finished = (n: number) => Array.from({ length: n }, () => 'finished');
const keyOf = ({ certified }: Epoch) => encodeHex(certified.public.groupKey);
const refresh: Wish = { dealers: ['alpha', 'charlie'], members: ['alpha', 'bravo', 'charlie'], needed: 2 };

const WISHES: [what: string, wish: Wish, signers: readonly string[]][] = [
  ['a refresh', refresh, ['bravo', 'charlie']],
  [
    'a refresh with the slots in another order',
    { ...refresh, members: ['charlie', 'alpha', 'bravo'] },
    ['alpha', 'bravo'],
  ],
  ['one server more', { ...refresh, members: ['alpha', 'bravo', 'charlie', 'delta'] }, ['delta', 'bravo']],
  [
    'one server fewer',
    { dealers: ['bravo', 'charlie'], members: ['alpha', 'bravo'], needed: 2 },
    ['alpha', 'bravo'],
  ],
  [
    'another server in the place of one',
    { dealers: ['alpha', 'bravo'], members: ['alpha', 'delta', 'charlie'], needed: 2 },
    ['delta', 'charlie'],
  ],
  ['a higher quorum', { ...refresh, needed: 3 }, ['alpha', 'bravo', 'charlie']],
  ['none of the old servers', { ...refresh, members: ['delta', 'echo'] }, ['delta', 'echo']],
];

describe.each(SUITE_NAMES)('V28: a change of a key of suite %s', (suite) => {
  const epoch = generate(suite, { needed: 2, of: 3 });

  it.each(WISHES)('to %s keeps key and chain code, and the new shares sign', (_, wish, signers) => {
    const changed = next(epoch, wish);
    expect(keyOf(changed)).toBe(keyOf(epoch));
    expect(changed.certified.public.chainCode).toEqual(epoch.certified.public.chainCode);
    expect(changed.certified.public.quorum).toEqual({ needed: wish.needed, of: wish.members.length });
    const { group } = cocktailSuite(suite);
    for (const { share } of changed.held.values()) {
      const own = group.encode(group.mulBase(group.scalars.parseSecret(reveal(share.share, 'test'))));
      expect(own).toEqual(changed.certified.public.verifyingShares[share.party - 1]);
    }
    expect(epochSigns(changed, signers)).toBe(true);
  });

  it('V31: leaves old and new shares that together sign under neither public half, while each set signs under its own', () => {
    const changed = next(epoch, refresh);
    const mixed = [sharesOf(epoch, ['alpha'])[0]!, sharesOf(changed, ['bravo'])[0]!];
    expect(signs(changed.certified.public, mixed)).toBe(false);
    expect(signs(epoch.certified.public, mixed)).toBe(false);
    expect(signs(changed.certified.public, sharesOf(epoch, ['alpha', 'bravo']))).toBe(false);
    expect(epochSigns(epoch, ['alpha', 'bravo'])).toBe(true);
    expect(epochSigns(changed, ['alpha', 'bravo'])).toBe(true);
  });

  it(
    '2 of 3 → 3 of 5 → 2 of 2 → 2 of 3 with other members signs under the same key at each step',
    { tags: 'slow' },
    () => {
      const wider = next(epoch, {
        dealers: ['alpha', 'bravo'],
        members: ['alpha', 'delta', 'bravo', 'echo', 'charlie'],
        needed: 3,
      });
      const two = next(wider, {
        dealers: ['delta', 'echo', 'charlie'],
        members: ['echo', 'golf'],
        needed: 2,
      });
      const other = next(two, {
        dealers: ['echo', 'golf'],
        members: ['foxtrot', 'golf', 'hotel'],
        needed: 2,
      });
      const steps = [epoch, wider, two, other];
      expect(new Set(steps.map(keyOf)).size).toBe(1);
      expect(epochSigns(epoch, ['alpha', 'charlie'])).toBe(true);
      expect(epochSigns(wider, ['delta', 'echo', 'charlie'])).toBe(true);
      expect(epochSigns(wider, ['delta', 'echo'])).toBe(false);
      expect(epochSigns(two, ['echo', 'golf'])).toBe(true);
      expect(epochSigns(other, ['foxtrot', 'hotel'])).toBe(true);
      const chain = verifyChain(other.first, other.changes, approve);
      expect(chain.map(({ transcriptHash }) => encodeHex(transcriptHash))).toEqual(
        steps.map(({ certified }) => encodeHex(certified.transcriptHash)),
      );
      expect(chain.at(-1)).toEqual(other.certified);
    },
  );
});

describe('the parties of a change', () => {
  const epoch = generate('ed25519', { needed: 2, of: 3 });

  it('that only deal, only receive, or do both, all end with the same signed change', () => {
    const change = propose(epoch, { dealers: ['alpha', 'bravo'], members: ['alpha', 'delta'], needed: 2 });
    const run = runChange(change);
    expect(endings(run)).toEqual(finished(3));
    const outputs = change.parties.map((seat) => outputAt(run, seat));
    expect(change.parties.map(change.nameAt)).toEqual(['alpha', 'delta', 'bravo']);
    expect(outputs.map(({ share }) => share?.party ?? null)).toEqual([1, 2, null]);
    for (const output of outputs) {
      expect(output.signed).toEqual(outputs[0]!.signed);
      expect(output.transcriptHash).toEqual(outputs[0]!.transcriptHash);
      expect(output.public).toEqual(outputs[0]!.public);
    }
  });

  it.each([[['alpha', 'bravo']], [['alpha', 'charlie']], [['bravo', 'charlie']]])(
    'may be any quorum of dealers: %j',
    (dealers) => {
      const changed = next(epoch, { ...refresh, dealers });
      expect(keyOf(changed)).toBe(keyOf(epoch));
      expect(epochSigns(changed, ['alpha', 'bravo'])).toBe(true);
    },
  );

  it('L7: that start again from what is stored send the same dealing, and never another', () => {
    const change = propose(epoch, refresh);
    const [first, again] = [runChange(change), runChange(change)];
    expect(first.wire.map(({ bytes }) => encodeHex(bytes))).toEqual(
      again.wire.map(({ bytes }) => encodeHex(bytes)),
    );
  });

  it('L7: deal another polynomial to other dealers’ company, although the seed is the same', () => {
    const seed = () => bytesOf('a repeated seed');
    const commitmentOf = (dealers: readonly string[]) => {
      const change = propose(epoch, { ...refresh, dealers });
      const run = runChange(change, { seed });
      const [deal] = outputAt(run, 1).signed.deals;
      return encodeHex(deal!.dealing.subarray(32, 64));
    };
    expect(commitmentOf(['alpha', 'bravo'])).not.toBe(commitmentOf(['alpha', 'charlie']));
  });

  it('V24: say no share in clear', () => {
    const change = propose(epoch, refresh);
    const run = runChange(change);
    const wire = run.wire.map(({ bytes }) => encodeHex(bytes)).join();
    const secrets = change.parties.flatMap((seat) => [
      outputAt(run, seat).share!.share,
      epoch.held.get(change.nameAt(seat))!.share.share,
    ]);
    for (const secret of secrets) expect(wire).not.toContain(encodeHex(reveal(secret, 'test')));
  });

  it('keep the old share out of the state, and the old epoch signs on whatever became of the change', () => {
    const change = propose(epoch, refresh);
    const run = runChange(change, {
      deliver: (delivery) => (delivery.round === 1 && delivery.from === 2 ? [] : [delivery]),
    });
    expect(endings(run)).toEqual(['waiting', 'finished', 'waiting']);
    const states = [...run.states.values()].flat().map(encodeHex).join();
    expect(states).not.toContain(encodeHex(reveal(epoch.held.get('alpha')!.share.share, 'test')));
    expect(epochSigns(epoch, ['alpha', 'bravo'])).toBe(true);
  });

  it('recover a share from the signed change and the static secret, and nobody else does', () => {
    const change = propose(epoch, refresh);
    const { signed, share } = outputAt(runChange(change), 2);
    const recovered = recoverChangedShare(epoch.certified, signed, change.staticSecrets.get('bravo')!);
    expect(reveal(recovered.share, 'test')).toEqual(reveal(share!.share, 'test'));
    expect(recovered.public).toEqual(share!.public);
    const old = epoch.held.get('bravo')!.staticSecret;
    expect(() => recoverChangedShare(epoch.certified, signed, old)).toThrow('belongs to no server');
  });

  it('that has no part in it, or a part with other secrets, does not begin', () => {
    const change = propose(epoch, refresh);
    const mine = change.paramsOf(1 as PartyIndex);
    const begin = (params: typeof mine) => () => runChange(change, { params: () => params });
    expect(begin({ ...mine, me: 9 as PartyIndex })).toThrow('no such part');
    expect(begin({ ...mine, deals: null })).toThrow('no such part');
    expect(begin({ ...mine, receives: null })).toThrow('no such part');
    const bravo = epoch.held.get('bravo')!;
    expect(begin({ ...mine, deals: { ...mine.deals!, share: bravo.share.share } })).toThrow('certified for');
    expect(begin({ ...mine, deals: { ...mine.deals!, staticSecret: bravo.staticSecret } })).toThrow(
      'static secret',
    );
    expect(begin({ ...mine, receives: { ...mine.receives!, staticSecret: bravo.staticSecret } })).toThrow(
      'static secret',
    );
    expect(begin({ ...mine, deals: { ...mine.deals!, nonce: bytesOf('stale') } })).toThrow('dealers');
    expect(begin({ ...mine, receives: { ...mine.receives!, nonce: bytesOf('stale') } })).toThrow('nonces');
  });
});

it('refreshes a key of 7 of 10', { tags: 'slow' }, () => {
  const epoch = generate('ed25519', { needed: 7, of: 10 });
  const changed = next(epoch, { dealers: epoch.names.slice(2, 9), members: epoch.names, needed: 7 });
  expect(keyOf(changed)).toBe(keyOf(epoch));
  expect(epochSigns(changed, epoch.names.slice(0, 7))).toBe(true);
  expect(epochSigns(changed, epoch.names.slice(0, 6))).toBe(false);
});
