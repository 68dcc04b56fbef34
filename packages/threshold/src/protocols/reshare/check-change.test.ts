import { describe, expect, it } from 'vitest';
import { receiverKeyStatement } from '../../key/static-key.js';
import type { KeyParams } from '../../key/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf, createServer, vouch } from '../dkg/fixtures/parties.js';
import {
  changeOf,
  endings,
  generate,
  nonceOf,
  propose,
  receiverEntry,
  runChange,
  type Wish,
} from './fixtures/changes.js';
import { verifyChain } from '../../key/certificate/chain.js';
import { hashOrder } from '../change/index.js';
import { next } from './fixtures/next-epoch.js';
import {
  type ChangeParams,
  encodeChange,
  knownMembers,
  orderOf,
  parseChange,
  verifyChangeParams,
} from './index.js';

const wish: Wish = { dealers: ['alpha', 'bravo'], members: ['alpha', 'charlie', 'delta'], needed: 2 };
const epoch = generate('ed25519', { needed: 2, of: 3 });
const { certified } = epoch;
const proposal = propose(epoch, wish);
const { params } = proposal;
const errorOf = (change: ChangeParams) => {
  try {
    verifyChangeParams(certified, change);
  } catch (error) {
    return error as { code: string; facts: Record<string, unknown> };
  }
  return undefined;
};
const fieldOf = (change: ChangeParams) => [errorOf(change)?.code, errorOf(change)?.facts['field']];

/** The same change with something else in the parameters of the next epoch, and everything signed for that. */
function withNext(altered: Partial<KeyParams>): ChangeParams {
  const next = { ...params.next, ...altered };
  const roster = wish.members.map((name, i) => receiverEntry(next, params.order, name, i + 1).entry);
  return { ...params, next: { ...next, roster } };
}

