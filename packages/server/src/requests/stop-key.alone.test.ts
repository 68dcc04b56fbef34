import { BugError } from '@ckm/foundation';
import type * as Threshold from '@ckm/threshold';
import { afterEach, expect, test, vi } from 'vitest';
import { findTightening, storeTightening } from '../policy/tightening.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../sessions/test/bare-servers.js';

/** Whether the machine computes wrongly. */
const machine = vi.hoisted(() => ({ isBroken: false }));

vi.mock('@ckm/threshold', async (importOriginal) => {
  const real = await importOriginal<typeof Threshold>();
  const signShare: typeof real.signShare = (input) => {
    const share = real.signShare(input);
    if (!machine.isBroken) return share;
    throw new BugError('the signature share computed here is wrong', {
      code: 'SIGNATURE_SHARE_WRONG',
      hint: 'check this machine for faults',
    });
  };
  return { ...real, signShare };
});

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

test('a share that came out wrong is not released and stops its key, over a restart, until the operator releases it', async () => {
  const { servers, callers } = await network.openMany(2);
  const { signer, keyId } = await makeKey(callers);
  const other = await makeKey(callers);
  const ask = { ...messageOf('one'), requestId: new Uint8Array(32).fill(1) };
  const attempt = await signer.prepare([1, 2]);
  machine.isBroken = true;
  await expect(signer.request(1, ask, { attempt })).rejects.toThrow(code('SIGNATURE_SHARE_WRONG'));
  machine.isBroken = false;

  // Neither for a new request, nor for one that was approved before; other keys and other servers go on.
  await expect(signer.request(1, messageOf('two'), {})).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  const next = await signer.prepare([1, 2], 1, 2);
  await expect(signer.request(1, ask, { attempt: next })).rejects.toThrow(code('POLICY_KEY_STOPPED'));
  expect((await signer.request(2, messageOf('three'), {})).state).toBe('ready');
  expect((await other.signer.request(1, messageOf('four'), {})).state).toBe('ready');

  const { storage, audit } = servers[0]!.context;
  const log = await storage.read((reader) => audit.list(reader, 1, 200));
  const deeds = log.filter(({ deed, keyId: of }) => deed === 'key.stopped' && of !== null);
  expect(deeds.map(({ detail }) => detail)).toEqual(['SIGNATURE_SHARE_WRONG']);

  const again = await network.restart(servers[0]!);
  const { storage: stored, vault } = again.context;
  const key = { owner: alice.xid, keyId };
  await stored.transact(async (transaction) => {
    const held = (await transaction.keys.hold(alice.xid, keyId))!;
    const { tightened } = again.sessions.keyFacts(held)!;
    const tightening = (await findTightening(vault, transaction, { ...key, tightened }))!;
    expect(tightening.stoppedAt).not.toBeNull();
    const { version } = await storeTightening(vault, transaction, key, { ...tightening, stoppedAt: null });
    await again.sessions.noteTightened(transaction, held, version);
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
