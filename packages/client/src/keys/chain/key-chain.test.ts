import {
  encodeCertificate,
  encodeChangeCertificate,
  type ChangeCertificate,
  createChangeMemory,
  type KeyCertificate,
} from '@ckm/threshold';
import { decided, generate } from '@ckm/threshold/test';
import { describe, expect, test } from 'vitest';
import { encodeKeyRecord, type KeyRecord, parseKeyRecord } from '../key-record.js';
import {
  changesOf,
  checkChain,
  checkWhole,
  epochProvedBy,
  extendChain,
  type KeyChain,
  newestParams,
  notedChain,
} from './key-chain.js';

const born = generate('ed25519', { needed: 2, of: 3 });
const SERVERS = ['alpha', 'bravo', 'charlie'];
const first = decided(born, { dealers: ['alpha', 'bravo'], members: SERVERS, needed: 2 }, [1, 3]);
const second = decided(
  first.epoch,
  { dealers: ['bravo', 'charlie'], members: [...SERVERS, 'delta'], needed: 3 },
  [1, 2],
);
const bytesOf = (certificate: ChangeCertificate) => encodeChangeCertificate(certificate);
const unchanged: KeyChain = { certificate: encodeCertificate(born.first as KeyCertificate) };
const once = extendChain(unchanged, [bytesOf(first.certificate)]);
const twice = extendChain(once, [bytesOf(second.certificate)]);

describe('the certificates of a key', () => {
  test('prove its newest epoch, and name it by its first', () => {
    expect(checkChain(unchanged)).toEqual({
      first: born.certified.transcriptHash,
      newest: born.certified,
      before: null,
    });
    for (const check of [checkChain, checkWhole]) {
      expect(check(twice)).toEqual({
        first: born.certified.transcriptHash,
        newest: second.epoch.certified,
        before: first.epoch.certified,
      });
    }
    expect(newestParams(twice)).toEqual(second.epoch.certified.params);
    expect(notedChain({ certificate: twice.certificate, changes: twice.changes! })).toEqual(twice);
  });

  test('are not all checked again once that was noted, and the newest always is', () => {
    const [, newest] = twice.changes!;
    const broken = { ...twice, changes: [new Uint8Array(7), newest!] };
    expect(checkChain(broken).newest).toEqual(second.epoch.certified);
    expect(() => checkWhole(broken)).toThrow();
    const flipped = newest!.map((byte, i) => (i === newest!.length - 1 ? byte ^ 1 : byte));
    expect(() => checkChain({ ...twice, changes: [twice.changes![0]!, flipped] })).toThrow();
  });

  test('with a note of another epoch, or without one, are all checked', () => {
    const broken = { ...twice, changes: [new Uint8Array(7), twice.changes![1]!] };
    expect(() => checkChain({ ...broken, checked: once.checked })).toThrow();
    const { checked: _checked, ...bare } = broken;
    expect(() => checkChain(bare)).toThrow();
  });

  test('with more of them are checked from where a note says that they were, and each new one always is', () => {
    const noted = { ...once, certificate: Uint8Array.of(...once.certificate) };
    expect(extendChain(noted, [bytesOf(second.certificate)])).toEqual(twice);
    const { checked: _checked, proved: _proved, ...bare } = once;
    expect(extendChain(bare, [bytesOf(second.certificate)])).toEqual(twice);
    const flipped = bytesOf(second.certificate).map((byte, i, { length }) =>
      i === length - 1 ? byte ^ 1 : byte,
    );
    const memory = createChangeMemory();
    expect(extendChain(once, [bytesOf(second.certificate)], memory)).toEqual(twice);
    expect(() => extendChain(once, [flipped], memory)).toThrow();
    expect(() => extendChain(twice, [bytesOf(second.certificate)], memory)).toThrow();
  });

  test('take no server back under another identity, whichever epoch it was in', () => {
    const without = decided(
      born,
      { dealers: ['alpha', 'bravo'], members: ['bravo', 'charlie'], needed: 2 },
      [1, 2],
    );
    const back = { dealers: ['bravo', 'charlie'], members: ['bravo', 'alpha'], needed: 2 };
    const mallory = decided(
      without.epoch,
      { ...back, identityOf: (name: string) => (name === 'alpha' ? 'mallory' : name) },
      [1, 2],
    );
    const chain = extendChain(unchanged, [bytesOf(without.certificate)]);
    expect(() => extendChain(chain, [bytesOf(mallory.certificate)])).toThrow('identities');
    const honest = decided(without.epoch, back, [1, 2]);
    expect(changesOf(extendChain(chain, [bytesOf(honest.certificate)]))).toHaveLength(2);
  });

  test('take no change that follows another epoch, and none that nobody decided', () => {
    expect(() => extendChain(unchanged, [bytesOf(second.certificate)])).toThrow();
    const { promises: _promises, ...rest } = first.certificate;
    const undecided = encodeChangeCertificate({ ...rest, promises: new Uint8Array() });
    expect(() => extendChain(unchanged, [undecided])).toThrow();
  });

  test('of the newest epoch are as good with other signatures, and not of another epoch', () => {
    const chain = checkChain(twice);
    expect(epochProvedBy(chain, bytesOf(second.certificate)).transcriptHash).toEqual(
      chain.newest.transcriptHash,
    );
    expect(() => epochProvedBy(chain, bytesOf(first.certificate))).toThrow();
    expect(() => epochProvedBy(chain, unchanged.certificate)).toThrow();
  });
});

describe('the record of a key', () => {
  const record: KeyRecord = {
    name: 'treasury',
    ...unchanged,
    policy: {
      kinds: ['bitcoin'],
      rateLimit: null,
      expiresAt: null,
      blindAllowed: false,
      approval: 'automatic',
    },
    network: 'bitcoin',
    createdAt: 0,
    acknowledged: [1, 2, 3],
  };
  const read = (one: KeyRecord) => parseKeyRecord('keys/treasury', encodeKeyRecord(one));

  test('keeps all certificates, the note and what servers signed about old shares', () => {
    const receipt = {
      server: 'alpha',
      xid: new Uint8Array(32).fill(1),
      epoch: 1,
      receipt: Uint8Array.of(1, 2),
      signature: new Uint8Array(64),
    };
    const whole: KeyRecord = { ...record, ...twice, changedAt: 7, receipts: [receipt] };
    expect(read(whole)).toEqual(whole);
  });

  test('that an earlier version wrote is read as one that never changed', () => {
    expect(read(record)).toEqual(record);
  });
});

describe('the newest certificate of a key', () => {
  test('is checked again by every reader only while no note says that it was, and other bytes always are', () => {
    for (const chain of [notedChain(unchanged), twice]) {
      const { proved, ...bare } = chain;
      expect(checkChain(chain)).toEqual(checkChain(bare));
      const last = chain.changes?.at(-1) ?? chain.certificate;
      const flipped = last.map((byte, i) => (i === last.length - 1 ? byte ^ 1 : byte));
      const [certificate, changes] =
        chain.changes === undefined
          ? [flipped, {}]
          : [chain.certificate, { changes: [chain.changes[0]!, flipped] }];
      expect(() => checkChain({ ...chain, certificate, ...changes })).toThrow();
      // What was noted is what is given: nothing is computed for it.
      const other = { ...proved!, first: new Uint8Array(32).fill(9) };
      expect(checkChain({ ...chain, proved: other }).first).toEqual(other.first);
    }
  });
});
