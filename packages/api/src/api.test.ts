import {
  AccessError,
  BugError,
  concatBytes,
  EncodingError,
  encodeHex,
  encodeUtf8,
  ERROR_CLASSES,
  PeerFaultError,
  type Remedy,
  secret,
} from '@ckm/foundation';
import { createIdentity, encodeData } from '@ckm/gordian';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateChain } from './fields/fields.js';
import {
  encodeCall,
  encodeReply,
  fromProblem,
  FUNCTIONS,
  keyPolicy,
  parseCall,
  parsePacket,
  parseReply,
  policyHash,
  previousHash,
  SESSION_STATES,
  signPacket,
  toProblem,
  TRANSITIONS,
  verifyPacket,
  type KeyPolicy,
  type PacketBody,
} from './index.js';

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill);
const alpha = createIdentity(secret(bytes(1)));
const bravo = createIdentity(secret(bytes(2)));

const body: PacketBody = {
  protocol: 'ckm/dkg/v1',
  keyId: bytes(3),
  epoch: 0,
  sessionId: bytes(4),
  round: 1,
  from: 2,
  to: 0,
  previous: bytes(5),
  payload: encodeUtf8('commitments'),
};
const policy: KeyPolicy = {
  kinds: ['message'],
  rateLimit: { count: 10, perSeconds: 60 },
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
};

describe('a packet', () => {
  test('V17: a signature is worth nothing when any field of the packet is another', () => {
    const packet = parsePacket(signPacket(alpha, body));
    expect(verifyPacket(packet, alpha.publicKeys.signing.bytes)).toBe(true);
    const changes: Partial<PacketBody>[] = [
      { protocol: 'ckm/reshare/v1' },
      { keyId: bytes(9) },
      { epoch: 1 },
      { sessionId: bytes(9) },
      { round: 2 },
      { from: 3 },
      { to: 1 },
      { previous: bytes(9) },
      { payload: encodeUtf8('commitment') },
    ];
    for (const change of changes) {
      const forged = parsePacket(signPacket(bravo, { ...body, ...change }));
      const grafted = { ...forged, signature: packet.signature };
      expect(verifyPacket(grafted, alpha.publicKeys.signing.bytes), JSON.stringify(Object.keys(change))).toBe(
        false,
      );
    }
  });

  test('V63: a packet said by bravo is not a packet of alpha', () => {
    const packet = parsePacket(signPacket(bravo, body));
    expect(verifyPacket(packet, alpha.publicKeys.signing.bytes)).toBe(false);
  });

  test('V9: fields nobody asked for, fields left out, and bytes that are nothing are refused, never thrown raw', () => {
    const strangers = [
      encodeData({ body: encodeData({ ...body, version: 1, extra: 1 }), signature: bytes(0, 64) }),
      encodeData({ body: encodeData({ ...body }), signature: bytes(0, 64) }),
      encodeData({ body: encodeData({ ...body, version: 2 }), signature: bytes(0, 64) }),
      encodeData({ body: encodeData({ ...body, version: 1 }), signature: bytes(0, 63) }),
      encodeData({ body: encodeData({ ...body, version: 1, from: 0 }), signature: bytes(0, 64) }),
      concatBytes(signPacket(alpha, body), bytes(0, 1)),
      bytes(0x81, 10_000),
      bytes(0, 65_537),
    ];
    for (const stranger of strangers) expect(() => parsePacket(stranger)).toThrow(EncodingError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => parsePacket(noise)).toThrow(EncodingError);
      }),
    );
  });

  test('the echo does not depend on the order of arrival, and on everything else', () => {
    const from = (identity: typeof alpha, slot: number, text: string) =>
      parsePacket(signPacket(identity, { ...body, from: slot, payload: encodeUtf8(text) }));
    const [one, two] = [from(alpha, 1, 'a'), from(bravo, 2, 'b')];
    const echo = encodeHex(previousHash([one, two]));
    expect(encodeHex(previousHash([two, one]))).toBe(echo);
    expect(encodeHex(previousHash([one, from(bravo, 2, 'c')]))).not.toBe(echo);
    expect(encodeHex(previousHash([one]))).not.toBe(echo);
    expect(previousHash([])).toEqual(bytes(0));
  });
});

