import { randomBytes } from 'node:crypto';
import {
  type PublicEpoch,
  parseCertificate,
  type PartyIndex,
  verifyCertificate,
  verifyShareProof,
} from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import { NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import { type BareServer, TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, mallory, makeKey, messageOf } from '../sessions/test/bare-servers.js';
import { storeOther } from '../sessions/test/lost-share.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const questionOf = (keyId: Uint8Array) => ({
  keyId,
  epoch: 0,
  challenge: new Uint8Array(randomBytes(32)),
  at: TEST_TIME,
});

function certifiedBy(certificate: Uint8Array): PublicEpoch {
  const parsed = parseCertificate(certificate);
  const { transcriptHash, public: publicPackage } = verifyCertificate(parsed);
  return { params: parsed.params, transcriptHash, public: publicPackage };
}

async function auditOf({ context: { storage, audit } }: BareServer): Promise<number> {
  return (await storage.read((reader) => audit.list(reader, 1, 200))).length;
}

test('key.check proves the share of each server for the very question, and neither writes nor uses up anything', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId, certificate, signer } = await makeKey(callers);
  const key = certifiedBy(certificate);
  const attempt = await signer.prepare([1, 2]);
  const before = await auditOf(servers[0]!);
  for (const [i, caller] of callers.entries()) {
    const question = questionOf(keyId);
    const { proof } = await caller.call('key.check', question);
    const asked = { slot: (i + 1) as PartyIndex, challenge: question.challenge, askedAt: question.at };
    expect(verifyShareProof(key, asked, proof)).toBe(true);
    expect(verifyShareProof(key, { ...asked, slot: (2 - i) as PartyIndex }, proof)).toBe(false);
    expect(verifyShareProof(key, { ...asked, challenge: new Uint8Array(32) }, proof)).toBe(false);
  }
  expect(await auditOf(servers[0]!)).toBe(before);
  // What was prepared before is still good.
  const replies = await signer.attempt(messageOf('after'), attempt);
  expect(replies.map(({ state }) => state)).toEqual(['answered', 'answered']);
});

test('key.check, asked by somebody else or about another epoch, proves nothing', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const stranger = await servers[0]!.as(mallory);
  await expect(stranger.call('key.check', questionOf(keyId))).rejects.toThrow(code('KEY_UNKNOWN'));
  await expect(callers[0]!.call('key.check', { ...questionOf(keyId), epoch: 1 })).rejects.toThrow(
    code('KEY_EPOCH_DIFFERS'),
  );
});

test('key.check of a key that computed a wrong share is refused: its proof could give as much away', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const { context, sessions } = servers[0]!;
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.keys.hold(alice.xid, keyId))!;
    const stopped = { ...NO_TIGHTENING, stoppedAt: TEST_TIME };
    const stored = await storeTightening(context.vault, transaction, row, stopped);
    await sessions.noteTightened(transaction, row, stored);
  });
  await expect(callers[0]!.call('key.check', questionOf(keyId))).rejects.toThrow(code('POLICY_KEY_STOPPED'));
});

test('key.check with a share that is not the certified one says so, instead of giving a proof that looks like a lie', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  await storeOther(servers[0]!, keyId, servers[1]!);
  await expect(callers[0]!.call('key.check', questionOf(keyId))).rejects.toThrow(code('SHARE_NOT_CERTIFIED'));
});

test('key.check is paid for by the account that asks, and no other', async () => {
  const { servers, callers } = await network.openMany(2, { settings: { quota: { costPerMinute: 1_000 } } });
  const { keyId } = await makeKey(callers);
  const ask = async () => {
    for (let count = 0; count < 200; count++) await callers[0]!.call('key.check', questionOf(keyId));
  };
  await expect(ask()).rejects.toThrow(code('QUOTA_COST'));
  const stranger = await servers[0]!.as(mallory);
  await expect(stranger.call('key.check', questionOf(keyId))).rejects.toThrow(code('KEY_UNKNOWN'));
});
