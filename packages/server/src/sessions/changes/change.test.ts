import { parseReceipt, receiptStatement, verifyIdentityStatement } from '@ckm/api';
import { carryChange } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { signIn } from '../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

describe('refreshing a key', () => {
  test(
    'three servers go on to new shares of the same key: it signs before, during and after, and the old shares are destroyed with a signed receipt',
    { tags: ['slow'] },
    async () => {
      const { servers, callers } = await network.openMany(3);
      const made = await makeKey(callers);
      const { keyId } = made;
      await signIn(callers, made, made.key, { epoch: 0, signers: [1, 2] });
      const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
      const views = await change.propose();
      expect(views.map(({ state, attempt }) => [state, attempt])).toEqual(callers.map(() => ['ready', 0]));
      const promises = await change.promise(1);
      const whole = await change.move(1, promises);
      await signIn(callers, made, made.key, { epoch: 0, signers: [2, 3] });
      const locks = await change.lock(1, whole, promises);
      const yields = await change.yield(whole, change.locksOf(1, whole, locks));
      await signIn(callers, made, made.key, { epoch: 0, signers: [1, 3] });
      const certificate = change.certify(1, whole, { promises, locks, yields });
      const committed = await change.commit(certificate);
      expect(committed.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
      const receipts = await change.retire(committed);
      for (const [i, { receipt, signature }] of receipts.entries()) {
        const { publicKeys } = servers[i]!.context.identity;
        expect(verifyIdentityStatement(publicKeys.signing.bytes, receiptStatement(receipt), signature)).toBe(
          true,
        );
        expect(parseReceipt(receipt)).toEqual({
          keyId,
          epoch: 0,
          transcriptHash: change.before.transcriptHash,
          slot: i + 1,
          mode: 'epoch',
          shareDeleted: true,
          lastBackupAt: null,
          backups: { taken: 0, destroyed: 0 },
        });
      }
      const { context } = servers[0]!;
      const log = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
      const steps = log.filter(({ deed }) => deed === 'change.keep' || deed === 'change.commit');
      const key = 'epoch 1 of a key (ed25519) for message: 2 of 3 servers.';
      expect(steps.map(({ sentence }) => sentence)).toEqual([
        `Keep the certificate of ${key}`,
        `Go over to ${key}`,
      ]);
      const next = whole.epoch.public;
      for (const signers of [
        [1, 2],
        [1, 3],
        [2, 3],
        [1, 2, 3],
      ])
        await signIn(callers, made, next, { epoch: 1, signers });
      expect(next.groupKey).toEqual(made.key.groupKey);
      expect(next.verifyingShares).not.toEqual(made.key.verifyingShares);
    },
  );
});
