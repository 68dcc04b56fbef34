import { parsePacket, type RosterOffer, verifyPacket } from '@ckm/api';
import {
  encodeKeyParams,
  firstEpoch,
  type KeyParams,
  parseCertificate,
  verifyCertificate,
} from '@ckm/threshold';
import { createCeremony, createQuorumSigner, preparing } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers, makeKey, mallory, messageOf, SOON } from '../test/bare-servers.js';
import { TEST_TIME } from '../test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('making a key', () => {
  test.each(['ed25519', 'secp256k1-tr', 'secp256k1', 'P-256', 'ristretto255'] as const)(
    'three servers make a %s key over a courier they need not trust, or say that its purpose needs another suite',
    async (suite) => {
      const { callers } = await network.openMany(3);
      const ceremony = createCeremony({ servers: callers, suite, expiresAt: SOON });
      const views = await ceremony.finish().catch((error: unknown) => error);
      if (views instanceof Error) {
        expect(views).toEqual(code('SUITE_NOT_FOR_PURPOSE'));
        return;
      }
      const results = await Promise.all(
        callers.map((caller) => caller.call('key.show', { keyId: ceremony.keyId })),
      );
      const certificates = results.map(({ certificate }) => certificate);
      expect(new Set(certificates.map((bytes) => Buffer.from(bytes!).toString('hex'))).size).toBe(1);
      expect(verifyCertificate(parseCertificate(certificates[0]!)).public.suite).toBe(suite);
    },
  );

  test('a key that may be exported has that in its certificate, and no children', async () => {
    const { callers } = await network.openMany(2);
    const { certificate, signer } = await makeKey(callers, { exportable: true });
    const { flags } = parseCertificate(certificate).params;
    expect(flags).toEqual({ dealt: false, exportable: true, exported: false, hd: false, strict: false });
    expect((await signer.sign(messageOf('hello'), [1, 2])).length).toBe(64);
  });

  test('a key that was proposed without leave to export is not made with it, nor one with leave without', async () => {
    const { callers } = await network.openMany(2);
    for (const exportable of [false, true]) {
      const parametersFor = (_slot: number, parameters: KeyParams) => ({
        ...parameters,
        flags: firstEpoch({ exportable: !exportable }).flags,
      });
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON, exportable, parametersFor });
      await expect(ceremony.finish()).rejects.toThrow(code('PARAMETERS_DIFFER'));
    }
  });

  test('L1: a strict key has that in its certificate, its operators are told so, and none is made that was proposed otherwise', async () => {
    const { servers, callers } = await network.openMany(3);
    const { certificate, signer } = await makeKey(callers, { strict: true });
    expect(parseCertificate(certificate).params.flags).toEqual(firstEpoch({ strict: true }).flags);
    expect((await signer.sign(messageOf('hello'), [1, 3])).length).toBe(64);
    const { context } = servers[0]!;
    const log = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(log.map(({ sentence }) => sentence)).toContain(
      'Make a key (ed25519) for message, used by 2 of 3 servers, whose servers change only when 3 of them have decided so.',
    );
    for (const strict of [false, true]) {
      const parametersFor = (_slot: number, parameters: KeyParams) => ({
        ...parameters,
        flags: firstEpoch({ strict: !strict }).flags,
      });
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON, strict, parametersFor });
      await expect(ceremony.finish()).rejects.toThrow(code('PARAMETERS_DIFFER'));
    }
  });

  test('a server makes no key for export of a purpose that uses children', async () => {
    const { callers } = await network.openMany(2);
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      exportable: true,
      suite: 'secp256k1-tr',
      purpose: 'bitcoin',
    });
    await expect(ceremony.next()).rejects.toThrow(code('PURPOSE_NEEDS_CHILDREN'));
  });

  test('any two of three sign with it', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    for (const signers of [
      [1, 2],
      [1, 3],
      [2, 3],
      [1, 2, 3],
    ]) {
      expect((await signer.sign(messageOf('hello'), signers)).length).toBe(64);
    }
  });

  test('every call may be repeated, in any state, and then only looks', async () => {
    const { callers } = await network.openMany(3);
    const first = createCeremony({ servers: callers, expiresAt: SOON });
    const { keyId, sessionId } = first;
    const done = await first.finish();
    const again = createCeremony({ servers: callers, expiresAt: SOON, keyId, sessionId });
    expect(await again.finish()).toEqual(done);
    const parameters = encodeKeyParams(first.parameters());
    const [joined, delivered, shown] = [
      await callers[0]!.call('session.join', { sessionId, parameters }),
      await callers[0]!.call('session.deliver', { sessionId, packets: [...first.packets], after: 0 }),
      await callers[0]!.call('session.show', { sessionId, after: 0 }),
    ];
    expect([joined, delivered, shown]).toEqual([done[0], done[0], done[0]]);
  });

  test('a session, its key and its packets belong to the account that proposed it', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId, sessionId } = await makeKey(callers);
    const stranger = await servers[0]!.as(mallory);
    await expect(stranger.call('session.show', { sessionId, after: 0 })).rejects.toThrow(
      code('SESSION_UNKNOWN'),
    );
    await expect(stranger.call('session.cancel', { sessionId, reason: '' })).rejects.toThrow(
      code('SESSION_UNKNOWN'),
    );
    await expect(stranger.call('session.deliver', { sessionId, packets: [], after: 0 })).rejects.toThrow(
      code('SESSION_UNKNOWN'),
    );
    await expect(stranger.call('key.show', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
    await expect(stranger.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(code('KEY_UNKNOWN'));
    expect(await stranger.call('key.list', { after: null })).toEqual({ keys: [], next: null });
  });

  test('somebody else can use the same ids for another session without disturbing this one', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId, sessionId } = await makeKey(callers);
    const strangers = await Promise.all(servers.map((server) => server.as(mallory)));
    const theirs = await createCeremony({ servers: strangers, expiresAt: SOON, keyId, sessionId }).finish();
    expect(theirs.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    expect((await callers[0]!.call('session.show', { sessionId, after: 0 })).result).not.toEqual(
      theirs[0]!.result,
    );
  });
});

