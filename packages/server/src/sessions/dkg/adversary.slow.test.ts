import { parsePacket, verifyPacket, type SessionView } from '@ckm/api';
import { encodeHex, reveal } from '@ckm/foundation';
import { dkgProtocol, encodeKeyParams, type KeyParams } from '@ckm/threshold';
import {
  corrupting,
  createCeremony,
  createRogueServer,
  delaying,
  dropping,
  substituting,
  type CeremonyOptions,
  preparing,
  type Tamper,
} from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { filesOf, leaks, storedSecrets } from '../../test/stored-secrets.js';
import { createActiveKeys } from '../keys/active-keys.js';
import { openRecord } from '../../vault/sealed-record.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../test/bare-servers.js';
import { TEST_TIME, type BareCaller, type BareServer } from '../test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const states = (views: readonly (SessionView | null)[]) => views.map((view) => view?.state);

/** Alpha and bravo are honest; slot 3 is the rogue's. */
async function withRogue(lie: Tamper, options: Partial<CeremonyOptions> = {}) {
  const { servers, callers } = await network.openMany(2);
  const rogue = createRogueServer('rogue', lie);
  const ceremony = createCeremony({ servers: [...callers, rogue], expiresAt: SOON, ...options });
  return { servers, callers, rogue, ceremony };
}

async function evidenceOf(server: BareServer, sessionId: Uint8Array) {
  const { storage, vault } = server.context;
  const rows = await storage.read((reader) => reader.evidence.list(alice.xid, sessionId));
  return rows.map((row) =>
    openRecord<{ sender: number; round: number; first: Uint8Array; second: Uint8Array }>(
      vault,
      'session_evidence',
      row,
    ),
  );
}

/** Every byte that goes in or out through a caller. */
function listening(caller: BareCaller, wire: Uint8Array[]): BareCaller {
  return {
    name: caller.name,
    async call(name, parameters) {
      const result = await caller.call(name, parameters);
      collect(parameters, wire);
      collect(result, wire);
      return result;
    },
  };
}

function collect(value: unknown, wire: Uint8Array[]): void {
  if (value instanceof Uint8Array) wire.push(value);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) collect(inner, wire);
}

