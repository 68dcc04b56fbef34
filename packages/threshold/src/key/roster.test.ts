import { CkmError, equalBytes } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../group/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import { groupOfSuite, SUITE_NAMES } from './cocktail/suite-name.js';
import { bytesOf, createCeremony, createServer, vouch } from '../protocols/dkg/fixtures/parties.js';
import {
  createStaticKey,
  encodeKeyParams,
  type KeyParams,
  parseKeyParams,
  type RosterEntry,
  staticKeyStatement,
  verifyRoster,
} from './index.js';
import { dkgProtocol } from '../protocols/dkg/index.js';
import { verifyIdentitySignature } from './identity-signature.js';
import { verifyStaticProof } from './static-key.js';
import { cocktailSuite } from './cocktail/suite.js';

const ceremony = createCeremony('ed25519', { needed: 2, of: 3 });
const { params, servers } = ceremony;

function errorOf(action: () => unknown): CkmError | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof CkmError) return error;
    throw error;
  }
  return undefined;
}

/** The roster with one entry changed and vouched for anew by its own identity key. */
function withEntry(slot: number, change: Partial<RosterEntry>, key: KeyParams = params): KeyParams {
  const roster = key.roster.map((entry) =>
    entry.slot === slot ? vouch(key, { ...entry, ...change }, servers[slot - 1]!.identitySecret) : entry,
  );
  return { ...key, roster };
}

const refused = (key: KeyParams) => errorOf(() => verifyRoster(key));

describe.each(SUITE_NAMES)('a roster of suite %s', (suite) => {
  const some = createCeremony(suite, { needed: 2, of: 3 });

  it('that is honest holds', () => {
    expect(refused(some.params)).toBeUndefined();
  });

  it('has one encoding, which parses back to it', () => {
    const bytes = encodeKeyParams(some.params);
    expect(parseKeyParams(bytes)).toEqual(some.params);
    expect(encodeKeyParams(parseKeyParams(bytes))).toEqual(bytes);
  });

  it('V32f: with a static key made out of another server’s is refused and its slot named', () => {
    const group = groupNamed(groupOfSuite(suite));
    const victim = group.decode(some.params.roster[0]!.staticKey);
    const own = createStaticKey(suite, some.params.keyId, 0, bytesOf('offset'));
    const related = group.encode(group.add(victim, group.decode(own.staticKey)));
    const roster = some.params.roster.map((entry) =>
      entry.slot === 3
        ? vouch(
            some.params,
            { ...entry, staticKey: related, staticProof: own.staticProof },
            some.servers[2]!.identitySecret,
          )
        : entry,
    );
    expect(refused({ ...some.params, roster })).toMatchObject({
      code: 'FAULT_ROSTER',
      facts: { culprits: [3] },
    });
  });
});

