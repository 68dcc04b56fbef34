import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carryChange, completeChange, fetchChain } from '@ckm/testkit';
import { judgeVotes, parseCertificate, parseChangeCertificate, verifyChain } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../storage/storage.js';
import { alice, createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { tellHeads } from '../test/heads.js';
import { recordOf } from '../test/lost-database.js';
import { LOST, loseShareAt } from '../test/lost-share.js';
import { createRepairCourier } from '../test/repair-courier.js';
import { signIn } from '../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

/** A key whose servers have gone on to its second epoch. */
async function refreshed() {
  const { servers, callers } = await network.openMany(3);
  const made = await makeKey(callers);
  const { keyId } = made;
  const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  const committed = await change.commit(await completeChange(change));
  await change.retire(committed);
  const { policy } = await callers[0]!.call('key.show', { keyId });
  const chain = await fetchChain(callers[0]!, keyId);
  const key = verifyChain(
    parseCertificate(chain[0]!),
    chain.slice(1).map(parseChangeCertificate),
    judgeVotes,
  ).at(-1)!;
  return { servers, callers, made, policy, chain, key };
}

describe('a share of an epoch that a change made', () => {
  test.each(['keys', 'all'] as const)(
    'comes back in that epoch (%s lost), with the whole chain, and signs under the same key',
    async (loss) => {
      const { servers, callers, made, policy, chain, key } = await refreshed();
      const { keyId } = made;
      const before = await recordOf(servers[1]!, keyId);
      await loseShareAt(network, servers, callers, keyId, LOST, loss, 1);
      const repair = createRepairCourier({
        servers,
        callers,
        made,
        policy,
        chain,
        target: LOST,
        helpers: [1, 3],
      });
      await repair.begin();
      await repair.finish();
      const after = await recordOf(servers[1]!, keyId);
      expect(after.certified).toEqual(before.certified);
      expect(after.epoch).toBe(1);
      expect(await fetchChain(callers[1]!, keyId)).toEqual(chain);
      const sign = () => signIn(callers, made, key.public, { epoch: 1, signers: [1, 2] });
      if (loss === 'all') {
        await expect(sign()).rejects.toMatchObject({ code: 'KEY_HEAD_UNKNOWN' });
        await tellHeads(callers, keyId, [1, 3], LOST);
      }
      await sign();
    },
  );

  test('that is here is refused before a chain that was shown in pages is walked through', async () => {
    const { servers, made, policy, chain } = await refreshed();
    const { keyId } = made;
    let looked = 0;
    const wrap = (storage: Storage): Storage => ({
      ...storage,
      transact: (work) =>
        storage.transact((transaction) => {
          const { epochs } = transaction;
          const find: typeof epochs.find = (...which) => {
            looked++;
            return epochs.find(...which);
          };
          return work({ ...transaction, epochs: { ...epochs, find } });
        }),
    });
    const bravo = await (await network.restart(servers[1]!, { wrap })).as(alice);
    const proposal = { kind: 'repair', role: 'target', keyId, epoch: 1, chain: chain.slice(1), policy };
    const sessionId = new Uint8Array(32).fill(5);
    looked = 0;
    await expect(
      bravo.call('session.propose', { sessionId, proposal, expiresAt: SOON }),
    ).rejects.toMatchObject({ code: 'SHARE_NOT_LOST' });
    // At the one in use, and at none before it.
    expect(looked).toBe(1);
  });

  test('of the epoch before is not repaired any more, and a statement of it is believed by nobody', async () => {
    const { servers, callers, made, policy, chain } = await refreshed();
    await loseShareAt(network, servers, callers, made.keyId, LOST, 'all');
    const old = createRepairCourier({
      servers,
      callers,
      made,
      policy,
      chain: chain.slice(0, 1),
      target: LOST,
      helpers: [1, 3],
    });
    await old.proposeToTarget();
    await old.approve(LOST);
    await old.proposeToTarget();
    await expect(old.proposeToHelper(1)).rejects.toMatchObject({ code: 'KEY_EPOCH_DIFFERS' });
  });

  test('comes back to a server that was restored from a backup of the epoch before, which no certificate gives it', async () => {
    const { servers, callers } = await network.openMany(3);
    const made = await makeKey(callers);
    const { keyId } = made;
    const old = mkdtempSync(join(tmpdir(), 'ckm-old-'));
    await servers[1]!.stop();
    cpSync(servers[1]!.dataDir, old, { recursive: true });
    servers[1] = await network.restart(servers[1]!);
    callers[1] = await servers[1].as(alice);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const certificate = await completeChange(change);
    const committed = await change.commit(certificate);
    const before = await recordOf(servers[1], keyId);
    servers[1] = await network.restart(servers[1], { dataDir: old });
    await servers[1].sessions.voidOpen('the database is an older one');
    callers[1] = await servers[1].as(alice);
    await expect(callers[1]!.call('change.commit', { keyId, certificate })).rejects.toMatchObject({
      code: 'CHANGE_SHARE_LOST',
    });
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const chain = await fetchChain(callers[0]!, keyId);
    const repair = createRepairCourier({
      servers,
      callers,
      made,
      policy,
      chain,
      target: LOST,
      helpers: [1, 3],
    });
    await repair.begin();
    await repair.finish();
    const after = await recordOf(servers[1], keyId);
    expect(after.certified).toEqual(before.certified);
    expect(after.epoch).toBe(1);
    expect(await fetchChain(callers[1]!, keyId)).toEqual(chain);
    const acknowledgements = committed.map((one, i) => ({ slot: i + 1, signature: one.acknowledgement! }));
    await callers[1]!.call('change.retire', { keyId, epoch: 0, acknowledgements });
    const shares = await servers[1].context.storage.read((reader) => reader.shares.listAll(null, 10));
    expect(shares.map(({ epoch }) => epoch)).toEqual([1]);
  });
});
