import { equalBytes, reveal, StorageError, wipe } from '@ckm/foundation';
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
type ShareScope = Pick<Deciding, 'owner' | 'keyId' | 'epoch' | 'before' | 'record' | 'key'>;

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
  const { seed, isRemembered } = findSeed(context, deciding, own, nonce);
  const { suite, keyId, epoch } = certificate.change.next;
  const { staticSecret } = createStaticKey(suite, keyId, epoch, seed);
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

function findSeed(
  context: ServerContext,
  deciding: ShareScope,
  own: RosterEntry,
  nonce: Uint8Array,
): Pick<OwnShare, 'seed' | 'isRemembered'> {
  const { owner, keyId, epoch, before, record } = deciding;
  const scope = { owner, keyId, epoch, suite: before.params.suite };
  const kept =
    record.root === null ? null : openSeed(() => receiverSeed(context, scope, record.root!, nonce));
  const candidates = [
    ...(kept === null ? [] : [{ seed: kept, isRemembered: isOwnNonce(deciding, nonce) }]),
    { seed: derivedReceiverSeed(context, scope, nonce), isRemembered: false },
  ];
  const found = candidates.find(({ seed }) => isOwn(scope, seed, own));
  for (const { seed } of candidates) if (seed !== found?.seed) seed.fill(0);
  if (found !== undefined) return found;
  throw refusal(
    'CHANGE_SHARE_LOST',
    'this server kept nothing from which its share of the next epoch could come',
  );
}

function isOwn(
  { suite, keyId, epoch }: Pick<Deciding, 'keyId' | 'epoch'> & { readonly suite: RosterSuite },
  seed: Uint8Array,
  { staticKey }: RosterEntry,
): boolean {
  const made = createStaticKey(suite, keyId, epoch + 1, seed);
  wipe(made.staticSecret);
  return equalBytes(made.staticKey, staticKey);
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