describe('a roster', () => {
  it('V32f: with one static key twice is refused, both slots named', () => {
    const { staticKey, staticProof } = params.roster[0]!;
    expect(refused(withEntry(3, { staticKey, staticProof }))).toMatchObject({
      code: 'FAULT_ROSTER',
      facts: { culprits: [1, 3] },
    });
  });

  it.each(['serverId', 'identityKey', 'sealingKey'] as const)(
    'V2: with one %s twice is refused, both slots named',
    (field) => {
      const changed = withEntry(2, { [field]: params.roster[0]![field] });
      expect(refused(changed)).toMatchObject({ code: 'FAULT_ROSTER', facts: { culprits: [1, 2] } });
    },
  );

  it.each([
    ['suite', createServer({ ...params, suite: 'ristretto255' }, 'alpha', 1).entry],
    ['key', createServer({ ...params, keyId: bytesOf('other key') }, 'alpha', 1).entry],
    ['epoch', createServer({ ...params, epoch: 1 }, 'alpha', 1).entry],
  ])('V12: with a proof of possession for another %s is refused', (_, entry) => {
    const changed = withEntry(1, { staticKey: entry.staticKey, staticProof: entry.staticProof });
    expect(refused(changed)).toMatchObject({ code: 'FAULT_ROSTER', facts: { culprits: [1] } });
  });

  it('with an entry that its identity did not sign as it stands is refused', () => {
    const changes: Partial<RosterEntry>[] = [
      { serverId: bytesOf('somebody') },
      { identitySignature: new Uint8Array(64) },
      { identitySignature: params.roster[1]!.identitySignature },
      { staticKey: servers[1]!.entry.staticKey },
      { staticProof: params.roster[0]!.staticProof.map((byte) => byte ^ 1) },
    ];
    for (const change of changes) {
      const roster = params.roster.map((entry) => (entry.slot === 1 ? { ...entry, ...change } : entry));
      expect(refused({ ...params, roster })?.facts['culprits']).toContain(1);
    }
  });

  it('V5: with the identity or zeros as a static key is refused', () => {
    for (const staticKey of [
      new Uint8Array(32),
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
    ]) {
      expect(refused(withEntry(2, { staticKey }))).toMatchObject({ facts: { culprits: [2] } });
    }
  });

  it('names every slot that does not hold', () => {
    const changed = withEntry(
      3,
      { staticProof: new Uint8Array(64) },
      withEntry(1, { staticProof: new Uint8Array(64) }),
    );
    expect(refused(changed)).toMatchObject({ facts: { culprits: [1, 3] } });
  });

  it('V1, V33: with slots that are not 1 to n in order is refused, the first wrong one named', () => {
    const [first, second, third] = params.roster as [RosterEntry, RosterEntry, RosterEntry];
    const at = (entry: RosterEntry, slot: number) => ({ ...entry, slot: slot as PartyIndex });
    expect(refused({ ...params, roster: [second, first, third] })).toMatchObject({
      code: 'ROSTER_INVALID',
      facts: { slot: 1 },
    });
    for (const slot of [0, 2, 4, 65536, -1, 1.5, Number.NaN]) {
      expect(refused({ ...params, roster: [first, second, at(third, slot)] })).toMatchObject({
        code: 'ROSTER_INVALID',
        facts: { slot: 3 },
      });
    }
  });

  it('V4: that is empty, short or long is refused', () => {
    for (const roster of [[], params.roster.slice(1), [...params.roster, params.roster[0]!]]) {
      expect(refused({ ...params, roster })).toMatchObject({ code: 'KEY_PARAMS_INVALID' });
    }
  });

  it.each([
    { needed: 1, of: 3 },
    { needed: 4, of: 3 },
    { needed: 0, of: 3 },
    { needed: 2, of: 33 },
    { needed: 2.5, of: 3 },
  ])('with a quorum of $needed of $of is refused', (quorum) => {
    expect(refused({ ...params, quorum })).toMatchObject({ code: 'QUORUM_INVALID' });
  });

  it.each<[string, Partial<KeyParams>, string]>([
    ['an unknown suite', { suite: 'ed448' as never }, 'SUITE_UNKNOWN'],
    ['a suite that is a property of every object', { suite: 'constructor' as never }, 'SUITE_UNKNOWN'],
    ['no purpose', { purpose: '' }, 'KEY_PARAMS_INVALID'],
    ['a long purpose', { purpose: 'p'.repeat(65) }, 'KEY_PARAMS_INVALID'],
    ['a purpose with a space', { purpose: 'a b' }, 'KEY_PARAMS_INVALID'],
    ['a short key id', { keyId: new Uint8Array(31) }, 'KEY_PARAMS_INVALID'],
    ['a negative epoch', { epoch: -1 }, 'KEY_PARAMS_INVALID'],
    ['an epoch that is no integer', { epoch: 0.5 }, 'KEY_PARAMS_INVALID'],
    ['a long terms hash', { termsHash: new Uint8Array(33) }, 'KEY_PARAMS_INVALID'],
    ['an epoch before its first', { previous: bytesOf('before') }, 'KEY_PARAMS_INVALID'],
    ['a later epoch that follows none', { epoch: 1 }, 'KEY_PARAMS_INVALID'],
    ['a short previous transcript hash', { previous: new Uint8Array(31) }, 'KEY_PARAMS_INVALID'],
    ['no flags', { flags: null as never }, 'KEY_PARAMS_INVALID'],
    ['a flag that is no boolean', { flags: { ...params.flags, hd: 1 as never } }, 'KEY_PARAMS_INVALID'],
    ['children and leave to export', { flags: { ...params.flags, exportable: true } }, 'KEY_PARAMS_INVALID'],
    [
      'an export without leave',
      { flags: { ...params.flags, hd: false, exported: true } },
      'KEY_PARAMS_INVALID',
    ],
  ])('with %s is refused', (_, change, code) => {
    expect(refused({ ...params, ...change })).toMatchObject({ code });
  });

  it.each<[string, Partial<RosterEntry>]>([
    ['a long url', { url: `https://${'a'.repeat(256)}` }],
    ['a url with a line break', { url: 'https://a\n' }],
    ['a url that is no text', { url: 7 as never }],
    ['a server id given as text', { serverId: 'alpha' as never }],
    ['a short identity key', { identityKey: new Uint8Array(31) }],
    ['no sealing key', { sealingKey: undefined as never }],
    ['a short sealing key', { sealingKey: new Uint8Array(31) }],
    ['a sealing key in a second spelling', { sealingKey: new Uint8Array(32).fill(0x80) }],
    ['a sealing key of p', { sealingKey: Uint8Array.of(0xed, ...new Uint8Array(30).fill(0xff), 0x7f) }],
    ['a sealing key of zeros', { sealingKey: new Uint8Array(32) }],
    ['a long static key', { staticKey: new Uint8Array(33) }],
    ['an empty proof', { staticProof: new Uint8Array() }],
  ])('with %s is refused, the slot named', (_, change) => {
    const roster = params.roster.map((entry) => (entry.slot === 2 ? { ...entry, ...change } : entry));
    expect(refused({ ...params, roster })).toMatchObject({ code: 'ROSTER_INVALID', facts: { slot: 2 } });
  });
});