describe('a lying server is named', () => {
  test('one that says two things in one round has signed both, and both are kept', async () => {
    const { servers, ceremony } = await withRogue((said, sign) => {
      if (said.round !== 0) return [sign(said)];
      const other = said.payload.slice();
      other[1]! ^= 1;
      return [sign(said), sign({ ...said, payload: other })];
    });
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(view.state).toBe('aborted');
      expect(view.fault).toEqual({ code: 'FAULT_EQUIVOCATION', round: 0, culprits: [3] });
    }
    for (const server of servers) {
      const [evidence, ...more] = await evidenceOf(server, ceremony.sessionId);
      expect(more).toEqual([]);
      const identityKey = ceremony.parameters().roster[2]!.identityKey;
      const packets = [evidence!.first, evidence!.second].map(parsePacket);
      expect(packets.every((packet) => verifyPacket(packet, identityKey))).toBe(true);
      expect(encodeHex(packets[0]!.payload)).not.toBe(encodeHex(packets[1]!.payload));
    }
  });

  test('V15: when the courier helps him to say two things, the session ends at the echo and nobody is blamed', async () => {
    const sayings: Uint8Array[] = [];
    const { ceremony } = await withRogue(
      (said, sign) => {
        if (said.round !== 0) return [sign(said)];
        const other = said.payload.slice();
        other[1]! ^= 1;
        sayings.push(sign(said), sign({ ...said, payload: other }));
        return [sayings[0]!];
      },
      {
        tampering: ({ packet, from, to, round }) =>
          from === 3 && round === 0 ? [sayings[to - 1]!] : [packet],
      },
    );
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(view.fault).toEqual({ code: 'RETRY_VIEWS_DIFFER', round: 1, culprits: [] });
    }
  });

  test.each([
    ['an empty payload', () => new Uint8Array(0)],
    ['noise', (payload: Uint8Array) => payload.map((byte, i) => (byte * 31 + i + 9) & 0xff)],
    ['a payload with a byte too many', (payload: Uint8Array) => Uint8Array.of(...payload, 0)],
    ['the longest payload that fits', () => new Uint8Array(60_000).fill(1)],
  ])('one that says %s', async (_, bend) => {
    for (const round of [0, 1, 2]) {
      const { ceremony } = await withRogue((said, sign) => [
        sign(said.round === round ? { ...said, payload: bend(said.payload) } : said),
      ]);
      const views = await ceremony.finish();
      for (const view of views.slice(0, 2)) {
        expect([view.state, view.fault]).toEqual([
          'aborted',
          { code: 'FAULT_MALFORMED', round, culprits: [3] },
        ]);
      }
    }
  });

  test('one whose dealing is not what it committed to', async () => {
    const { ceremony } = await withRogue((said, sign) => {
      if (said.round !== 1) return [sign(said)];
      const message = dkgProtocol.message.decode(said.payload);
      if (message.round !== 1) return [sign(said)];
      const salt = message.salt.map((byte) => byte ^ 1);
      return [sign({ ...said, payload: dkgProtocol.message.encode({ ...message, salt }) })];
    });
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(view.fault).toEqual({ code: 'FAULT_COMMITMENT_OPENING', round: 1, culprits: [3] });
    }
  });

  test('V22: one whose share to bravo cannot be decrypted: bravo suspects it, no certificate, alpha keeps what it signed', async () => {
    const { callers, ceremony } = await withRogue((said, sign) => {
      if (said.round !== 1) return [sign(said)];
      const message = dkgProtocol.message.decode(said.payload);
      if (message.round !== 1) return [sign(said)];
      const dealing = message.dealing.slice();
      // The last frame but one is bravo's: 8 bytes of length and 48 of ciphertext each.
      dealing[dealing.length - 56 - 10]! ^= 1;
      return [sign({ ...said, payload: dkgProtocol.message.encode({ ...message, dealing }) })];
    });
    const [first, second] = await ceremony.finish();
    expect(second!.fault).toEqual({ code: 'SUSPECT_SHARE', round: 1, culprits: [3] });
    expect(first!.state).toBe('running');
    const { keyId, sessionId } = ceremony;
    await callers[0]!.call('session.cancel', { sessionId, reason: 'bravo suspects somebody' });
    expect((await callers[0]!.call('key.list', { after: null })).keys.map(({ state }) => state)).toEqual([
      'pending',
    ]);
    expect(await callers[1]!.call('key.list', { after: null })).toEqual({ keys: [], next: null });
    await expect(callers[0]!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
      code('KEY_NOT_CERTIFIED'),
    );
  });

  test('V32d: what bravo suspects reaches nobody but as a code, a round and a slot', async () => {
    const { servers, callers } = await network.openMany(2);
    const wire: Uint8Array[] = [];
    const rogue = createRogueServer('rogue', (said, sign) => {
      const message = dkgProtocol.message.decode(said.payload);
      if (message.round !== 1) return [sign(said)];
      const dealing = message.dealing.slice();
      dealing[dealing.length - 56 - 10]! ^= 1;
      return [sign({ ...said, payload: dkgProtocol.message.encode({ ...message, dealing }) })];
    });
    const heard = callers.map((caller) => listening(caller, wire));
    const ceremony = createCeremony({ servers: [...heard, rogue], expiresAt: SOON });
    const secrets = new Map<string, Uint8Array>();
    do
      for (const [what, bytes] of storedSecrets(servers[1]!.dataDir, servers[1]!.context.vault))
        secrets.set(what, bytes);
    while ((await ceremony.next()) !== null);
    const [first, second] = ceremony.views;
    const fault = { code: 'SUSPECT_SHARE', round: 1, culprits: [3] };
    expect(second).toMatchObject({ state: 'aborted', fault, result: null, reason: null, awaiting: [] });
    expect(second!.outbox.map((packet) => parsePacket(packet).round)).toEqual([0, 1]);
    expect(first).toMatchObject({ state: 'running', round: 2, awaiting: [2], fault: null });
    for (const server of servers) expect(await evidenceOf(server, ceremony.sessionId)).toEqual([]);
    const everything = Buffer.concat([...wire, ...ceremony.packets]);
    const kinds = [...secrets.keys()].map((what) => what.replace(/ [0-9a-f]+$/, ''));
    expect(new Set(kinds)).toEqual(
      new Set(['static seed', 'root', 'static secret', 'static point', 'hedge']),
    );
    expect(leaks(secrets, [['what was sent', everything]])).toEqual([]);
  });

  test('V32d: one that shows what it was dealt, to accuse alpha, is named itself', async () => {
    for (const round of [2, 3]) {
      const { ceremony } = await withRogue((said, sign) => {
        if (said.round !== 2) return [sign(said)];
        // "Slot 1 gave me this share."
        const payload = Uint8Array.of(round, 0, 1, ...new Uint8Array(32).fill(7));
        return [sign({ ...said, payload })];
      });
      const views = await ceremony.finish();
      for (const { fault } of views.slice(0, 2))
        expect(fault).toEqual({ code: 'FAULT_MALFORMED', round: 2, culprits: [3] });
    }
  });

  test('one whose signature of the transcript does not hold; the key waits for a certificate that does', async () => {
    let rightPacket: Uint8Array | null = null;
    const { callers, ceremony, rogue } = await withRogue((said, sign) => {
      if (said.round !== 2) return [sign(said)];
      rightPacket = sign(said);
      const payload = said.payload.slice();
      payload[payload.length - 1]! ^= 1;
      return [sign({ ...said, payload })];
    });
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(view.fault).toEqual({ code: 'FAULT_SIGNATURE_INVALID', round: 2, culprits: [3] });
    }
    expect(rightPacket).not.toBeNull();
    expect(rogue.output).not.toBeNull();
    for (const caller of callers) {
      expect((await caller.call('key.list', { after: null })).keys.map(({ state }) => state)).toEqual([
        'pending',
      ]);
    }
  });

  test('V20: one that speaks another version of the protocol ends the session early, without blame', async () => {
    const { ceremony } = await withRogue((said, sign) => [sign({ ...said, protocol: 'ckm/dkg/v2' })]);
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(view.fault).toEqual({ code: 'RETRY_VERSION_DIFFERS', round: 0, culprits: [] });
    }
  });

  test('V20: parameters of another version are refused before anything starts', async () => {
    const { callers } = await network.openMany(2);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    await ceremony.next();
    await ceremony.next();
    const parameters = encodeKeyParams(ceremony.parameters());
    // The last character of the version, which comes first.
    parameters[parameters.indexOf(0x31, 4)]! ^= 3;
    const { sessionId } = ceremony;
    await expect(callers[0]!.call('session.join', { sessionId, parameters })).rejects.toThrow(
      expect.objectContaining({ errorClass: 'EncodingError' }),
    );
    expect((await callers[0]!.call('session.show', { sessionId, after: 0 })).state).toBe('accepted');
  });

  test('one that is silent stops nothing but this session, which expires', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const rogue = createRogueServer('rogue', (said, sign) => (said.round === 1 ? [] : [sign(said)]));
    const ceremony = createCeremony({ servers: [...callers, rogue], expiresAt: SOON });
    const views = await ceremony.finish();
    expect(views.slice(0, 2).map(({ state, round, awaiting }) => [state, round, awaiting])).toEqual([
      ['running', 1, [3]],
      ['running', 1, [3]],
    ]);
    await makeKey(callers);
    now = SOON;
    await servers[0]!.sessions.sweep();
    const { sessionId } = ceremony;
    expect((await callers[0]!.call('session.show', { sessionId, after: 0 })).state).toBe('expired');
  });

  test('V63: one that vouches for a static key with another identity than the roster says is named before the start', async () => {
    const { callers } = await network.openMany(2);
    const rogue = createRogueServer('rogue');
    const ceremony = createCeremony({
      servers: [...callers, rogue],
      expiresAt: SOON,
      parametersFor: (slot, parameters) => (slot === 1 ? withIdentityOf(parameters) : parameters),
    });
    for (let i = 0; i < 3; i++) await ceremony.next();
    await expect(ceremony.next()).rejects.toThrow(
      expect.objectContaining({ code: 'FAULT_ROSTER', facts: { culprits: [3] } }),
    );
  });
});

