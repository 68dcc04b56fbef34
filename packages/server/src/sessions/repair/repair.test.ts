import type { CkmError } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import { openHead } from '../keys/stored/key-head.js';
import { alice, createBareServers } from '../test/bare-servers.js';
import { tellHeads } from '../test/heads.js';
import { recordOf } from '../test/lost-database.js';
import { LOST, makeKeyThenLoseShare, signsWith } from '../test/lost-share.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as CkmError;

describe('a server that has lost its share', () => {
  test.each(['keys', 'all', 'other'] as const)(
    'has the very same share back from the others (%s lost), and signs under the same key, as noble verifies',
    async (loss) => {
      const lost = await makeKeyThenLoseShare(network, loss);
      const { made, servers, before } = lost;
      const repair = lost.repair();
      await repair.begin();
      const views = await repair.finish();
      expect([...views.values()].map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
      const after = await recordOf(servers[1]!, made.keyId);
      expect(after.certified).toEqual(before.certified);
      expect(after).toMatchObject({ epoch: 0, slot: LOST, pending: null, staticSeed: null, sessionId: null });
      if (loss === 'all') {
        await expect(signsWith(lost, [1, 2])).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
        await tellHeads(lost.callers, made.keyId, [1, 3], LOST);
      }
      expect(await signsWith(lost, [1, 2])).toBe(true);
      expect(await signsWith(lost, [2, 3])).toBe(true);
    },
  );

  test('has it back too where an earlier repair was cut at its last write, which left a new key of the epoch that opens nothing', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    const { made, servers, before } = lost;
    const { keyId } = made;
    const { context } = servers[1]!;
    context.epochKeys.create({ owner: alice.xid, keyId, epoch: 0 }).wipe();
    const repair = lost.repair();
    await repair.begin();
    await repair.finish();
    expect((await recordOf(servers[1]!, keyId)).certified).toEqual(before.certified);
    expect(await signsWith(lost, [1, 2])).toBe(true);
    const row = await context.storage.read((reader) => reader.keys.find(alice.xid, keyId));
    expect(openHead(context, row!).forgot, 'it may have voted in what it lost').toHaveLength(32);
  });

  test('keeps the share that came back over a restart', async () => {
    const lost = await makeKeyThenLoseShare(network, 'all');
    const repair = lost.repair();
    await repair.begin();
    await repair.finish();
    const bravo = await network.restart(lost.servers[1]!);
    expect((await recordOf(bravo, lost.made.keyId)).certified).toEqual(lost.before.certified);
  });

  test('promises that it is stored, as after the making of the key', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    const repair = lost.repair();
    await repair.begin();
    const { result } = (await repair.finish()).get(LOST)!;
    const { transcriptHash, acknowledgement } = lost.before.certified!;
    const { keyId } = lost.made;
    expect(result).toEqual({ kind: 'repair', keyId, transcriptHash, acknowledgement });
  });
});

describe('a server says that it has lost its share', () => {
  test('when its operator says so, and not before', async () => {
    const repair = (await makeKeyThenLoseShare(network, 'all')).repair();
    expect(await repair.proposeToTarget()).toMatchObject({ state: 'proposed', offer: null });
    await repair.approve(LOST);
    expect(await repair.proposeToTarget()).toMatchObject({ state: 'accepted' });
    expect(repair.loss()).toHaveLength(1 + 32 + 4 + 32 + 2 + 32 + 32 + 64 + 64);
  });

  test('never when it holds it, or can take it from the certificate by itself', async () => {
    const held = (await makeKeyThenLoseShare(network, 'keys')).repair({ target: 1, helpers: [2, 3] });
    await expect(held.proposeToTarget()).rejects.toThrow(code('SHARE_NOT_LOST'));
    const settings = { backup: 'static' };
    const STATIC = { policy: { recovery: 'static' } } as const;
    const restorable = (await makeKeyThenLoseShare(network, 'all', STATIC, { settings })).repair();
    await expect(restorable.proposeToTarget()).rejects.toThrow(code('SHARE_RESTORABLE'));
  });
});
