// @module-tag long
import { commitmentsIn } from '@ckm/api';
import { BugError, encodeHex } from '@ckm/foundation';
import { bitcoinAddress, buildBitcoinRequest } from '@ckm/requests';
import type * as Threshold from '@ckm/threshold';
import type { PublicKeyPackage } from '@ckm/threshold';
import { p2wpkh, Transaction } from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { afterEach, expect, test, vi } from 'vitest';
import { createKeyDesk } from '../control/desks/key-desk.js';
import { countStopped } from '../policy/tightening.js';
import { type BareCaller, TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../sessions/test/bare-servers.js';

/** Whether the machine computes wrongly. */
const machine = vi.hoisted(() => ({ isBroken: false, onFault: () => undefined as unknown }));

vi.mock('@ckm/threshold', async (importOriginal) => {
  const real = await importOriginal<typeof Threshold>();
  const signShare: typeof real.signShare = (input) => {
    const share = real.signShare(input);
    if (!machine.isBroken) return share;
    machine.onFault();
    throw new BugError('the signature share computed here is wrong', {
      code: 'SIGNATURE_SHARE_WRONG',
      hint: 'check this machine for faults',
    });
  };
  const proveShare: typeof real.proveShare = (...given) => {
    const proof = real.proveShare(...given);
    if (machine.isBroken) proof[proof.length - 1]! ^= 1;
    return proof;
  };
  return { ...real, signShare, proveShare };
});

/** Five coins of a key: with six signers a payment that is read at once, and signed between two transactions. */
function paymentOf(key: PublicKeyPackage): Uint8Array {
  const payment = new Transaction();
  for (let coin = 0; coin < 5; coin++) {
    const { script, internalKey, fingerprint, path } = bitcoinAddress(key, 'receive', coin);
    const derivation = { hashes: [], der: { fingerprint, path: [...path] } };
    payment.addInput({
      txid: new Uint8Array(32).fill(coin + 1),
      index: 0,
      witnessUtxo: { amount: 10_000n, script },
      tapBip32Derivation: [[internalKey, derivation]] as never,
    });
  }
  const somebody = pubECDSA(new Uint8Array(32).fill(9));
  payment.addOutput({ script: p2wpkh(somebody).script, amount: 45_000n });
  return buildBitcoinRequest(payment.toPSBT());
}

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

test('craft.prepare, asked for commitments of a key that computed a wrong share, refuses as an attempt is refused, and the owner is told', async () => {
  const { servers, callers } = await network.openMany(2);
  const { signer, keyId } = await makeKey(callers);
  const ask = { ...messageOf('one'), requestId: new Uint8Array(32).fill(1) };
  const prepare = (caller: BareCaller) =>
    caller.call('craft.prepare', { keyId, epoch: 0, wanted: { craft: 'frost', commitments: 1 } });
  const stoppedAt = async (caller: BareCaller) =>
    (await caller.call('key.list', { after: null })).keys.map((key) => key.stoppedAt);
  const attempt = await signer.prepare([1, 2]);
  expect(await stoppedAt(callers[0]!)).toEqual([undefined]);
  machine.isBroken = true;
  const wanted = { craft: 'frost', commitments: 1 } as const;
  await expect(signer.request(1, ask, { attempt, wanted })).rejects.toThrow(code('SIGNATURE_SHARE_WRONG'));
  machine.isBroken = false;

  await expect(prepare(callers[0]!)).rejects.toMatchObject({
    code: 'POLICY_KEY_STOPPED',
    errorClass: 'PolicyError',
    remedy: { kind: 'releaseKey', id: encodeHex(keyId) },
  });
  expect(await stoppedAt(callers[0]!)).toEqual([TEST_TIME]);
  expect((await callers[0]!.call('key.show', { keyId })).key.stoppedAt).toBe(TEST_TIME);
  expect(await countStopped(servers[0]!.context)).toBe(1);

  expect(commitmentsIn(await prepare(callers[1]!))).toHaveLength(1);
  expect(await stoppedAt(callers[1]!)).toEqual([undefined]);
  expect(await countStopped(servers[1]!.context)).toBe(0);
});

test('a proof of a share that came out wrong is not released and stops its key, as a wrong share does', async () => {
  const { servers, callers } = await network.openMany(2);
  const { signer, keyId } = await makeKey(callers);
  const question = { keyId, epoch: 0, challenge: new Uint8Array(32).fill(9), at: TEST_TIME };
  machine.isBroken = true;
  await expect(callers[0]!.call('key.check', question)).rejects.toThrow(code('SIGNATURE_SHARE_WRONG'));
  machine.isBroken = false;
  await expect(callers[0]!.call('key.check', question)).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  await expect(signer.request(1, messageOf('then'), {})).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  expect(await countStopped(servers[0]!.context)).toBe(1);
});

test('a share that came out wrong is not released and stops its key, over a restart, until the operator releases it', async () => {
  const { servers, callers } = await network.openMany(2);
  const { signer, keyId } = await makeKey(callers);
  const other = await makeKey(callers);
  const ask = { ...messageOf('one'), requestId: new Uint8Array(32).fill(1) };
  const attempt = await signer.prepare([1, 2]);
  const next = await signer.prepare([1, 2], 1, 2);
  machine.isBroken = true;
  await expect(signer.request(1, ask, { attempt })).rejects.toThrow(code('SIGNATURE_SHARE_WRONG'));
  machine.isBroken = false;

  // Neither for a new request, nor for one that was approved before; other keys and other servers go on.
  await expect(signer.request(1, messageOf('two'), {})).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  await expect(signer.request(1, ask, { attempt: next })).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  expect((await signer.request(2, messageOf('three'), {})).state).toBe('ready');
  expect((await other.signer.request(1, messageOf('four'), {})).state).toBe('ready');

  const { storage, audit } = servers[0]!.context;
  const log = await storage.read((reader) => audit.list(reader, 1, 200));
  const deeds = log.filter(({ deed, keyId: of }) => deed === 'key.stopped' && of !== null);
  expect(deeds.map(({ detail }) => detail)).toEqual(['SIGNATURE_SHARE_WRONG']);

  const again = await network.restart(servers[0]!);
  const desk = createKeyDesk(again);
  const shown = { keyId: encodeHex(keyId), stoppedAt: TEST_TIME };
  expect((await desk.keys(null)).keys).toContainEqual(expect.objectContaining(shown));
  expect((await desk.keyPolicy(encodeHex(keyId), null)).tightening.stoppedAt).toBe(TEST_TIME);
  expect(await desk.release(encodeHex(keyId), null)).toMatchObject({
    stoppedAt: null,
    tightening: { stoppedAt: null },
  });
  expect((await desk.keys(null)).keys.filter(({ stoppedAt }) => stoppedAt !== null)).toEqual([]);
  const { storage: stored, audit: auditOf } = again.context;
  const released = await stored.read((reader) => auditOf.list(reader, 1, 200));
  expect(released.at(-1)).toMatchObject({
    deed: 'operator.release',
    keyId,
    detail: 'stopped by a wrong share',
  });
  const caller = await again.as(alice);
  const reply = await caller.call('request.ask', {
    ...messageOf('five'),
    requestId: new Uint8Array(32).fill(5),
    keyId,
    epoch: 0,
    expiresAt: SOON,
    attempt: null,
    wanted: null,
  });
  expect(reply.state).toBe('ready');
});

test(
  'a request that its owner takes back while a large attempt comes out wrong stops its key all the same',
  { tags: 'slow' },
  async () => {
    const { servers, callers } = await network.openMany(5);
    callers.push(await (await network.open({ name: 'foxtrot' })).as(alice));
    const { signer, key } = await makeKey(callers, { suite: 'secp256k1-tr', purpose: 'bitcoin' });
    const requestId = new Uint8Array(32).fill(1);
    const ask = { kind: 'bitcoin', payload: paymentOf(key), requestId };
    const attempt = await signer.prepare([1, 2, 3, 4, 5, 6], 5);
    let taken: Promise<unknown> | undefined;
    machine.onFault = () => (taken ??= callers[0]!.call('request.cancel', { requestId, reason: 'no' }));
    machine.isBroken = true;
    await expect(signer.request(1, ask, { attempt })).rejects.toThrow(code('SIGNATURE_SHARE_WRONG'));
    machine.isBroken = false;
    await taken;
    const [shown] = (await callers[0]!.call('key.list', { after: null })).keys;
    expect(shown!.stoppedAt).toBe(TEST_TIME);
    expect(await countStopped(servers[0]!.context)).toBe(1);
  },
);