/** The roster with somebody else's identity in the last slot. */
function withIdentityOf(parameters: KeyParams): KeyParams {
  const { identityKey } = parameters.roster[0]!;
  const roster = parameters.roster.map((entry) =>
    entry.slot === 3 ? { ...entry, identityKey: flip(identityKey) } : entry,
  );
  return { ...parameters, roster };
}

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
}

describe('a lying courier is ignored', () => {
  async function finishes(options: Partial<CeremonyOptions>): Promise<void> {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON, ...options });
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
  }

  test('who delivers everything twice', () =>
    finishes({ tampering: ({ packet }) => [packet, packet.slice()] }));

  test('a courier who delivers packets backwards changes nothing', () =>
    finishes({ reorder: (packets) => packets.toReversed() }));

  test('who delivers rounds before their time', async () => {
    const { callers } = await network.openMany(3);
    const held = delaying(({ from, to }) => from === 2 && to === 1, 3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON, tampering: held });
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
  });

  test('who adds garbage, oversize and words of his own', () =>
    finishes({
      tampering: ({ packet }) => [new Uint8Array(0), packet, new Uint8Array(65_536), packet.subarray(3)],
    }));

  test('who loses a packet stops the session, and can go on with it', async () => {
    const { callers } = await network.openMany(3);
    let lossy = true;
    const tampering = dropping(({ from, to }) => lossy && from === 1 && to === 3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON, tampering });
    expect(states(await ceremony.finish())).toEqual(['running', 'running', 'running']);
    lossy = false;
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
  });

  test('who bends a packet gains nothing: it waits for the true one', async () => {
    const { callers } = await network.openMany(3);
    let bending = true;
    const bent = corrupting(
      () => true,
      (length) => length >> 1,
    );
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: (passage) => (bending ? bent(passage) : [passage.packet]),
    });
    expect(states(await ceremony.finish())).toEqual(['running', 'running', 'running']);
    bending = false;
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
  });

  test('V19: who replays a whole recorded session, round by round, into another one', async () => {
    const { callers } = await network.openMany(3);
    const recorded = createCeremony({ servers: callers, expiresAt: SOON });
    await recorded.finish();
    const replayed = substituting(
      () => true,
      ({ packet, from, round }) => {
        const old = recorded.packets.find((one) => {
          const parsed = parsePacket(one);
          return parsed.from === from && parsed.round === round;
        });
        return [old!, packet];
      },
    );
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON, tampering: replayed });
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
    const [first] = await Promise.all(
      [recorded, ceremony].map(({ keyId }) => callers[0]!.call('key.show', { keyId })),
    );
    expect(first!.key.state).toBe('active');
  });

  test('V19: who replays old rounds of the same session into later ones', async () => {
    const { callers } = await network.openMany(3);
    const everything: CeremonyOptions['reorder'] = (packets) => [...ceremony.packets, ...packets];
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON, reorder: everything });
    expect(states(await ceremony.finish())).toEqual(['finished', 'finished', 'finished']);
  });

  test.each([
    ['another policy', (key: KeyParams) => ({ ...key, termsHash: new Uint8Array(32) })],
    ['another purpose', (key: KeyParams) => ({ ...key, purpose: 'bitcoin' })],
    ['another key id', (key: KeyParams) => ({ ...key, keyId: new Uint8Array(32).fill(1) })],
    ['another epoch', (key: KeyParams) => ({ ...key, epoch: 1, previous: new Uint8Array(32).fill(1) })],
    ['another quorum', (key: KeyParams) => ({ ...key, quorum: { needed: 3, of: 3 } })],
    [
      'another url of this server',
      (key: KeyParams) => ({
        ...key,
        roster: key.roster.map((entry) => ({ ...entry, url: 'http://mallory' })),
      }),
    ],
  ])('who hands over parameters with %s is refused', async (_, change) => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      parametersFor: (_slot, parameters) => change(parameters),
    });
    for (let i = 0; i < 3; i++) await ceremony.next();
    await expect(ceremony.next()).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });

  test('who hands over a roster without this server, or with it twice, is refused', async () => {
    const { callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; i < 3; i++) await ceremony.next();
    const { sessionId } = ceremony;
    const { roster, ...rest } = ceremony.parameters();
    const [one, two, three] = roster as [
      KeyParams['roster'][0],
      KeyParams['roster'][0],
      KeyParams['roster'][0],
    ];
    const join = (entries: KeyParams['roster']) =>
      callers[0]!.call('session.join', {
        sessionId,
        parameters: encodeKeyParams({
          ...rest,
          roster: entries.map((entry, i) => ({ ...entry, slot: roster[i]!.slot })),
        }),
      });
    await expect(join([two, two, three])).rejects.toThrow(code('PARAMETERS_DIFFER'));
    await expect(join([one, one, three])).rejects.toThrow(
      expect.objectContaining({ code: 'FAULT_ROSTER', facts: { culprits: [1, 2] } }),
    );
  });

  test('who tells each server another roster gets no key and nobody blamed', async () => {
    const { callers } = await network.openMany(2);
    const [charlie, rogue] = [createRogueServer('charlie'), createRogueServer('rogue')];
    const ceremony = createCeremony({
      servers: [...callers, charlie],
      expiresAt: SOON,
      parametersFor: (slot, parameters) =>
        slot === 2 ? { ...parameters, roster: [...parameters.roster.slice(0, 2), entry] } : parameters,
    });
    for (let i = 0; i < 3; i++) await ceremony.next();
    const other = createCeremony({
      servers: [...callers, rogue],
      expiresAt: SOON,
      keyId: ceremony.keyId,
      sessionId: ceremony.sessionId,
    });
    for (let i = 0; i < 3; i++) await other.next();
    const entry = other.parameters().roster[2]!;
    const views = await ceremony.finish();
    for (const view of views.slice(0, 2)) {
      expect(['running', 'aborted']).toContain(view.state);
      expect(view.fault?.culprits ?? []).toEqual([]);
    }
  });
});

