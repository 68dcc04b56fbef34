import { describe, expect, it } from 'vitest';
import { recoverChangedShare } from '../../key/certificate/recover-change.js';
import { verifySignedChange } from '../../key/certificate/change.js';
import { signCocktail } from '../../key/cocktail/signature.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { reveal } from '@ckm/foundation';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { generate, outputAt, propose, runChange } from './fixtures/changes.js';
import { reshareProtocol, type SignedChange } from './index.js';
import { changeResult } from './run.js';

const epoch = generate('ed25519', { needed: 2, of: 3 });
/** Seats: charlie 1 receives, alpha 2 does both, bravo 3 deals. */
const change = propose(epoch, { dealers: ['alpha', 'bravo'], members: ['charlie', 'alpha'], needed: 2 });
const run = runChange(change);
const { state: stateCodec, message: messageCodec } = reshareProtocol;

describe.each([
  ['that receives', 1],
  ['that does both', 2],
  ['that deals', 3],
])('the stored states of a party %s', (_, seat) => {
  const states = run.states.get(seat as PartyIndex)!;

  it('have one encoding, and come back the same', () => {
    expect(states).toHaveLength(2);
    for (const bytes of states) expect(stateCodec.encode(stateCodec.decode(bytes))).toEqual(bytes);
  });

  it('V9: cut short anywhere, longer, of another round or of no seat are refused', () => {
    for (const bytes of states) {
      for (let length = 0; length < bytes.length; length += 41) {
        expect(codeOf(() => stateCodec.decode(bytes.subarray(0, length)))).not.toBe('nothing thrown');
      }
      expect(codeOf(() => stateCodec.decode(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
      for (const round of [bytes[0]! ^ 1, 2, 255]) {
        const other = Uint8Array.of(round, ...bytes.subarray(1));
        expect(codeOf(() => stateCodec.decode(other))).toBe('LAYOUT_INVALID');
      }
      const state = stateCodec.decode(bytes);
      const nowhere = stateCodec.encode({ ...state, me: 9 as PartyIndex });
      expect(codeOf(() => stateCodec.decode(nowhere))).toBe('LAYOUT_INVALID');
    }
    expect(codeOf(() => stateCodec.decode(new Uint8Array(stateCodec.maxBytes + 1)))).toBe('LAYOUT_TOO_LONG');
  });

  it('go on to the same end after a restart, also when all messages come again', () => {
    const heard = run.wire.filter(({ to }) => to === seat);
    const first = reshareProtocol.advance(stateCodec.decode(states[0]!), [...heard, ...heard]);
    if (first.kind !== 'waiting') throw new Error(first.kind);
    expect(stateCodec.encode(first.state)).toEqual(states[1]);
    const last = reshareProtocol.advance(stateCodec.decode(states[1]!), [...heard].reverse());
    if (last.kind !== 'finished') throw new Error(last.kind);
    expect(last.output.signed).toEqual(outputAt(run, seat).signed);
  });
});

describe('a message of a change', () => {
  it('V9: cut short anywhere, longer, or of another round is refused', () => {
    for (const { bytes } of run.wire) {
      for (let length = 0; length < bytes.length; length += 7) {
        expect(codeOf(() => messageCodec.decode(bytes.subarray(0, length)))).toBe('LAYOUT_INVALID');
      }
      expect(codeOf(() => messageCodec.decode(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
      expect(codeOf(() => messageCodec.decode(Uint8Array.of(7, ...bytes.subarray(1))))).toBe(
        'LAYOUT_INVALID',
      );
    }
  });

  it('of no form is not written', () => {
    const wrong = [
      { round: 0, sessionId: new Uint8Array(31), dealing: new Uint8Array(9) },
      { round: 2 },
      null,
    ];
    for (const message of wrong)
      expect(codeOf(() => messageCodec.encode(message as never))).toBe('LAYOUT_INVALID');
  });
});

it('a share that all receivers signed for, although one of them could not open it, is not recovered, and its dealer is suspected', () => {
  const { deals } = outputAt(run, 1).signed;
  const bent = deals.map((deal, i) => {
    const dealing = deal.dealing.map((byte, at) =>
      i === 1 && at === deal.dealing.length - 1 ? byte ^ 1 : byte,
    );
    return { ...deal, dealing };
  });
  const result = changeResult(epoch.certified, change.params, bent);
  if ('code' in result) throw new Error(result.code);
  const suite = cocktailSuite('ed25519');
  const signatures = change.params.next.roster.map(({ staticKey: publicKey }, i) => {
    const opened = reveal(change.staticSecrets.get(change.members[i]!)!, 'test');
    const key = { secret: suite.group.scalars.parseSecret(opened), publicKey };
    return signCocktail(suite, key, result.transcript, bytesOf('hedge'));
  });
  const signed: SignedChange = { change: change.params, deals: bent, signatures };
  expect(verifySignedChange(epoch.certified, signed).params).toEqual(change.params.next);
  const recover = (name: string) => () =>
    recoverChangedShare(epoch.certified, signed, change.staticSecrets.get(name)!);
  expect(recover('charlie')).not.toThrow();
  expect(recover('alpha')).toThrow(
    expect.objectContaining({ code: 'SUSPECT_SHARE', facts: { culprits: [3] } }),
  );
});
