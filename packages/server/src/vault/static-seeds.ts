import type { KeyPolicy } from '@ckm/api';
import { encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { type SuiteName, taggedHash } from '@ckm/threshold';

/** Which static key a seed is for. */
export interface StaticSeedScope {
  /** XID of the account whose key it is. Inside the seed, so that no other account has it restored. */
  readonly owner: Uint8Array;
  readonly suite: SuiteName;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
}

/** Where the seeds of static keys come from. Each is 32 secret bytes, the caller's to wipe. */
export interface StaticSeeds {
  /**
   * For a new share: drawn at random, or the one of {@link derive} where both the owner of the key wishes for it and this server's
   * operator allows it.
   */
  create(scope: StaticSeedScope, recovery: KeyPolicy['recovery']): Uint8Array;
  /**
   * The seed that static recovery gives this server for a key of this owner, whatever is configured now: keys that were
   * made before the operator chose otherwise can still be restored.
   */
  derive(scope: StaticSeedScope): Uint8Array;
  /** Overwrites what they are derived from. */
  wipe(): void;
}

const SEED_BYTES = 32;

/**
 * The one secret behind all static backups of a server. Out of the seed of its identity and not out of the storage key:
 * a share is only given back to the server that the certificate names, so that the identity must be there anyway, and a
 * storage key may be rotated, and lies with a key management service with some operators. A hash under a tag of its own: the
 * signing, sealing and hedge keys of the identity (HKDF with other salts) tell nothing about it.
 */
export function hostSeedOf(identitySeed: Secret<Uint8Array>): Secret<Uint8Array> {
  return secret(taggedHash('CKM/backup/host/v1', reveal(identitySeed, 'derive the seed of static backups')));
}

/** @param hostSeed from {@link hostSeedOf}; wiped with the result */
export function createStaticSeeds({
  backup,
  hostSeed,
  random,
}: {
  /** As configured: whether seeds may be derived, for keys whose owners wish so. */
  readonly backup: 'epoch' | 'static';
  readonly hostSeed: Secret<Uint8Array>;
  readonly random: (length: number) => Uint8Array;
}): StaticSeeds {
  const derive = ({ owner, suite, keyId, epoch }: StaticSeedScope) => {
    const host = reveal(hostSeed, 'derive the seed of a static key');
    const epochBytes = new Uint8Array(4);
    new DataView(epochBytes.buffer).setUint32(0, epoch);
    return taggedHash('CKM/backup/static-seed/v1', host, owner, encodeUtf8(suite), keyId, epochBytes);
  };
  return {
    create: (scope, recovery) =>
      backup === 'static' && recovery === 'static' ? derive(scope) : random(SEED_BYTES),
    derive,
    wipe: () => {
      wipe(hostSeed);
    },
  };
}
