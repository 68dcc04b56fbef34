import { equalBytes } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { createMembers, FIRST, kindsOf, NEXT, SECOND, spoken } from './fixtures/signed.js';
import {
  hashOrder,
  membersNeeded,
  NO_RECALL,
  type OrderCore,
  PROMISE_INTERVAL,
  type Statement,
  statementBytes,
} from './index.js';

const epoch = { keyId: bytesOf('key'), epoch: 3, transcriptHash: bytesOf('transcript') };
const common = { slot: 1 as PartyIndex, attempt: 4, mayFork: false };
const promised = { ...common, kind: 'promise', orderHash: FIRST, highest: null, recall: NO_RECALL } as const;
const locked = { ...common, kind: 'lock', next: NEXT } as const;
const yielded = { ...common, kind: 'yield', next: NEXT } as const;

describe('what a member signs', () => {
  test('V17: is another for every field, kind, key and epoch', () => {
    const statements: Statement[] = [promised, locked, yielded].flatMap((one): Statement[] => [
      one,
      { ...one, slot: 2 as PartyIndex },
      { ...one, attempt: 5 },
      { ...one, mayFork: true },
    ]);
    statements.push(
      { ...promised, orderHash: SECOND },
      { ...promised, recall: bytesOf('drawn') },
      { ...promised, highest: { attempt: 3, next: NEXT } },
      { ...promised, highest: { attempt: 2, next: NEXT } },
      { ...promised, highest: { attempt: 3, next: FIRST } },
      { ...locked, next: FIRST },
      { ...yielded, next: FIRST },
    );
    const others = [
      { ...epoch, keyId: bytesOf('other') },
      { ...epoch, epoch: 4 },
      { ...epoch, transcriptHash: bytesOf('other') },
    ];
    const all = [
      ...statements.map((one) => statementBytes(epoch, one)),
      ...others.map((one) => statementBytes(one, promised)),
    ];
    all.forEach((one, i) => expect(all.findIndex((other) => equalBytes(one, other))).toBe(i));
  });

  test('V17: begins with words, so that it is nothing that another protocol signs', () => {
    const words = [promised, locked, yielded].map((one) =>
      new TextDecoder().decode(statementBytes(epoch, one).slice(0, -32)),
    );
    expect(words).toEqual(['CKM change promise v1', 'CKM change lock v1', 'CKM change yield v1']);
  });

  test('V4: of another shape is refused, and counts for nothing where it is shown', () => {
    const wrong = [
      { ...promised, attempt: 0 },
      { ...promised, attempt: 2 ** 32 },
      { ...promised, attempt: 1.5 },
      { ...promised, recall: new Uint8Array(31) },
      { ...promised, orderHash: 'order' },
      { ...promised, highest: { attempt: 0, next: NEXT } },
      { ...locked, next: new Uint8Array() },
      { ...yielded, mayFork: 1 },
      { ...locked, kind: 'other' },
    ] as unknown as Statement[];
    const { members } = createMembers({ needed: 2, of: 2 });
    for (const one of wrong) {
      expect(codeOf(() => statementBytes(epoch, one))).toBe('LAYOUT_INVALID');
      expect(members.isSigned({ ...one, signature: new Uint8Array(64) })).toBe(false);
    }
    expect(codeOf(() => statementBytes(epoch, { ...locked, slot: 0 as PartyIndex }))).toBe(
      'PARTY_INDEX_INVALID',
    );
    expect(codeOf(() => statementBytes({ ...epoch, epoch: -1 }, locked))).toBe('LAYOUT_INVALID');
  });

  test('counts only under the identity of its own slot', () => {
    const { members, sign } = createMembers({ needed: 2, of: 3 });
    const signed = sign(locked);
    expect(members.isSigned(signed)).toBe(true);
    for (const slot of [2, 3, 4])
      expect(members.isSigned({ ...signed, slot: slot as PartyIndex })).toBe(false);
    expect(members.isSigned({ ...signed, signature: new Uint8Array(63) })).toBe(false);
  });
});

describe('the hash of an order', () => {
  const core: OrderCore = {
    ...epoch,
    quorum: { needed: 2, of: 2 },
    termsVersion: 1,
    roster: ['alpha', 'bravo'].map((name) => ({
      serverId: bytesOf(name),
      identityKey: bytesOf(`key of ${name}`),
    })),
  };

  test('is another for every field of its core', () => {
    const [alpha, bravo] = core.roster;
    const cores = [
      core,
      { ...core, keyId: bytesOf('other') },
      { ...core, epoch: 4 },
      { ...core, transcriptHash: bytesOf('other') },
      { ...core, termsVersion: 2 },
      { ...core, roster: [bravo!, alpha!] },
      { ...core, roster: [alpha!, { ...bravo!, identityKey: bytesOf('other') }] },
      { ...core, roster: [alpha!, { ...bravo!, serverId: bytesOf('other') }] },
      { ...core, quorum: { needed: 2, of: 3 }, roster: [alpha!, bravo!, alpha!] },
    ].map(hashOrder);
    cores.forEach((one, i) => expect(cores.findIndex((other) => equalBytes(one, other))).toBe(i));
  });

  test('is refused for a roster of another length, a wrong length of a field, an impossible quorum', () => {
    expect(codeOf(() => hashOrder({ ...core, roster: core.roster.slice(1) }))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => hashOrder({ ...core, keyId: new Uint8Array(31) }))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => hashOrder({ ...core, quorum: { needed: 1, of: 2 } }))).toBe('QUORUM_INVALID');
  });
});

