import type { KeyPolicy } from '@ckm/api';
import { concatBytes, equalBytes, StorageError } from '@ckm/foundation';
import { taggedHash, type SuiteName } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { EpochScope } from '../../vault/epoch-key-name.js';
import type { Deciding, DecidingScope } from './deciding.js';

/** What the root is sealed as, inside its row; the seal of the row binds it to that. */
const ROOT = 'change-root';

/** Which seeds are meant: those of the epoch that follows. */
export interface SeedScope extends DecidingScope {
  readonly suite: SuiteName;
}

/**
 * A server that receives a share signs before it knows whether that change is ever decided, and may have signed several. All their
 * static keys come from one root that is stored before the first of them leaves: so that however many tries there were, and whichever
 * is decided, nothing has to be kept for each. The root is sealed under a key in a file of its own, which is
 * destroyed with the share of the epoch before: servers may settle on another certificate (ADR 0049). The seeds of tries that came to nothing end with it.
 *
 * Of a key with `static` recovery the root is derived from the identity, so that the share can be made again from the certificate.
 */
export function drawRoot(
  { staticSeeds, epochKeys }: Pick<ServerContext, 'staticSeeds' | 'epochKeys'>,
  { owner, keyId, epoch, suite }: SeedScope,
  recovery: KeyPolicy['recovery'],
): Uint8Array {
  const root = staticSeeds.create({ owner, suite, keyId, epoch: epoch + 1 }, recovery);
  const own = epochKeys.create(rootKey({ owner, keyId, epoch }));
  try {
    return own.sealFile(ROOT, root);
  } finally {
    own.wipe();
    root.fill(0);
  }
}

/** Half of a nonce is random, the other half says which row it is of. */
const HALF = 16;

/**
 * The nonce of an offer, 32 bytes: fresh, and with a mark of what was drawn when the row was begun. By it a server knows later that this very row was
 * there when it signed; the root does not tell, where it is derived.
 */
export function receiverNonce({ random }: Pick<ServerContext, 'random'>, offering: Offering): Uint8Array {
  const fresh = random(HALF);
  return concatBytes(fresh, markOf(offering, offering.record.drawn!, fresh));
}

/** Whether this row made that nonce, since this server last lost its memory. */
export function isOwnNonce(offering: Offering, nonce: Uint8Array): boolean {
  const { drawn } = offering.record;
  if (drawn === null) return false;
  return equalBytes(nonce.subarray(HALF), markOf(offering, drawn, nonce.subarray(0, HALF)));
}

/** Who offers, or did. */
type Offering = Pick<Deciding, 'record' | 'key' | 'former'>;

/** Also where it remembers again, in an epoch that it entered since: what it had forgotten of the one before it does not know. */
function markOf({ key, former }: Offering, drawn: Uint8Array, fresh: Uint8Array): Uint8Array {
  const head = (key ?? former)?.head;
  const lost = head?.forgot ?? head?.lapse ?? NOTHING;
  return taggedHash('CKM/change/nonce/v1', drawn, lost, fresh).slice(0, HALF);
}

const NOTHING = new Uint8Array();

/**
 * The seed of this server's static key in one try; the caller wipes it.
 * @param nonce 32 bytes: what it offered for that try, certified with the change
 * @throws StorageError `EPOCH_KEY_MISSING`, `FILE_TAMPERED`
 */
export function receiverSeed(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  scope: DecidingScope,
  root: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  const own = epochKeys.find(rootKey(scope));
  try {
    const opened = own.openFile(ROOT, root);
    const seed = seedOf(opened, nonce);
    opened.fill(0);
    return seed;
  } finally {
    own.wipe();
  }
}

/** As {@link receiverSeed}, out of this server's identity: what `static` recovery gives back. */
export function derivedReceiverSeed(
  { staticSeeds }: Pick<ServerContext, 'staticSeeds'>,
  { owner, keyId, epoch, suite }: SeedScope,
  nonce: Uint8Array,
): Uint8Array {
  const root = staticSeeds.derive({ owner, suite, keyId, epoch: epoch + 1 });
  const seed = seedOf(root, nonce);
  root.fill(0);
  return seed;
}

/** Nothing that it sealed is ever opened again. What a failing disk leaves is reported. */
export function destroyRoot(
  { epochKeys, events }: Pick<ServerContext, 'epochKeys' | 'events'>,
  scope: DecidingScope,
): void {
  try {
    epochKeys.destroy(rootKey(scope));
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    events.storageFailed(error);
  }
}

/** Whether what opens a share of the epoch that follows is there still. */
export function hasRoot({ epochKeys }: Pick<ServerContext, 'epochKeys'>, scope: DecidingScope): boolean {
  return epochKeys.exists(rootKey(scope));
}

function seedOf(root: Uint8Array, nonce: Uint8Array): Uint8Array {
  return taggedHash('CKM/change/receiver-seed/v1', root, nonce);
}

/** A file beside those of epochs, under a name that is no key's. */
function rootKey({ owner, keyId, epoch }: DecidingScope): EpochScope {
  return { owner, keyId: taggedHash('CKM/change/root-key/v1', keyId), epoch: epoch + 1 };
}
