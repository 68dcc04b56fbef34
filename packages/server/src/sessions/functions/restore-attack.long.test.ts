// @module-tag long
import { randomBytes } from 'node:crypto';
import { parsePacket, type RosterOffer } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { createCeremony } from '@ckm/testkit';
import { encodeCertificate, encodeKeyParams, parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers, makeKey, mallory, messageOf, SOON } from '../test/bare-servers.js';
import { garbledCertificate, type Signatory } from '../test/garbled-certificate.js';
import { testPerson, type BareServer } from '../test/bare-server.js';
import { loseDatabase, recordOf, makeKeyThenLose } from '../test/lost-database.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const random = () => new Uint8Array(randomBytes(32));

async function errorOf(work: Promise<unknown>): Promise<CkmError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CkmError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

async function keysAt({ context }: BareServer): Promise<number> {
  return (await context.storage.read((reader) => reader.keys.listAll(null, 10))).length;
}

describe('V32: whom a share does not belong to', () => {
  test('somebody else with an account, and with certificate and policy, is given nothing', async () => {
    const { backup, servers, callers, before } = await makeKeyThenLose(network);
    const thief = await servers[0]!.as(mallory);
    await expect(thief.call('key.restore', backup)).rejects.toThrow(code('KEY_NOT_RESTORABLE'));
    expect(await keysAt(servers[0]!)).toBe(0);
    // Nor does the attempt take anything away from the owner.
    expect(await callers[0]!.call('key.restore', backup)).toEqual(before.result);
    await expect(thief.call('key.restore', backup)).rejects.toThrow(code('KEY_NOT_RESTORABLE'));
    expect(await keysAt(servers[0]!)).toBe(1);
  });

  test('somebody who makes a key of the same id, suite and servers has another static key, and another share', async () => {
    const { made, backup, servers, callers } = await makeKeyThenLose(network);
    const strangers = await Promise.all(servers.map((server) => server.as(mallory)));
    const theirs = await makeKey(strangers, { keyId: made.keyId });
    const keysOf = (bytes: Uint8Array) =>
      parseCertificate(bytes).params.roster.map((entry) => entry.staticKey);
    expect(keysOf(theirs.certificate)[0]).not.toEqual(keysOf(made.certificate)[0]);
    const held = (await strangers[0]!.call('key.show', { keyId: made.keyId })).certificate;
    await expect(strangers[0]!.call('key.restore', backup)).rejects.toThrow(
      code('CERTIFICATE_OF_ANOTHER_KEY'),
    );
    expect((await strangers[0]!.call('key.show', { keyId: made.keyId })).certificate).toEqual(held);
    await callers[0]!.call('key.restore', backup);
    expect((await strangers[0]!.call('key.show', { keyId: made.keyId })).certificate).toEqual(held);
  });

  test('a server that is not of the key, and one that lost its identity with its database, restore nothing', async () => {
    const { backup, servers } = await makeKeyThenLose(network);
    const delta = await network.open({ name: 'delta', settings: { backup: 'static' } });
    const other = await loseDatabase(network, servers[0]!, { seed: random() });
    for (const server of [delta, other]) {
      const caller = await server.as(alice);
      await expect(caller.call('key.restore', backup)).rejects.toThrow(code('KEY_NOT_RESTORABLE'));
      expect(await keysAt(server)).toBe(0);
    }
  });

  test('a server whose place in the roster names another identity key restores nothing', async () => {
    const { backup, callers } = await makeKeyThenLose(network);
    const certificate = parseCertificate(backup.certificate);
    const { params } = certificate;
    const roster = params.roster.map((entry, i) =>
      i === 0 ? { ...entry, identityKey: testPerson(9).publicKeys.signing.bytes } : entry,
    );
    const forged = encodeCertificate({ ...certificate, params: { ...params, roster } });
    await expect(callers[0]!.call('key.restore', { ...backup, certificate: forged })).rejects.toThrow(
      code('KEY_NOT_RESTORABLE'),
    );
  });

  test('a server that keeps its static keys with the keys (backup: epoch) restores nothing without its database', async () => {
    const { backup, servers, callers } = await makeKeyThenLose(network, {}, { backup: 'epoch' });
    await expect(callers[0]!.call('key.restore', backup)).rejects.toThrow(code('KEY_NOT_RESTORABLE'));
    expect(await keysAt(servers[0]!)).toBe(0);
  });
});