test('L1: any two sets that decide have a member in common; by the strict rule, an honest one', () => {
  for (let of = 2; of <= 32; of++)
    for (let needed = 2; needed <= of; needed++) {
      const common = 2 * membersNeeded({ needed, of }, false) - of;
      expect(common).toBeGreaterThanOrEqual(1);
      expect(membersNeeded({ needed, of }, false)).toBeGreaterThanOrEqual(needed);
      expect(2 * membersNeeded({ needed, of }, true) - of).toBeGreaterThanOrEqual(needed);
    }
  expect(membersNeeded({ needed: 2, of: 3 }, true)).toBe(3);
});

describe('L14: a promise', () => {
  test('goes one attempt up only where a quorum of different members have spoken: a liar runs nothing up', () => {
    const key = createMembers({ needed: 3, of: 5 });
    expect(key.promise(1, 2)).toBe('attempt-ahead');
    const liar = (attempt: number) => key.sign({ ...promised, slot: 5 as PartyIndex, attempt });
    const first = spoken([key.promise(1, 1)]);
    expect(key.promise(1, 2, { shown: [...first, liar(1), liar(7), liar(7)] })).toBe('attempt-ahead');
    const second = spoken([key.promise(2, 1)]);
    expect(kindsOf([key.promise(1, 2, { shown: [...second, liar(7)] })])).toEqual(['promise']);
    expect(key.stateOf(1).ladder).toHaveLength(2);
    expect(key.promise(1, 1)).toBe('attempt-past');
  });

  test('that let a member come far is shown by it, and lets in those who are behind', () => {
    const key = createMembers({ needed: 2, of: 3 });
    const shown = [key.sign({ ...promised, slot: 3 as PartyIndex, attempt: 9 })];
    for (let attempt = 1; attempt <= 9; attempt++) spoken([key.promise(1, attempt, { shown })]);
    expect(key.promise(2, 10, { shown })).toBe('attempt-ahead');
    const own = key.sign(key.stateOf(1).promise!);
    expect(kindsOf([key.promise(2, 9, { shown: [own, ...key.stateOf(1).ladder] })])).toEqual(['promise']);
  });

  test('is new at most once in ten minutes, and is said again at any time', () => {
    const key = createMembers({ needed: 2, of: 2 });
    const at = (now: number) => ({
      now,
      shown: [key.sign({ ...promised, slot: 2 as PartyIndex, attempt: 1 })],
    });
    const first = key.promise(1, 1, at(0));
    expect(key.promise(1, 2, at(PROMISE_INTERVAL - 1))).toBe('too-soon');
    expect(key.promise(1, 1, at(1))).toEqual(first);
    expect(kindsOf([key.promise(1, 2, at(PROMISE_INTERVAL))])).toEqual(['promise']);
  });

  test('is held up by no clock that was ahead and is right again', () => {
    const key = createMembers({ needed: 2, of: 2 });
    const shown = [key.sign({ ...promised, slot: 2 as PartyIndex, attempt: 1 })];
    spoken([key.promise(1, 1, { now: 2 * PROMISE_INTERVAL })]);
    expect(kindsOf([key.promise(1, 2, { now: 1, shown })])).toEqual(['promise']);
  });

  test.each(['early', 'over', 'frozen'] as const)(
    'and a lock are refused while the guards say: %s',
    (guards) => {
      const key = createMembers({ needed: 2, of: 2 });
      expect(key.promise(1, 1, { guards })).toBe(guards);
      const promises = spoken([key.promise(1, 1), key.promise(2, 1)]);
      expect(key.lock(1, NEXT, promises, { guards })).toBe(guards);
    },
  );

  test('of another member, or for a transcript that does not fulfil the order, lets nobody lock', () => {
    const key = createMembers({ needed: 2, of: 3 });
    expect(key.lock(1, NEXT, [])).toBe('not-promised');
    const promises = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
    expect(key.lock(1, NEXT, promises.slice(1))).toBe('own-promise-missing');
    expect(key.lock(1, bytesOf('unsigned'), promises)).toBe('next-incomplete');
    expect(key.lock(1, NEXT, promises, { complete: [{ orderHash: SECOND, next: NEXT }] })).toBe(
      'next-incomplete',
    );
    expect(key.lock(1, NEXT, promises, { attempt: 2 })).toBe('not-promised');
    const forged = promises.map((one) => ({ ...one, signature: new Uint8Array(64) }));
    expect(key.lock(1, NEXT, [promises[0]!, ...forged.slice(1)])).toBe('promises-too-few');
    expect(key.stateOf(1).lock).toBeNull();
  });
});
