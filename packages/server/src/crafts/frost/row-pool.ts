import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import type { Secret } from '@ckm/foundation';
import { discardNonces, type SigningNonces, taggedHash } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { NonceRow, Transaction } from '../../storage/storage.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import { openRecord, sealRecord } from '../../sessions/sealed-record.js';
import { createPoolMemory } from './pool-memory.js';
import { makeNonces, nonceContext } from './memory-pool.js';
import type { NoncePool } from './nonce-pool.js';

/** What a pair of nonces is made from again when it is used; secret. */
interface NonceSeed {
  /** 64 bytes. */
  readonly random: Uint8Array;
  readonly context: Uint8Array;
}

/**
 * Nonces as sealed rows, for replicas of one server on one database: each is deleted in the transaction that stores the
 * share made with it (N5, N11), and counts only while the instance that made it lives, which no restored database can
 * pretend (`Storage.instance`). Rows hold what the nonces are made from, not the nonces. A dump that somebody loads under
 * running servers is a matter for the pool's own memory (`pool-memory.ts`).
 */
export function createRowPool(context: ServerContext): NoncePool {
  const memory = createPoolMemory();
  let made = 0;

  async function issue(transaction: Transaction, key: ActiveKey, count: number): Promise<NonceCommitment[]> {
    const { owner, keyId } = key;
    await memory.assertNotOlder(transaction);
    const kept = await transaction.nonces.count(owner, keyId);
    if (kept + count > MAX_POOL) await transaction.nonces.removeAll(owner, keyId);
    const instance = context.storage.instance();
    const rows: NonceRow[] = [];
    const commitments: NonceCommitment[] = [];
    for (let i = 0; i < count; i++) {
      const seed: NonceSeed = { random: context.random(64), context: nonceContext(instance, made++) };
      const { nonces, commitment } = makeNonces(key, seed.random.slice(), seed.context);
      discardNonces(nonces);
      rows.push(
        sealRecord(context.vault, 'nonces', { owner, keyId, nonceId: nonceId(commitment), instance }, seed),
      );
      seed.random.fill(0);
      commitments.push({ hiding: commitment.hiding, binding: commitment.binding });
    }
    await transaction.nonces.insert(rows);
    return commitments;
  }

  return {
    durable: true,
    issue: (transaction, key, count) => issue(transaction!, key, count),
    async take(transaction, key, commitments) {
      await memory.assertNotOlder(transaction);
      const ids = commitments.map(nonceId);
      const rows = await transaction.nonces.take(key.owner, key.keyId, ids);
      // Noted even if this transaction fails: nobody knows then whether its commit went through.
      if (rows === null || !memory.noteUse(ids)) return null;
      return rows.map((row) => remake(context, key, row));
    },
    sweep: () => context.storage.read((reader) => memory.assertNotOlder(reader)),
    wipe: () => 0,
  };
}

/** The share that is made with them checks that they are the ones published. */
function remake(context: ServerContext, key: ActiveKey, row: NonceRow): Secret<SigningNonces> {
  const seed = openRecord<NonceSeed>(context.vault, 'nonces', row);
  return makeNonces(key, seed.random, seed.context).nonces;
}

/** 32 bytes that name a published commitment. */
function nonceId({ hiding, binding }: NonceCommitment): Uint8Array {
  return taggedHash('CKM/nonce-pool/id/v1', hiding, binding);
}