describe('V15: session ids', () => {
  test('an id that was used is refused for another proposal', async () => {
    const { callers } = await network.openMany(3);
    const { sessionId, keyId } = await makeKey(callers);
    const other = createCeremony({ servers: callers, expiresAt: SOON, sessionId });
    await expect(other.next()).rejects.toThrow(code('SESSION_ID_TAKEN'));
    const stricter = createCeremony({ servers: callers, expiresAt: SOON, sessionId, keyId, needed: 3 });
    await expect(stricter.next()).rejects.toThrow(code('SESSION_ID_TAKEN'));
    const later = createCeremony({ servers: callers, expiresAt: SOON + 1, sessionId, keyId });
    await expect(later.next()).rejects.toThrow(code('SESSION_ID_TAKEN'));
  });

  test('a key id that was used is refused for another session', async () => {
    const { callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    await expect(createCeremony({ servers: callers, expiresAt: SOON, keyId }).next()).rejects.toThrow(
      code('KEY_ID_TAKEN'),
    );
  });

  test('two sessions for one key id: the key of the first that gets that far stands, the other one ends', async () => {
    const { callers } = await network.openMany(2);
    const one = createCeremony({ servers: callers, expiresAt: SOON });
    const other = createCeremony({ servers: callers, expiresAt: SOON, keyId: one.keyId });
    for (let i = 0; i < 2; i++) await Promise.all([one.next(), other.next()]);
    const views = await one.finish();
    expect(views.map(({ state }) => state)).toEqual(['finished', 'finished']);
    await expect(other.finish()).rejects.toThrow(code('KEY_ID_TAKEN'));
    expect((await callers[0]!.call('key.list', { after: null })).keys.length).toBe(1);
  });

  test('what a session was joined with cannot be exchanged', async () => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; i < 6; i++) await ceremony.next();
    const { roster, ...rest } = ceremony.parameters();
    const exchanged = encodeKeyParams({
      ...rest,
      roster: roster.map((entry) => ({ ...entry, url: 'http://x' })),
    });
    const { sessionId } = ceremony;
    await expect(callers[0]!.call('session.join', { sessionId, parameters: exchanged })).rejects.toThrow(
      code('SESSION_DIFFERS'),
    );
  });
});