describe('a call', () => {
  test('parseCall gives back the parameters that encodeCall was given', () => {
    const parameters = { sessionId: bytes(1), reason: 'changed my mind' };
    expect(parseCall('session.cancel', encodeCall('session.cancel', parameters))).toEqual(parameters);
  });

  test('F15: a chain of a key that was refreshed every day for two years is still shown in one message', () => {
    const chain = Array.from({ length: 720 }, () => bytes(1, 1_400));
    expect(certificateChain.parse(chain)).toHaveLength(720);
    expect(encodeData({ chain }).length).toBeLessThan(1_048_576);
    expect(() => certificateChain.parse([...chain, bytes(1)])).toThrow();
  });

  test.each([
    ['a field too many', { sessionId: bytes(1), reason: 'x', admin: true }],
    ['a field too few', { sessionId: bytes(1) }],
    ['bytes of the wrong length', { sessionId: bytes(1, 31), reason: 'x' }],
    ['text instead of bytes', { sessionId: '0'.repeat(32), reason: 'x' }],
    ['a line break where a person reads', { sessionId: bytes(1), reason: 'x\napproved: yes' }],
    ['text that turns direction', { sessionId: bytes(1), reason: 'abc\u202edef' }],
  ])('V9: %s is named and refused', (_what, parameters) => {
    expect(() => parseCall('session.cancel', encodeData(parameters))).toThrow(EncodingError);
  });

  test('V10: a parameter called __proto__ is a stranger like any other', () => {
    const hostile = Object.assign(Object.create(null) as Record<string, string>, {});
    Object.defineProperty(hostile, '__proto__', { value: 'x', enumerable: true });
    expect(() => parseCall('server.describe', encodeData(hostile))).toThrow(EncodingError);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('every function that needs an account says so; only opening one does not, and coming back to it', () => {
    const open = Object.entries(FUNCTIONS).filter(([, { may }]) => may === 'stranger');
    expect(open.map(([name]) => name)).toEqual([
      'account.open',
      'recovery.open',
      'recovery.prove',
      'recovery.show',
      'recovery.finish',
    ]);
  });
});

describe('a reply', () => {
  test('carries the server’s own error across the wire', () => {
    const fault = new PeerFaultError('charlie equivocated', {
      code: 'FAULT_EQUIVOCATION',
      hint: 'start again without charlie',
      facts: { culprits: [3] },
    });
    const reply = encodeReply<'key.list'>({ ok: false, problem: toProblem(fault) });
    try {
      parseReply('key.list', reply);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        errorClass: 'PeerFaultError',
        code: 'FAULT_EQUIVOCATION',
        exitCode: ERROR_CLASSES.PeerFaultError.exitCode,
        facts: { culprits: [3] },
      });
    }
  });

  test('a problem carries the remedy of its error as data, without what only its reader may name', () => {
    const details = { code: 'SERVER_SEALED', hint: 'unseal the server' };
    const sent = (remedy: Remedy) =>
      fromProblem(toProblem(new AccessError('sealed', { ...details, remedy }))).remedy;
    expect(sent({ kind: 'unsealServer' })).toEqual({ kind: 'unsealServer' });
    expect(sent({ kind: 'wait', until: 1_800_000_000 })).toEqual({ kind: 'wait', until: 1_800_000_000 });
    expect(sent({ kind: 'restoreKey', keys: ['savings'] })).toBeNull();
  });

  test('a problem whose remedy is of a later version is read, and its hint stays', () => {
    const problem = toProblem(
      new AccessError('sealed', { code: 'SERVER_SEALED', hint: 'unseal the server' }),
    );
    const later = fromProblem({ ...problem, remedy: { kind: 'orbit', until: 7, other: 'x' } });
    expect(later).toMatchObject({ code: 'SERVER_SEALED', hint: 'unseal the server', remedy: null });
    const flood = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, i]));
    expect(fromProblem({ ...problem, remedy: flood })).toMatchObject({ code: 'PROBLEM_UNREADABLE' });
  });

  test('an error whose words are cut keeps its letters whole: a reply with half of one could not be written', () => {
    const long = `${'x'.repeat(511)}🗝🗝`;
    const facts = { name: `${'x'.repeat(255)}🗝` };
    const problem = toProblem(new AccessError(long, { code: 'KEY_UNKNOWN', hint: long, facts }));
    expect([problem.title, problem.hint, problem.facts['name']]).toEqual(
      [511, 511, 255].map((length) => 'x'.repeat(length)),
    );
    expect(() => encodeReply<'key.list'>({ ok: false, problem })).not.toThrow();
  });

  test('V65: an error that is not ours crosses the wire without a word of its own', () => {
    const problem = toProblem(new Error('share deadbeef leaked'));
    expect(JSON.stringify(problem)).not.toContain('deadbeef');
    expect(problem.status).toBe(500);
  });

  test('keeps the status that an error chose for itself', () => {
    const limited = new AccessError('no account', {
      code: 'ACCOUNT_UNKNOWN',
      hint: 'open one',
      httpStatus: 401,
    });
    expect(fromProblem(toProblem(limited)).httpStatus).toBe(401);
  });

  test.each([null, 1, 'x', [], {}, { errorClass: '__proto__' }, { errorClass: 'toString' }])(
    'an invalid problem document becomes an error of ours: %j',
    (value) => {
      expect(fromProblem(value)).toBeInstanceOf(BugError);
    },
  );

  test.each([
    ['neither yes nor no', {}],
    ['a list', []],
    ['a result that is not of its form', { ok: true, result: { keys: [1] } }],
  ])('%s is refused', (_what, value) => {
    expect(() => parseReply('key.list', encodeData(value))).toThrow(EncodingError);
  });
});

describe('a policy', () => {
  test('V11: two policies share a hash only when they are the same', () => {
    const changed: KeyPolicy[] = [
      { ...policy, kinds: ['message', 'git'] },
      { ...policy, rateLimit: null },
      { ...policy, rateLimit: { count: 60, perSeconds: 10 } },
      { ...policy, expiresAt: 1 },
      { ...policy, blindAllowed: true },
      { ...policy, approval: 'operator' },
    ];
    const hashes = [policy, ...changed].map((each) => encodeHex(policyHash(keyPolicy.parse(each))));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(encodeHex(policyHash({ ...policy }))).toBe(hashes[0]);
  });
});

describe('the states of a session', () => {
  test('lead only to states that exist, and an end is an end', () => {
    for (const state of SESSION_STATES)
      for (const next of TRANSITIONS[state]) expect(SESSION_STATES).toContain(next);
    const ends = SESSION_STATES.filter((state) => TRANSITIONS[state].length === 0);
    expect(ends).toEqual(['finished', 'aborted', 'expired', 'cancelled', 'rejected']);
  });
});