describe('the parameters of a change', () => {
  it('hold as they were proposed, and have one encoding', () => {
    expect(errorOf(params)).toBeUndefined();
    expect(parseChange(encodeChange(params))).toEqual(params);
    const bytes = encodeChange(params);
    expect(codeOf(() => parseChange(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
    for (let length = 0; length < bytes.length; length += 17) {
      expect(codeOf(() => parseChange(bytes.subarray(0, length)))).not.toBe('nothing thrown');
    }
  });

  it.each([
    ['key id', { keyId: bytesOf('another key') }],
    ['suite', { suite: 'ristretto255' }],
    ['purpose', { purpose: 'other' }],
    ['epoch', { epoch: 2 }],
    ['previous transcript hash', { previous: bytesOf('another epoch') }],
  ] as const)('V28: with another %s are refused', (field, altered) => {
    expect(fieldOf(withNext(altered))).toEqual(['CHANGE_INVALID', field]);
  });

  it('L13: may raise that shares were given out or dealt, and lower neither, nor change what was fixed at birth', () => {
    const flags = (dealt: boolean, exportable: boolean, exported: boolean, hd: boolean, strict = false) => ({
      dealt,
      exportable,
      exported,
      hd,
      strict,
    });
    const verify = (old: ReturnType<typeof flags>, now: ReturnType<typeof flags>) => {
      const before = { ...certified, params: { ...certified.params, flags: old } };
      return codeOf(() => verifyChangeParams(before, withNext({ flags: now })));
    };
    const [no, yes] = [false, true];
    expect(verify(flags(no, yes, no, no), flags(yes, yes, yes, no))).toBe('nothing thrown');
    expect(verify(flags(yes, yes, no, no), flags(no, yes, no, no))).toBe('CHANGE_INVALID');
    expect(verify(flags(no, yes, yes, no), flags(no, yes, no, no))).toBe('CHANGE_INVALID');
    expect(verify(flags(no, yes, no, no), flags(no, no, no, no))).toBe('CHANGE_INVALID');
    expect(verify(flags(no, no, no, yes), flags(no, no, no, no))).toBe('CHANGE_INVALID');
    // A strict key is strict in every epoch, and no other becomes one.
    expect(verify(flags(no, no, no, yes, yes), flags(no, no, no, yes, yes))).toBe('nothing thrown');
    expect(verify(flags(no, no, no, yes, yes), flags(no, no, no, yes))).toBe('CHANGE_INVALID');
    expect(verify(flags(no, no, no, yes), flags(no, no, no, yes, yes))).toBe('CHANGE_INVALID');
  });

  const dealer = (slot: number, of: number) => ({
    epoch: of,
    slot: slot as PartyIndex,
    nonce: bytesOf(`${slot}`),
  });
  it.each([
    ['one dealer too few', [dealer(1, 0)]],
    ['one dealer too many', [dealer(1, 0), dealer(2, 0), dealer(3, 0)]],
    ['no dealer', []],
    ['a dealer twice', [dealer(1, 0), dealer(1, 0)]],
    ['dealers out of order', [dealer(2, 0), dealer(1, 0)]],
    ['a dealer who was no member', [dealer(1, 0), dealer(4, 0)]],
    ['dealers of another epoch', [dealer(1, 1), dealer(2, 1)]],
  ])('V2, V28: with %s are refused', (_, dealers) => {
    expect(fieldOf({ ...params, dealers })).toEqual(['CHANGE_INVALID', 'dealers']);
  });

  it('V1: with a dealer at slot 0 are refused', () => {
    expect(errorOf({ ...params, dealers: [dealer(0, 0), dealer(1, 0)] })?.code).toBe('PARTY_INDEX_INVALID');
  });

  it('with a nonce too few, or an order of another length, are refused', () => {
    expect(fieldOf({ ...params, nonces: params.nonces.slice(1) })).toEqual(['CHANGE_INVALID', 'nonces']);
    expect(fieldOf({ ...params, order: new Uint8Array(31) })).toEqual(['CHANGE_INVALID', 'order']);
    expect(fieldOf({ ...params, termsVersion: -1 })).toEqual(['CHANGE_INVALID', 'order']);
  });

  it('that fulfil another order than the one they name are refused, whoever signed for it', () => {
    const wishes: Wish[] = [
      { ...wish, needed: 3 },
      { ...wish, members: ['alpha', 'delta', 'charlie'] },
      { ...wish, members: ['alpha', 'charlie', 'echo'] },
      { ...wish, members: ['alpha', 'charlie'] },
    ];
    expect(hashOrder(orderOf(certified, params))).toEqual(params.order);
    for (const other of wishes.map((one) => propose(epoch, one).params)) {
      expect(fieldOf(other)).toEqual([undefined, undefined]);
      expect(fieldOf({ ...other, order: params.order })).toEqual(['CHANGE_INVALID', 'order']);
    }
    expect(fieldOf({ ...params, termsVersion: 1 })).toEqual(['CHANGE_INVALID', 'order']);
    expect(fieldOf(withNext({ termsHash: bytesOf('laxer terms') }))).toEqual([
      'CHANGE_INVALID',
      'terms hash',
    ]);
  });

  it('L8: name later terms, or the same ones: never earlier ones, and under one number no others', () => {
    const terms = (version: number, text: string) => ({ version, hash: bytesOf(text) });
    const later = next(epoch, { ...wish, terms: terms(2, 'later terms') });
    const changeUnder = (named: ReturnType<typeof terms>) =>
      propose(later, {
        dealers: ['alpha', 'charlie'],
        members: ['alpha', 'charlie'],
        needed: 2,
        label: 'on',
        terms: named,
      }).params;
    const judged = (named: ReturnType<typeof terms>) => {
      try {
        verifyChangeParams(later.certified, changeUnder(named));
      } catch (error) {
        return (error as { facts: Record<string, unknown> }).facts['field'];
      }
      return 'holds';
    };
    expect(later.certified.termsVersion).toBe(2);
    expect(judged(terms(2, 'later terms'))).toBe('holds');
    expect(judged(terms(3, 'the last terms'))).toBe('holds');
    expect(judged(terms(3, 'later terms'))).toBe('holds');
    expect(judged(terms(2, 'other terms'))).toBe('terms hash');
    expect(judged(terms(1, 'terms of before'))).toBe('terms version');
    expect(judged(terms(1, 'later terms'))).toBe('terms version');
    expect(judged({ version: 0, hash: certified.params.termsHash })).toBe('terms version');
    const chain = verifyChain(later.first, later.changes, () => undefined);
    expect(chain.map(({ termsVersion }) => termsVersion)).toEqual([0, 2]);
  });

  it('L7: whose receivers signed for another order, epoch before or nonce name them', () => {
    const strangers = wish.members.map(
      (name, i) => receiverEntry(params.next, bytesOf('another order'), name, i + 1).entry,
    );
    const order = { ...params, next: { ...params.next, roster: strangers } };
    const nonces = { ...params, nonces: [params.nonces[0]!, bytesOf('stale'), params.nonces[2]!] };
    const elsewhere = receiverEntry(
      { ...params.next, previous: bytesOf('other') },
      params.order,
      'charlie',
      2,
    ).entry;
    const roster = params.next.roster.map((entry, i) => (i === 1 ? elsewhere : entry));
    expect(errorOf(order)).toMatchObject({ code: 'FAULT_ROSTER', facts: { culprits: [1, 2, 3] } });
    expect(errorOf(nonces)).toMatchObject({ code: 'FAULT_ROSTER', facts: { culprits: [2] } });
    expect(errorOf({ ...params, next: { ...params.next, roster } })).toMatchObject({
      code: 'FAULT_ROSTER',
      facts: { culprits: [2] },
    });
    expect(endings(runChange(changeOf(epoch, nonces, wish.members, proposal.staticSecrets)))).toEqual(
      Array.from({ length: 4 }, () => 'FAULT_ROSTER [2]'),
    );
  });

  it('L7: whose receiver signed as for a new key name it: such an offer would fit any change', () => {
    const [first, ...rest] = params.next.roster;
    const vouched = vouch(params.next, first!, bytesOf('identity of alpha'));
    expect(errorOf({ ...params, next: { ...params.next, roster: [vouched, ...rest] } })).toMatchObject({
      code: 'FAULT_ROSTER',
      facts: { culprits: [1] },
    });
  });

  it('V32f: with a static key of the old epoch, or one without proof, are refused', () => {
    const reused = createServer({ ...params.next, epoch: 0 }, 'alpha', 1).entry;
    const [, ...rest] = params.next.roster;
    expect(fieldOf({ ...params, next: { ...params.next, roster: [reused, ...rest] } })).toEqual([
      'CHANGE_INVALID',
      'static keys',
    ]);
    const [mine, other] = params.next.roster;
    const stolen = { ...mine!, staticKey: epochKey('echo'), staticProof: other!.staticProof };
    expect(errorOf({ ...params, next: { ...params.next, roster: [stolen, ...rest] } })?.code).toBe(
      'FAULT_ROSTER',
    );
  });

  it('with a known server under another identity, or a known identity as another server, are refused', () => {
    const [first, ...rest] = params.next.roster;
    const swap = (altered: object) => ({
      ...params,
      next: { ...params.next, roster: [{ ...first!, ...altered }, ...rest] },
    });
    const stranger = receiverEntry(params.next, params.order, 'echo', 1).entry;
    expect(fieldOf(swap({ identityKey: stranger.identityKey }))).toEqual(['CHANGE_INVALID', 'identities']);
    expect(fieldOf(swap({ serverId: stranger.serverId }))).toEqual(['CHANGE_INVALID', 'identities']);
  });
});

function epochKey(name: string): Uint8Array {
  return receiverEntry(params.next, params.order, name, 1).entry.staticKey;
}

it('V11: the statement of a receiver differs in every field that it is about', () => {
  const [entry] = params.next.roster;
  const whole = { ...params.next, ...entry!, order: params.order, nonce: nonceOf('alpha') };
  const altered = [
    { keyId: bytesOf('x') },
    { epoch: 9 },
    { suite: 'P-256' as const },
    { previous: bytesOf('x') },
    { order: bytesOf('x') },
    { nonce: bytesOf('x') },
    { serverId: bytesOf('x') },
    { identityKey: bytesOf('x') },
    { sealingKey: bytesOf('x') },
    { staticKey: bytesOf('x') },
    { staticProof: bytesOf('x') },
  ];
  const all = [{}, ...altered].map((change) => receiverKeyStatement({ ...whole, ...change }).join());
  expect(new Set(all).size).toBe(all.length);
});

describe('who has held a key', () => {
  it('is looked at once, however many rosters are compared with it', () => {
    let looked = 0;
    const watched = certified.params.roster.map((entry) =>
      Object.defineProperty({ ...entry }, 'staticKey', {
        get: () => {
          looked++;
          return entry.staticKey;
        },
      }),
    );
    const known = knownMembers();
    known.add(watched);
    for (let i = 0; i < 100; i++) known.check(params.next.roster);
    expect(looked).toBe(watched.length);
  });

  it('goes for all rosters that were added', () => {
    const known = knownMembers(certified.params.roster);
    known.check(params.next.roster);
    known.add(params.next.roster);
    for (const { roster } of [certified.params, params.next])
      expect(codeOf(() => known.check(roster))).toBe('CHANGE_INVALID');
    const [one] = params.next.roster;
    const other = { ...one!, staticKey: bytesOf('fresh'), identityKey: bytesOf('another identity') };
    expect(codeOf(() => known.check([other]))).toBe('CHANGE_INVALID');
  });
});
