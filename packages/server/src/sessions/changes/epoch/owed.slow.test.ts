import { parseReceipt } from '@ckm/api';
import { carryChange, completeChange } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { BareServer } from '../../test/bare-server.js';
import { createBareServers, makeKey, mallory, SOON } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** What an account may have at a server from now on. */
function setQuota({ context }: BareServer, quota: { readonly bytes?: number; readonly keys?: number }): void {
  Object.assign(context.config.quota, quota);
}

describe('F16: a quota never refuses what was decided', () => {
  test('a server whose account has used up everything since it signed goes on to the next epoch like the others', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const certificate = await completeChange(change);
    setQuota(servers[0]!, { bytes: 1, keys: 0 });
    const committed = await change.commit(certificate);
    expect(committed.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
  });

  test('a server that has no room does not sign what it could not store: it takes no part', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    setQuota(servers[0]!, { bytes: 1 });
    await expect(change.move(1, promises)).rejects.toThrow(code('QUOTA_BYTES'));
  });
});

test('F14: a receipt names the epoch by its transcript: a key of another account with the same id gives none for it', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const theirs = await Promise.all(servers.map((server) => server.as(mallory)));
  await makeKey(theirs, { keyId });
  const receipts = [];
  for (const members of [callers, theirs]) {
    const change = await carryChange({ servers: members, keyId, expiresAt: SOON });
    const committed = await change.commit(await completeChange(change));
    const [first] = await change.retire(committed);
    receipts.push({ ...parseReceipt(first!.receipt), before: change.before.transcriptHash });
  }
  const [hers, mallorys] = receipts;
  expect(hers).toMatchObject({ keyId, epoch: 0, slot: 1, transcriptHash: hers!.before });
  expect(mallorys).toMatchObject({ keyId, epoch: 0, slot: 1, transcriptHash: mallorys!.before });
  expect(hers!.transcriptHash).not.toEqual(mallorys!.transcriptHash);
});
