import { encodeHex } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { afterEach, describe, expect, test } from 'vitest';
import type { WaitingRequest } from '../context.js';
import { alice, createBareServers, makeKey, messageOf } from '../sessions/test/bare-servers.js';
import { testPerson, type BareServer } from '../sessions/test/bare-server.js';
import { payment } from '../sessions/test/payment.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const fresh = (byte: number) => new Uint8Array(32).fill(byte);
const policy = { approval: 'operator' } as const;
const bitcoin = { purpose: 'bitcoin', suite: 'secp256k1-tr', policy } as const;

const bytesOf = ({ context }: BareServer) => context.storage.read(({ bytesOf: of }) => of(alice.xid));

describe('what waits for the operator', () => {
  test('is shown with the payee that gets everything, and with every warning', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer, key } = await makeKey(callers, bitcoin);
    await signer.request(1, payment(key, 100_010_000n, [300n, 200n, 100n, 99_990_000n]), {});
    const [listed] = await servers[0]!.sessions.desk.list();
    const { rows, warnings, rowsLeftOut, blind } = listed!.shown!;
    const begun = ({ label, value }: (typeof rows)[number]) =>
      `${label} ${label === 'Txid' ? value.replace(/^[0-9a-f ]{79}$/, 'TXID') : value.slice(0, 10)}`;
    expect(rows.map(begun)).toEqual([
      'Pay 0.99990000',
      'Pay 0.00000300',
      'Pay 0.00000200',
      'Pay 0.00000100',
      'Fee 0.00019400',
      'From 1.00010000',
      'Txid TXID',
    ]);
    const whole = rows[0]!.value.slice('0.99990000 BTC to '.length).replaceAll(' ', '');
    expect(listed!.sentence).toContain(`BTC to ${whole.slice(0, 8)}…${whole.slice(-8)}, `);
    expect(warnings.map(({ code: warned }) => warned)).toEqual(['OUTPUT_DUST', 'OUTPUT_DUST']);
    expect([rowsLeftOut, blind]).toEqual([0, false]);
  });

  test('is shown as blind where nobody can say what it is', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    const payload = buildMessageRequest({ domain: '', bytes: Uint8Array.of(255, 0) });
    await signer.request(1, { kind: 'message', payload }, {});
    const { blind, warnings } = (await servers[0]!.sessions.desk.list())[0]!.shown!;
    expect([blind, warnings.map(({ code: warned }) => warned)]).toEqual([true, ['BLIND_SIGNING']]);
  });

  test('keeps its table while it waits, and only its sentence once it is answered', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer, key } = await makeKey(callers, bitcoin);
    const amounts = Array.from({ length: 40 }, () => 1_000n);
    for (const id of [1, 2])
      await signer.request(1, { ...payment(key, 50_000n, amounts), requestId: fresh(id) }, {});
    const { desk } = servers[0]!.sessions;
    for (const answer of [() => desk.approve(fresh(1)), () => desk.reject(fresh(2), 'no')]) {
      const before = await bytesOf(servers[0]!);
      expect((await answer()).shown!.rows).toHaveLength(43);
      expect(before - (await bytesOf(servers[0]!))).toBeGreaterThan(40 * 40);
    }
  });

  test('V70: counts with its table against what its account may store', async () => {
    const { servers, callers } = await network.openMany(2, { settings: { quota: { bytes: 30_000 } } });
    const { signer, key } = await makeKey(callers, bitcoin);
    const warned = Array.from({ length: 400 }, (_, at) => BigInt(at + 1));
    const asked = signer.request(1, payment(key, 200_000n, warned), {});
    await expect(asked).rejects.toThrow(code('QUOTA_BYTES'));
    expect(await servers[0]!.sessions.desk.list()).toEqual([]);
    expect((await signer.request(1, payment(key, 200_000n, [90_000n]), {})).state).toBe('waiting');
  });

  test('is approved as it was looked at, or not at all', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    const { desk } = servers[0]!.sessions;
    await signer.request(1, { ...messageOf('hello'), requestId: fresh(1) }, {});
    await signer.request(1, { ...messageOf('everything'), requestId: fresh(2) }, {});
    const seen = (await desk.list()).find(({ sentence }) => sentence.includes('hello'))!;
    await expect(desk.approve(fresh(2), seen)).rejects.toThrow(code('REQUEST_NOT_AS_SEEN'));
    expect(await desk.list()).toHaveLength(2);
    expect((await desk.approve(fresh(1), seen)).sentence).toContain('hello');
  });
});