describe('proposals', () => {
  test.each([
    ['in the past', { expiresAt: TEST_TIME }, 'EXPIRY_PASSED'],
    ['in a hundred years', { expiresAt: TEST_TIME + 3_153_600_000 }, 'EXPIRY_TOO_FAR'],
    ['for a purpose nobody knows', { purpose: 'coffee' }, 'PURPOSE_UNKNOWN'],
    [
      'for a suite that the purpose cannot use',
      { purpose: 'bitcoin', suite: 'ed25519' },
      'SUITE_NOT_FOR_PURPOSE',
    ],
    ['with a policy that has expired', { policy: { expiresAt: 1 } }, 'POLICY_KEY_EXPIRED'],
  ] as const)('one %s is refused', async (_, options, expected) => {
    const { servers, callers } = await network.openMany(2);
    await expect(createCeremony({ servers: callers, expiresAt: SOON, ...options }).next()).rejects.toThrow(
      code(expected),
    );
    const { storage } = servers[0]!.context;
    expect(await storage.read(({ sessions }) => sessions.countOpen(alice.xid))).toBe(0);
  });

  test('a refusal by policy is in the audit log', async () => {
    const { servers, callers } = await network.openMany(2, { settings: { policy: { kinds: ['ssh'] } } });
    await expect(createCeremony({ servers: callers, expiresAt: SOON }).next()).rejects.toThrow(
      code('POLICY_KIND'),
    );
    const { storage, audit } = servers[0]!.context;
    const lines = await storage.read((reader) => audit.list(reader, 1, 10));
    expect(lines.map(({ deed, verdict, detail }) => [deed, verdict, detail])).toEqual([
      ['session.rejected', 'refused', 'POLICY_KIND'],
    ]);
  });

  test('V70: an account cannot open more sessions than its quota, and ending one makes room', async () => {
    const { callers } = await network.openMany(1, { settings: { quota: { openSessions: 2 } } });
    const two = [callers[0]!, callers[0]!];
    const ceremonies = [1, 2, 3].map(() => createCeremony({ servers: two, expiresAt: SOON }));
    await ceremonies[0]!.next();
    await ceremonies[1]!.next();
    await expect(ceremonies[2]!.next()).rejects.toThrow(
      expect.objectContaining({ errorClass: 'PolicyError' }),
    );
    await callers[0]!.call('session.cancel', { sessionId: ceremonies[0]!.sessionId, reason: 'never mind' });
    expect(await ceremonies[2]!.next()).toEqual({ slot: 1, call: 'propose' });
  });
});

