import { type KeyParams, parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers, mallory, messageOf } from '../test/bare-servers.js';
import { createImport, flipped, hexOf } from '../test/import-courier.js';
import { loseDatabase, recordOf } from '../test/lost-database.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
/** Where the encrypted share of the second slot begins in a dealing of 2 of 3, of ed25519. */
const SECOND_SHARE = 160 + 56 + 8;

describe('taking over a key', () => {
  test('three servers take it, under its own public key, and any two sign with it', async () => {
    const { servers, callers } = await network.openMany(3);
    const taken = createImport({ servers: callers });
    const views = await taken.finish();
    expect(views.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    const shown = await Promise.all(callers.map((one) => one.call('key.show', { keyId: taken.keyId })));
    expect(new Set(shown.map(({ certificate }) => hexOf(certificate))).size).toBe(1);
    const certificate = parseCertificate(shown[0]!.certificate!);
    expect(certificate.kind).toBe('import');
    expect(certificate.params.flags).toEqual({
      dealt: true,
      exportable: false,
      exported: false,
      hd: false,
      strict: false,
    });
    expect(verifyCertificate(certificate).public.groupKey).toEqual(taken.proposal.groupKey);
    const signer = await taken.signer();
    for (const signers of [
      [1, 2],
      [2, 3],
    ])
      expect((await signer.sign(messageOf('hello'), signers)).length).toBe(64);
    const lines = await servers[0]!.context.storage.read((reader) =>
      servers[0]!.context.audit.list(reader, 1, 10),
    );
    expect(lines.map(({ sentence }) => sentence).join('\n')).toContain(
      'dealt by its owner. The owner, and whoever had the file, knows the whole key.',
    );
  });

  test('every call may be repeated, and then only looks', async () => {
    const { callers } = await network.openMany(2);
    const taken = createImport({ servers: callers });
    const deal = taken.deal(await taken.propose());
    const joined = await taken.joinAt(1, deal);
    expect(await taken.joinAt(1, deal)).toEqual(joined);
    const { outbox } = await taken.joinAt(2, deal);
    const done = await taken.deliver(1, outbox);
    expect(done.state).toBe('finished');
    expect(await taken.deliver(1, outbox)).toEqual(done);
    expect(await taken.joinAt(1, deal)).toEqual(done);
  });

  test('a key for bitcoin comes with a chain code or without, and its parameters say which', async () => {
    const { callers } = await network.openMany(2);
    for (const hd of [false, true]) {
      const taken = createImport({ servers: callers, suite: 'secp256k1-tr', purpose: 'bitcoin', hd });
      expect((await taken.finish()).map(({ state }) => state)).toEqual(['finished', 'finished']);
      const { certificate } = await callers[0]!.call('key.show', { keyId: taken.keyId });
      expect(parseCertificate(certificate!).params.flags).toMatchObject({ hd, exportable: false });
    }
  });

  test('one public key is not taken twice, for the same purpose or for another', async () => {
    const { servers, callers } = await network.openMany(2);
    const first = createImport({ servers: callers });
    await first.finish();
    for (const purpose of ['message', 'ssh']) {
      const again = createImport({ servers: callers, secret: first.secret, purpose });
      await expect(again.propose()).rejects.toThrow(code('PUBLIC_KEY_TAKEN'));
    }
    // What somebody else has is nobody's business.
    const others = await Promise.all(servers.map((server) => server.as(mallory)));
    const elsewhere = createImport({ servers: others, secret: first.secret });
    expect((await elsewhere.finish()).map(({ state }) => state)).toEqual(['finished', 'finished']);
  });
});

describe('a dealer that cheats', () => {
  test('with a wrong share for one server: it refuses, says that the dealer did it, and no key comes about', async () => {
    const { callers } = await network.openMany(3);
    const taken = createImport({ servers: callers });
    const deal = flipped(taken.deal(await taken.propose()), SECOND_SHARE);
    const one = await taken.joinAt(1, deal);
    await expect(taken.joinAt(2, deal)).rejects.toThrow(
      expect.objectContaining({ code: 'IMPORT_DEALING_INVALID', facts: { fault: 'SUSPECT_SHARE' } }) as Error,
    );
    const three = await taken.joinAt(3, deal);
    const view = await taken.deliver(1, three.outbox);
    expect([one.state, view.state]).toEqual(['running', 'running']);
    const { keyId } = taken;
    expect(await callers[0]!.call('key.show', { keyId })).toMatchObject({
      key: { state: 'pending' },
      certificate: null,
    });
    await expect(callers[1]!.call('key.show', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
  });

  test('with another dealing of the same key for one server: packets of one run are none in the other', async () => {
    const { callers } = await network.openMany(3);
    const taken = createImport({ servers: callers });
    const views = await taken.propose();
    const [deal, other] = [taken.deal(views), taken.deal(views)];
    const joined = [await taken.joinAt(1, deal), await taken.joinAt(2, deal), await taken.joinAt(3, other)];
    const packets = joined.flatMap(({ outbox }) => outbox);
    for (const slot of [1, 2, 3]) {
      const view = await taken.deliver(slot, packets).catch((error: unknown) => error);
      expect(view instanceof Error || (view as { state: string }).state !== 'finished').toBe(true);
    }
    for (const caller of callers)
      expect((await caller.call('key.show', { keyId: taken.keyId })).key.state).toBe('pending');
  });

  test('with another key, or other parameters, than it proposed is refused', async () => {
    const { callers } = await network.openMany(2);
    const proposed = createImport({ servers: callers });
    const deal = proposed.deal(await proposed.propose());
    const other = createImport({ servers: callers });
    const foreign = other.deal(await other.propose());
    // Its own dealing, of the session beside it.
    await expect(proposed.joinAt(1, foreign)).rejects.toThrow(code('PARAMETERS_DIFFER'));
    const changes = [
      { purpose: 'ssh' },
      { quorum: { needed: 2, of: 2 }, termsHash: new Uint8Array(32).fill(1) },
      { flags: { ...deal.params.flags, exportable: true } },
      { flags: { ...deal.params.flags, strict: true } },
    ];
    for (const change of changes) {
      const changed = createImport({ servers: callers, paramsFrom: (params) => ({ ...params, ...change }) });
      const dealt = changed.deal(await changed.propose());
      await expect(changed.joinAt(1, dealt)).rejects.toThrow(code('PARAMETERS_DIFFER'));
    }
    expect((await proposed.joinAt(1, deal)).state).toBe('running');
  });

  test('L1: as a strict key is taken over as one, and as no other', async () => {
    const { callers } = await network.openMany(3);
    const taken = createImport({ servers: callers, strict: true });
    await taken.finish();
    const { certificate } = await callers[0]!.call('key.show', { keyId: taken.keyId });
    expect(parseCertificate(certificate!).params.flags).toMatchObject({ dealt: true, strict: true });
    const lax = ({ flags, ...params }: KeyParams) => ({ ...params, flags: { ...flags, strict: false } });
    const changed = createImport({ servers: callers, strict: true, paramsFrom: lax });
    const dealt = changed.deal(await changed.propose());
    await expect(changed.joinAt(1, dealt)).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });

  test('with another key than the proposal names, dealt in good order, is refused, and nothing is kept', async () => {
    const { callers } = await network.openMany(2);
    const real = createImport({ servers: callers });
    const views = await real.propose();
    const params = real.deal(views).params;
    const liar = createImport({ servers: callers, paramsFrom: () => params });
    await expect(real.joinAt(1, liar.deal(views))).rejects.toThrow(code('PARAMETERS_DIFFER'));
    expect(await callers[0]!.call('key.list', { after: null })).toEqual({ keys: [], next: null });
  });

  test('replaying a dealing in another session: the servers have offered other static keys', async () => {
    const { callers } = await network.openMany(2);
    const first = createImport({ servers: callers });
    const deal = first.deal(await first.propose());
    const second = createImport({ servers: callers, secret: first.secret });
    await second.propose();
    await expect(second.joinAt(1, deal)).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });
});

describe('an import that is cut', { tags: 'slow' }, () => {
  test('after a server signed goes on when it starts again, with the share it had', async () => {
    const { servers, callers } = await network.openMany(2);
    const taken = createImport({ servers: callers });
    const deal = taken.deal(await taken.propose());
    const one = await taken.joinAt(1, deal);
    const restarted = await network.restart(servers[0]!);
    const again = await restarted.as(alice);
    const { outbox } = await taken.joinAt(2, deal);
    const { sessionId, keyId } = taken;
    const done = await again.call('session.deliver', { sessionId, packets: outbox, after: 0 });
    expect(done.state).toBe('finished');
    await taken.deliver(2, one.outbox);
    const records = [await recordOf(restarted, keyId), await recordOf(servers[1]!, keyId)];
    expect(hexOf(records[0]!.certified!.certificate)).toBe(hexOf(records[1]!.certified!.certificate));
  });

  test('when a server has closed its session: the certificate completes the key there, whenever it is shown', async () => {
    const { callers } = await network.openMany(2);
    const taken = createImport({ servers: callers });
    const deal = taken.deal(await taken.propose());
    const one = await taken.joinAt(1, deal);
    const two = await taken.joinAt(2, deal);
    const { sessionId, keyId } = taken;
    await callers[1]!.call('session.cancel', { sessionId, reason: 'test' });
    await taken.deliver(1, two.outbox);
    const { certificate } = await callers[0]!.call('key.show', { keyId });
    const garbled = certificate!.map((byte, i) => (i === certificate!.length - 65 ? byte ^ 1 : byte));
    await expect(callers[1]!.call('key.certify', { keyId, certificate: garbled })).rejects.toThrow(
      code('FAULT_SIGNATURE_INVALID'),
    );
    const stored = await callers[1]!.call('key.certify', { keyId, certificate: certificate! });
    expect(hexOf(stored.transcriptHash)).toBe(
      hexOf(verifyCertificate(parseCertificate(certificate!)).transcriptHash),
    );
    expect(one.outbox).toHaveLength(1);
    expect((await (await taken.signer()).sign(messageOf('whole'), [1, 2])).length).toBe(64);
  });

  test('and a server that lost its database has its share back from the certificate (static recovery)', async () => {
    const { servers, callers } = await network.openMany(2, { settings: { backup: 'static' } });
    const taken = createImport({ servers: callers, policy: { recovery: 'static' } });
    await taken.finish();
    const { keyId, policy } = taken;
    const { certificate } = await callers[0]!.call('key.show', { keyId });
    const before = await recordOf(servers[0]!, keyId);
    const lost = await loseDatabase(network, servers[0]!, {});
    const again = await lost.as(alice);
    await again.call('key.restore', { certificate: certificate!, policy });
    expect((await recordOf(lost, keyId)).certified).toEqual(before.certified);
  });
});