/** Every request that is listed, page by page. */
async function listAll({ sessions }: BareServer): Promise<WaitingRequest[]> {
  const all: WaitingRequest[] = [];
  for (;;) {
    const page = await sessions.desk.list(all.at(-1));
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** Somebody with a key whose servers ask their operators. */
async function somebody(servers: readonly BareServer[], number: number) {
  const person = testPerson(number);
  const { signer } = await makeKey(await Promise.all(servers.map((server) => server.as(person))), { policy });
  return { xid: person.xid, signer };
}

describe('V70: strangers who ask for as much as they may', () => {
  test('hide nobody else’s request: every page can be read, and each is found by its first digits', async () => {
    const { servers } = await network.openMany(2);
    const [alpha] = servers as [BareServer];
    for (const stranger of [1, 2, 3]) {
      const { signer } = await somebody(servers, stranger);
      for (let i = 0; i < 100; i++) await signer.request(1, messageOf(`number ${i}`), {});
      await expect(signer.request(1, messageOf('one too many'), {})).rejects.toThrow(code('QUOTA_WAITING'));
    }
    const victim = await somebody(servers, 4);
    const requestId = Uint8Array.of(0xff, 0xff, ...fresh(7).subarray(2));
    await victim.signer.request(1, { ...messageOf('mine'), requestId }, {});
    const listed = await listAll(alpha);
    expect(new Set(listed.map((request) => encodeHex(request.requestId))).size).toBe(301);
    expect(await alpha.sessions.desk.count()).toBe(301);
    const [lowest, highest] = [Uint8Array.of(0xff, 0xff, ...fresh(0).subarray(2)), fresh(0xff)];
    const found = await alpha.sessions.desk.find(lowest, highest);
    expect(found.map(({ sentence }) => sentence.includes('mine'))).toContain(true);
    expect((await alpha.sessions.desk.approve(requestId)).sentence).toContain('mine');
  });

  test('are answered with one no, which the log has for each of their requests', async () => {
    const { servers } = await network.openMany(2);
    const [alpha] = servers as [BareServer];
    const [stranger, other] = [await somebody(servers, 1), await somebody(servers, 2)];
    for (let i = 0; i < 70; i++) await stranger.signer.request(1, messageOf(`number ${i}`), {});
    await other.signer.request(1, { ...messageOf('mine'), requestId: fresh(9) }, {});
    await expect(alpha.sessions.desk.rejectAll(stranger.xid, 'a\u0007')).rejects.toThrow(
      code('REASON_INVALID'),
    );
    expect(await alpha.sessions.desk.rejectAll(stranger.xid, 'too many')).toBe(70);
    expect((await listAll(alpha)).map(({ requestId }) => requestId)).toEqual([fresh(9)]);
    const { storage, audit } = alpha.context;
    const lines = await storage.read((reader) => audit.list(reader, 1, 500));
    const rejected = lines.filter(({ deed }) => deed === 'operator.reject');
    expect(rejected.map(({ detail }) => detail)).toEqual(Array.from({ length: 70 }, () => '“too many”'));
    expect(await alpha.sessions.desk.rejectAll(stranger.xid, 'too many')).toBe(0);
  });

  test('and are suspended leave the list, are approved nothing, and can still be rejected', async () => {
    const { servers } = await network.openMany(2);
    const [alpha] = servers as [BareServer];
    const stranger = await somebody(servers, 1);
    await stranger.signer.request(1, { ...messageOf('mine'), requestId: fresh(9) }, {});
    const { accounts, storage } = alpha.context;
    const set = (status: 'active' | 'suspended') =>
      storage.transact((transaction) => accounts.setStatus(transaction, stranger.xid, status));
    const { desk } = alpha.sessions;
    await set('suspended');
    expect([await desk.list(), await desk.find(fresh(9), fresh(9)), await desk.count()]).toEqual([[], [], 0]);
    await expect(desk.approve(fresh(9))).rejects.toThrow(code('REQUEST_NOT_WAITING'));
    await set('active');
    expect(await desk.list()).toHaveLength(1);
    await set('suspended');
    expect(await desk.rejectAll(stranger.xid, 'gone')).toBe(1);
    await set('active');
    expect(await desk.list()).toEqual([]);
  });
});