describe('the end of a session', () => {
  test('cancelling before the transcript is signed leaves nothing but the record', async () => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; i < 7; i++) await ceremony.next();
    const { sessionId } = ceremony;
    const view = await callers[0]!.call('session.cancel', { sessionId, reason: 'changed my mind' });
    expect([view.state, view.reason]).toEqual(['cancelled', 'changed my mind']);
    expect(await callers[0]!.call('key.list', { after: null })).toEqual({ keys: [], next: null });
    const late = await callers[0]!.call('session.deliver', {
      sessionId,
      packets: [...ceremony.packets],
      after: 0,
    });
    expect(late).toEqual(view);
  });

  test('a session whose time has passed expires by itself, whether anybody asks or not', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const [first, second] = [1, 2].map(() => createCeremony({ servers: callers, expiresAt: SOON }));
    for (const ceremony of [first!, second!]) for (let i = 0; i < 4; i++) await ceremony.next();
    now = SOON;
    await servers[0]!.sessions.sweep();
    for (const { sessionId } of [first!, second!]) {
      expect((await callers[0]!.call('session.show', { sessionId, after: 0 })).state).toBe('expired');
    }
    const { sessionId } = second!;
    expect(
      (await callers[1]!.call('session.deliver', { sessionId, packets: [...second!.packets], after: 0 }))
        .state,
    ).toBe('expired');
    expect((await callers[1]!.call('session.show', { sessionId: first!.sessionId, after: 0 })).state).toBe(
      'expired',
    );
  });

  test('V22: a certificate that reached one server only is accepted by the others years later', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(3, { now: () => now });
    const lost = ({ to, round }: { to: number; round: number }) => round === 2 && to !== 1;
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: (passage) => (lost(passage) ? [] : [passage.packet]),
    });
    const { keyId, sessionId } = ceremony;
    expect((await ceremony.finish()).map(({ state }) => state)).toEqual(['finished', 'running', 'running']);
    await callers[1]!.call('session.cancel', { sessionId, reason: 'it takes too long' });
    now = TEST_TIME + 5 * 31_536_000;
    await servers[2]!.sessions.sweep();
    for (const caller of callers.slice(1)) {
      const { keys } = await caller.call('key.list', { after: null });
      expect(keys.map(({ state }) => state)).toEqual(['pending']);
      await expect(caller.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
        code('KEY_NOT_CERTIFIED'),
      );
    }
    const { certificate } = await callers[0]!.call('key.show', { keyId });
    const promised = (await callers[0]!.call('session.show', { sessionId, after: 0 })).result!;
    for (const caller of callers) {
      const result = await caller.call('key.certify', { keyId, certificate: certificate! });
      expect(result.transcriptHash).toEqual(promised.transcriptHash);
    }
    const key = verifyCertificate(parseCertificate(certificate!)).public;
    const signer = createQuorumSigner({
      servers: callers,
      keyId,
      key,
      purpose: 'message',
      expiresAt: now + 60,
    });
    expect((await signer.sign(messageOf('years later'), [2, 3])).length).toBe(64);
  });

  test('V22: a certificate with a signature that does not hold activates nothing, and names its slot', async () => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: ({ packet, to, round }) => (round === 2 && to !== 1 ? [] : [packet]),
    });
    await ceremony.finish();
    const { keyId } = ceremony;
    const { certificate } = await callers[0]!.call('key.show', { keyId });
    const forged = certificate!.slice();
    forged[forged.length - 1]! ^= 1;
    await expect(callers[1]!.call('key.certify', { keyId, certificate: forged })).rejects.toThrow(
      expect.objectContaining({ code: 'FAULT_SIGNATURE_INVALID', facts: { culprits: [3] } }),
    );
    const other = await makeKey(callers);
    await expect(callers[1]!.call('key.certify', { keyId, certificate: other.certificate })).rejects.toThrow(
      code('CERTIFICATE_OF_ANOTHER_KEY'),
    );
    await expect(
      callers[1]!.call('key.certify', { keyId, certificate: certificate!.subarray(1) }),
    ).rejects.toThrow(expect.objectContaining({ errorClass: 'EncodingError' }));
    await expect(callers[1]!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
      code('KEY_NOT_CERTIFIED'),
    );
  });

  test('a key without its certificate answers nothing', async () => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: ({ packet, round }) => (round === 2 ? [] : [packet]),
    });
    await ceremony.finish();
    const { keyId } = ceremony;
    const ask = {
      requestId: new Uint8Array(32),
      keyId,
      expiresAt: SOON,
      attempt: null,
      epoch: 0,
      wanted: { craft: 'frost', commitments: 1 },
    } as const;
    for (const caller of callers) {
      await expect(caller.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
        code('KEY_NOT_CERTIFIED'),
      );
      await expect(caller.call('request.ask', { ...ask, ...messageOf('now') })).rejects.toThrow(
        code('KEY_NOT_CERTIFIED'),
      );
      expect((await caller.call('key.show', { keyId })).certificate).toBeNull();
    }
  });
});

describe('what is written down', () => {
  test('every step is in the audit log, with who asked and nothing secret', async () => {
    const { servers, callers } = await network.openMany(3);
    await makeKey(callers);
    for (const { context } of servers) {
      const { storage, audit } = context;
      expect(await audit.verify(storage)).toEqual(expect.objectContaining({ ok: true }));
      const lines = await storage.read((reader) => audit.list(reader, 1, 100));
      const deeds = lines.map(({ deed }) => deed);
      // A server that hears two rounds at once takes both steps in one.
      const steps = deeds.filter((deed) => deed === 'session.round');
      expect([1, 2]).toContain(steps.length);
      expect(deeds).toEqual(['session.accepted', 'session.running', ...steps, 'session.finished']);
      expect(lines.every(({ who }) => who !== null && Buffer.from(who).equals(Buffer.from(alice.xid)))).toBe(
        true,
      );
      expect(lines[0]!.sentence).toBe('Make a key (ed25519) for message, used by 2 of 3 servers.');
    }
  });

  test('packets of a finished session stay, so that everybody else can finish too', async () => {
    const { callers } = await network.openMany(3);
    const { sessionId } = await makeKey(callers);
    const { outbox, offer } = await callers[0]!.call('session.show', { sessionId, after: 0 });
    const packets = outbox.map(parsePacket);
    expect(packets.map(({ round, from }) => [round, from])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(packets.every((packet) => verifyPacket(packet, (offer as RosterOffer).identityKey))).toBe(true);
  });
});