describe('V32: what is shown instead of the certificate', () => {
  test('a laxer policy than the certified one is refused', async () => {
    const { backup, servers, callers } = await makeKeyThenLose(network, {
      policy: { rateLimit: { count: 1, perSeconds: 60 } },
    });
    const policy = { ...backup.policy, rateLimit: null };
    await expect(callers[0]!.call('key.restore', { ...backup, policy })).rejects.toThrow(
      code('POLICY_NOT_CERTIFIED'),
    );
    expect(await keysAt(servers[0]!)).toBe(0);
  });

  test('one without this server’s own signature, however many others there are, is refused', async () => {
    const { backup, callers } = await makeKeyThenLose(network);
    const certificate = parseCertificate(backup.certificate);
    const signatures = certificate.signatures.map((signature, i) =>
      i === 0 ? certificate.signatures[1]! : signature,
    );
    const forged = encodeCertificate({ ...certificate, signatures });
    await expect(callers[0]!.call('key.restore', { ...backup, certificate: forged })).rejects.toThrow(
      expect.objectContaining({ code: 'FAULT_SIGNATURE_INVALID', facts: { culprits: [1] } }),
    );
  });

  test('one with any byte changed, cut off or added is refused, and leaves nothing behind', async () => {
    const { backup, servers, callers } = await makeKeyThenLose(network);
    const { certificate } = backup;
    const flips = Array.from({ length: 48 }, (_, i) => Math.floor((i * certificate.length) / 48));
    const forgeries = [
      ...flips.map((at) => certificate.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      certificate.slice(0, -1),
      new Uint8Array([...certificate, 0]),
      new Uint8Array(0),
    ];
    for (const forged of forgeries) {
      const { code: refused, errorClass } = await errorOf(
        callers[0]!.call('key.restore', { ...backup, certificate: forged }),
      );
      const known = ['KEY_NOT_RESTORABLE', 'POLICY_NOT_CERTIFIED', 'KIND_NOT_FOR_PURPOSE', 'PURPOSE_UNKNOWN'];
      expect([refused, errorClass]).toEqual([
        expect.stringMatching(
          errorClass === 'EncodingError' ? /./ : new RegExp(`^FAULT_|^(${known.join('|')})$`),
        ),
        expect.not.stringMatching('BugError'),
      ]);
    }
    expect(await keysAt(servers[0]!)).toBe(0);
  });
});

describe('V32a: a server asked about its static key', () => {
  /** A certificate with two servers of Mallory's, and with alpha, whose static key she is supposed to have learned. */
  async function garbledFor(garble: ((ciphertext: Uint8Array) => void) | null) {
    const alpha = await network.open({ name: 'alpha', settings: { backup: 'static' } });
    const keyId = random();
    const scope = { owner: mallory.xid, suite: 'ed25519', keyId, epoch: 0 } as const;
    const signatories: Signatory[] = [
      { identity: alpha.context.identity, staticSeed: alpha.context.staticSeeds.derive(scope) },
      { identity: testPerson(1), staticSeed: random() },
      { identity: testPerson(2), staticSeed: random() },
    ];
    const policy = {
      kinds: ['message'],
      rateLimit: null,
      expiresAt: null,
      blindAllowed: true,
      approval: 'automatic' as const,
    };
    const certificate = garbledCertificate(keyId, policy, signatories, garble);
    return { alpha, shown: { certificate, policy } };
  }

  test('says the same of a ciphertext that does not open, wherever it is wrong, as of a key it has never seen', async () => {
    const said = [];
    for (const at of [0, 31, 47]) {
      const { alpha, shown } = await garbledFor((ciphertext) => {
        ciphertext[at]! ^= 1;
      });
      const caller = await alpha.as(mallory);
      const { message, hint, facts, code: refused } = await errorOf(caller.call('key.restore', shown));
      said.push({ message, hint, facts, refused });
      expect(await keysAt(alpha)).toBe(0);
    }
    const { alpha, shown } = await garbledFor(null);
    const another = await alpha.as(alice);
    const { message, hint, facts, code: refused } = await errorOf(another.call('key.restore', shown));
    expect(refused).toBe('KEY_NOT_RESTORABLE');
    expect(facts).toEqual({});
    for (const one of said) expect(one).toEqual({ message, hint, facts, refused });
  });

  test('restores from the very same certificate when nothing in it is garbled', async () => {
    const { alpha, shown } = await garbledFor(null);
    const caller = await alpha.as(mallory);
    const { keyId } = await caller.call('key.restore', shown);
    const { key } = await caller.call('key.show', { keyId });
    expect([key.state, key.isShareLost]).toEqual(['active', undefined]);
  });

  test('opens no ciphertext before every signature holds: a run that it never signed stays closed', async () => {
    const { alpha, shown } = await garbledFor(null);
    const certificate = parseCertificate(shown.certificate);
    const signatures = certificate.signatures.map((signature, i) =>
      i === 0 ? certificate.signatures[2]! : signature,
    );
    const caller = await alpha.as(mallory);
    const forged = encodeCertificate({ ...certificate, signatures });
    const error = await errorOf(caller.call('key.restore', { ...shown, certificate: forged }));
    expect([error.code, error.facts]).toEqual(['FAULT_SIGNATURE_INVALID', { culprits: [1] }]);
    expect(await keysAt(alpha)).toBe(0);
  });
});

describe('V32: a key that is there', () => {
  test('is not written over by another key of the same id that the same owner made after the loss', async () => {
    const { made, backup, servers, callers } = await makeKeyThenLose(network);
    const fresh = [
      callers[0]!,
      await (await network.open()).as(alice),
      await (await network.open()).as(alice),
    ];
    const second = await makeKey(fresh, { keyId: made.keyId });
    const before = await recordOf(servers[0]!, made.keyId);
    await expect(callers[0]!.call('key.restore', backup)).rejects.toThrow(code('CERTIFICATE_OF_ANOTHER_KEY'));
    expect(await recordOf(servers[0]!, made.keyId)).toEqual(before);
    expect((await second.signer.sign(messageOf('the second one'), [1, 2])).length).toBe(64);
  });

  test('is not written over by a session that was open when it came back, whatever its id', async () => {
    const { made, backup, servers, callers, before } = await makeKeyThenLose(network);
    for (const sessionId of [new Uint8Array(32), made.sessionId, before.record.certified!.transcriptHash]) {
      const others = [await (await network.open()).as(alice), await (await network.open()).as(alice)];
      const ceremony = createCeremony({
        servers: [callers[0]!, ...others],
        expiresAt: SOON,
        keyId: made.keyId,
        sessionId,
      });
      // Everybody was proposed to and has joined; the key comes back before the transcript is signed.
      for (let call = 0; call < 6; call++) await ceremony.next();
      await callers[0]!.call('key.restore', backup);
      const restored = await recordOf(servers[0]!, made.keyId);
      await expect(ceremony.finish()).rejects.toThrow(code('KEY_ID_TAKEN'));
      expect(await recordOf(servers[0]!, made.keyId)).toEqual(restored);
      servers[0] = await loseDatabase(network, servers[0]!);
      callers[0] = await servers[0].as(alice);
    }
  });

  test('V32: a waiting key is not activated by the certificate of another making of it', async () => {
    const { made, backup, servers, callers } = await makeKeyThenLose(network);
    const others = [await (await network.open()).as(alice), await (await network.open()).as(alice)];
    const ceremony = createCeremony({
      servers: [callers[0]!, ...others],
      expiresAt: SOON,
      keyId: made.keyId,
      tampering: ({ packet, to, round }) => (round === 2 && to === 1 ? [] : [packet]),
    });
    await ceremony.finish();
    const waiting = await recordOf(servers[0]!, made.keyId);
    expect(waiting.pending).not.toBeNull();
    await expect(callers[0]!.call('key.restore', backup)).rejects.toThrow(code('CERTIFICATE_OF_ANOTHER_KEY'));
    expect(await recordOf(servers[0]!, made.keyId)).toEqual(waiting);
  });
});

describe('a static key that comes back', () => {
  test('gets no honest server convicted of saying two things in one run', async () => {
    const { servers, callers } = await network.openMany(2, { settings: { backup: 'static' } });
    const policy = { recovery: 'static' } as const;
    const first = createCeremony({ servers: callers, expiresAt: SOON, policy });
    for (let call = 0; call < 4; call++) await first.next();
    const { keyId, sessionId } = first;
    const alpha = await loseDatabase(network, servers[0]!);
    const caller = await alpha.as(alice);
    const again = createCeremony({
      servers: [caller, callers[1]!],
      expiresAt: SOON,
      keyId,
      sessionId,
      policy,
    });
    for (let call = 0; call < 2; call++) await again.next();
    const [before, after] = [first, again].map(({ views }) => views[0]!.offer as RosterOffer);
    expect(after!.staticKey).toEqual(before!.staticKey);
    const parameters = encodeKeyParams(again.parameters());
    const { outbox } = await caller.call('session.join', { sessionId, parameters });
    const said = [...first.views[0]!.outbox, ...outbox];
    expect(said.map((packet) => parsePacket(packet).round)).toEqual([0, 0]);
    // Parameters, and with them the name of the run, hold the proof, which is made anew for every offer.
    const { fault } = await callers[1]!.call('session.deliver', { sessionId, packets: said, after: 0 });
    expect(fault).toBeNull();
    const { storage } = servers[1]!.context;
    expect(await storage.read((reader) => reader.evidence.list(alice.xid, sessionId))).toEqual([]);
  });
});
