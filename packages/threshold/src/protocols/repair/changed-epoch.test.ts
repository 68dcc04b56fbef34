import { encodeHex, reveal } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import type { KeyShare } from '../../key/public-package.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { simulate } from '../../protocol/simulate.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { type Epoch, generate } from '../reshare/fixtures/changes.js';
import { next } from '../reshare/fixtures/next-epoch.js';
import { signs } from '../reshare/fixtures/signing.js';
import { createLoss, lossStatement, type RepairParams, repairProtocol, verifyLoss } from './index.js';

const opened = ({ share }: KeyShare) => encodeHex(reveal(share, 'test'));
const shareAt = ({ held, names }: Epoch, slot: number) => held.get(names[slot - 1]!)!.share;

/** A loss as the operator of a server states it, of whichever epoch. */
function stateLoss({ certified, names }: Epoch, slot: number) {
  const { sealingSecret, loss } = createLoss(certified, slot as PartyIndex, bytesOf(`loss of ${slot}`));
  const identity = bytesOf(`identity of ${names[slot - 1]!}`);
  return { sealingSecret, loss: { ...loss, signature: ed25519.sign(lossStatement(loss), identity) } };
}

/** Gives a slot its share of an epoch back, by these helpers. */
function repairIn(epoch: Epoch, slot: number, helpers: readonly number[]): KeyShare {
  const { loss, sealingSecret } = stateLoss(epoch, slot);
  const repair = { key: epoch.certified, loss, helpers: helpers as PartyIndex[] };
  const params = (me: PartyIndex): RepairParams =>
    me === slot
      ? { role: 'target', repair, sealingSecret }
      : { role: 'helper', repair, me, share: shareAt(epoch, me).share };
  const parties = [...helpers, slot].sort((a, b) => a - b) as PartyIndex[];
  const seed = (party: PartyIndex) => bytesOf(`seed of helper ${party}`);
  const outcome = simulate({ protocol: repairProtocol, parties, params, seed }).outcomes.get(
    slot as PartyIndex,
  );
  if (outcome?.kind === 'finished' && outcome.output.role === 'target') return outcome.output.share;
  throw new Error('the target did not finish');
}

const first = generate('secp256k1', { needed: 2, of: 3 });
const refreshed = next(first, {
  dealers: ['alpha', 'charlie'],
  members: ['alpha', 'bravo', 'charlie'],
  needed: 2,
});
const wider = next(refreshed, {
  dealers: ['alpha', 'bravo'],
  members: ['delta', 'alpha', 'bravo', 'echo', 'charlie'],
  needed: 3,
});

describe('V30: a repair in an epoch that a change made', () => {
  it.each([
    ['after a refresh', refreshed, 2, [1, 3]],
    ['of a server that joined, by old and new ones', wider, 4, [1, 2, 5]],
    ['of a server whose slot is another now', wider, 3, [1, 4, 5]],
  ] as const)(
    '%s gives back the certified share, which signs under the same key',
    (_, epoch, slot, helpers) => {
      const share = repairIn(epoch, slot, helpers);
      expect(opened(share)).toBe(opened(shareAt(epoch, slot)));
      const others = helpers.slice(1).map((helper) => shareAt(epoch, helper));
      expect(
        signs(
          epoch.certified.public,
          [share, ...others].sort((a, b) => a.party - b.party),
        ),
      ).toBe(true);
      expect(epoch.certified.public.groupKey).toEqual(first.certified.public.groupKey);
    },
  );

  it('never of an epoch before: its statement is of another transcript', () => {
    const { loss } = stateLoss(first, 2);
    expect(codeOf(() => verifyLoss(refreshed.certified, loss))).toBe('LOSS_STATEMENT_INVALID');
  });

  it('with the old shares of its helpers gives nothing: they are not the certified ones', () => {
    const { loss } = stateLoss(refreshed, 2);
    const repair = { key: refreshed.certified, loss, helpers: [1, 3] as PartyIndex[] };
    const { share } = shareAt(first, 1);
    const start = () =>
      repairProtocol.start({ role: 'helper', repair, me: 1 as PartyIndex, share }, bytesOf('s'));
    expect(codeOf(start)).toBe('SHARE_NOT_CERTIFIED');
  });
});
