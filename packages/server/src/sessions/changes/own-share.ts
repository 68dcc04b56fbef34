import { equalBytes, reveal, type Secret, StorageError, wipe } from '@ckm/foundation';
import {
  createStaticKey,
  recoverChangedShare,
  type ChangeCertificate,
  type KeyShare,
  type RosterEntry,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { Deciding } from './deciding.js';
import { derivedReceiverSeed, isOwnNonce, receiverSeed } from './receiver-seeds.js';

/** This server's share of the epoch that follows; secret. */
export interface OwnShare {
  readonly keyShare: KeyShare;
  /** Seed of its static key in that epoch. */
  readonly seed: Uint8Array;
  /**
   * Whether the row of this change was here when this server offered what the certificate holds: then nothing of before can have
   * spoken in that epoch. Otherwise it was made again from the identity, or the row is another one.
   */
  readonly isRemembered: boolean;
}

/** What a share of the next epoch is taken out with. */
type ShareScope = Pick<Deciding, 'owner' | 'keyId' | 'epoch' | 'before' | 'record' | 'key' | 'former'>;

/**
 * Takes this server's share out of the certificate of a change, however long ago it signed it: the session is not needed.
 * @throws StateError `CHANGE_SHARE_LOST` when nothing is left that could open it; as `recoverChangedShare`
 */
export function takeOwnShare(
  context: ServerContext,
  deciding: ShareScope,
  certificate: ChangeCertificate,
  own: RosterEntry,
): OwnShare {
  const { before } = deciding;
  const nonce = certificate.change.nonces[own.slot - 1]!;
  const { seed, isRemembered, staticSecret } = findSeed(context, deciding, own, nonce);
  try {
    const keyShare = recoverChangedShare(before, certificate, staticSecret, context.checkedChanges);
    return { keyShare, seed, isRemembered };
  } catch (error) {
    seed.fill(0);
    throw error;
  } finally {
    wipe(staticSecret);
  }
}

/** The bytes of a share, to be sealed. */
export function bytesOfShare({ share }: KeyShare): Uint8Array {
  return reveal(share, 'seal a share into its row').slice();
}

/** What opens a share; both are the caller’s to wipe. */
interface FoundSeed extends Pick<OwnShare, 'seed' | 'isRemembered'> {
  readonly staticSecret: Secret<Uint8Array>;
}

function findSeed(
  context: ServerContext,
  deciding: ShareScope,
  own: RosterEntry,
  nonce: Uint8Array,
): FoundSeed {
  const { owner, keyId, epoch, before, record } = deciding;
  const scope = { owner, keyId, epoch, suite: before.params.suite };
  const kept =
    record.root === null ? null : openSeed(() => receiverSeed(context, scope, record.root!, nonce));
  const candidates = [
    ...(kept === null ? [] : [{ seed: kept, isRemembered: isOwnNonce(deciding, nonce) }]),
    { seed: derivedReceiverSeed(context, scope, nonce), isRemembered: false },
  ];
  let found: FoundSeed | null = null;
  for (const candidate of candidates) {
    const staticSecret: FoundSeed['staticSecret'] | null =
      found === null ? secretOf(scope, candidate.seed, own) : null;
    if (staticSecret === null) candidate.seed.fill(0);
    else found = { ...candidate, staticSecret };
  }
  if (found !== null) return found;
  throw refusal(
    'CHANGE_SHARE_LOST',
    'this server kept nothing from which its share of the next epoch could come',
  );
}

/** The static secret that a seed gives; null: it is not that of this entry. */
function secretOf(
  { suite, keyId, epoch }: Pick<Deciding, 'keyId' | 'epoch'> & { readonly suite: RosterSuite },
  seed: Uint8Array,
  { staticKey }: RosterEntry,
): Secret<Uint8Array> | null {
  const made = createStaticKey(suite, keyId, epoch + 1, seed);
  if (equalBytes(made.staticKey, staticKey)) return made.staticSecret;
  wipe(made.staticSecret);
  return null;
}

type RosterSuite = Parameters<typeof createStaticKey>[0];

/** Null: the file of its key is not there, or is another one. */
function openSeed(open: () => Uint8Array): Uint8Array | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}