describe('starting a run', () => {
  it('with a roster that does not hold is aborted, the culprits named', () => {
    const key = withEntry(2, { staticProof: new Uint8Array(64) });
    expect(dkgProtocol.start({ ...ceremony.paramsOf(1 as PartyIndex), key }, bytesOf('seed'))).toEqual({
      kind: 'aborted',
      fault: { code: 'FAULT_ROSTER', round: 0, culprits: [2] },
    });
  });

  it('for another epoch than the first is refused', () => {
    const later = { ...params, epoch: 1, previous: bytesOf('epoch 0') };
    const roster = servers.map((_, i) => createServer(later, ['alpha', 'bravo', 'charlie'][i]!, i + 1).entry);
    const start = () =>
      dkgProtocol.start(
        { ...ceremony.paramsOf(1 as PartyIndex), key: { ...later, roster } },
        bytesOf('seed'),
      );
    expect(errorOf(start)).toMatchObject({ code: 'EPOCH_INVALID' });
  });
});

describe('the bytes of key parameters', () => {
  const bytes = encodeKeyParams(params);

  it('V9: cut, prolonged, or oversized are refused with a typed error', () => {
    for (let length = 0; length < bytes.length; length += 7) {
      expect(errorOf(() => parseKeyParams(bytes.subarray(0, length)))).toBeInstanceOf(CkmError);
    }
    expect(errorOf(() => parseKeyParams(Uint8Array.of(...bytes, 0)))).toMatchObject({
      code: 'LAYOUT_INVALID',
    });
    expect(errorOf(() => parseKeyParams(new Uint8Array(1 << 20)))).toMatchObject({ code: 'LAYOUT_TOO_LONG' });
    expect(errorOf(() => parseKeyParams('text' as never))).toMatchObject({ code: 'LAYOUT_INVALID' });
  });

  it('changed anywhere are refused or read as something else, never as the same', () => {
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
      let parsed: KeyParams | undefined;
      const error = errorOf(() => (parsed = parseKeyParams(changed)));
      if (error === undefined) expect(equalBytes(encodeKeyParams(parsed!), changed)).toBe(true);
    }
  });
});

describe('V17: a statement of a static key', () => {
  const { entry, identitySecret } = servers[0]!;
  const statement = staticKeyStatement({ ...params, ...entry });

  it('is signed by the identity key in the roster', () => {
    expect(verifyIdentitySignature(entry.identityKey, statement, entry.identitySignature)).toBe(true);
    expect(identitySecret).toHaveLength(32);
  });

  it('changes with everything that it vouches for', () => {
    const changes = [
      { suite: 'ristretto255' as const },
      { keyId: bytesOf('x') },
      { epoch: 1 },
      { serverId: bytesOf('x') },
      { identityKey: bytesOf('x') },
      { sealingKey: bytesOf('x') },
      { staticKey: bytesOf('x') },
      { staticProof: bytesOf('x') },
    ];
    for (const change of changes)
      expect(staticKeyStatement({ ...params, ...entry, ...change })).not.toEqual(statement);
  });

  it('starts with words that no digest starts with', () => {
    expect(new TextDecoder().decode(statement.subarray(0, 27))).toBe('CKM static key statement v1');
  });
});

it('a static key is the same for the same seed, and another for another key or epoch', () => {
  const make = (keyId: Uint8Array, epoch: number) =>
    createStaticKey('ed25519', keyId, epoch, bytesOf('seed')).staticKey;
  expect(make(bytesOf('a'), 0)).toEqual(make(bytesOf('a'), 0));
  expect(make(bytesOf('a'), 1)).not.toEqual(make(bytesOf('a'), 0));
  expect(make(bytesOf('b'), 0)).not.toEqual(make(bytesOf('a'), 0));
  expect(errorOf(() => createStaticKey('ed25519', bytesOf('a'), 0, new Uint8Array(32)))).toMatchObject({
    code: 'SEED_INVALID',
  });
});

it('a static key whose offer is made twice has another proof with another hedge, so that no two runs look alike', () => {
  const make = (hedge?: Uint8Array) => createStaticKey('ed25519', params.keyId, 0, bytesOf('seed'), hedge);
  const [one, other] = [make(bytesOf('one')), make(bytesOf('other'))];
  expect(other.staticKey).toEqual(one.staticKey);
  expect(other.staticProof).not.toEqual(one.staticProof);
  for (const { staticKey, staticProof } of [one, other]) {
    const scope = { suite: 'ed25519', keyId: params.keyId, epoch: 0 } as const;
    expect(verifyStaticProof(cocktailSuite('ed25519'), scope, staticKey, staticProof)).toBe(true);
  }
});