describe('V24: what leaves a server', () => {
  test('no share, in whole or in part, is ever in a message or in the database', async () => {
    const { servers, callers } = await network.openMany(3);
    const wire: Uint8Array[] = [];
    const { signer, keyId } = await makeKey(callers.map((caller) => listening(caller, wire)));
    for (const signers of [
      [1, 2],
      [2, 3],
      [1, 3],
    ])
      await signer.sign(messageOf('watched'), signers);
    const shares = await Promise.all(
      servers.map(async ({ context }) => {
        const keys = createActiveKeys(context);
        const { share } = await context.storage.read((reader) => keys.find(reader, alice.xid, keyId));
        return reveal(share.share, 'look for it on the wire').slice();
      }),
    );
    const captured = Buffer.concat(wire).toString('hex');
    const files = servers.flatMap(({ dataDir }) => filesOf(dataDir).map(([, content]) => content));
    const stored = Buffer.concat(files).toString('hex');
    expect(captured.length).toBeGreaterThan(10_000);
    for (const share of shares) {
      // Any eight bytes in a row, in either direction: nothing of a share shows.
      for (let at = 0; at + 8 <= share.length; at++) {
        const piece = Buffer.from(share.subarray(at, at + 8));
        for (const bytes of [piece, Buffer.from(piece).reverse()]) {
          expect(captured.includes(bytes.toString('hex'))).toBe(false);
          expect(stored.includes(bytes.toString('hex'))).toBe(false);
        }
      }
    }
  });
});
