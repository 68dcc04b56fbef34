import { encodeHex, equalBytes, secret, StorageError, wipe } from '@ckm/foundation';
import type { KeyContext } from '@ckm/requests';
import type { KeyShare, PartyIndex } from '@ckm/threshold';
import { isDrillKeyId, type KeyTerms } from '@ckm/api';
import type { Counting, Freezer, ServerContext } from '../../context.js';
import { rowChanged } from '../../storage/codes.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { unlessChanged } from '../../storage/tampered-row.js';
import { demand, refusal } from '../../refusals.js';
import { keyForked, keyLeft } from './over.js';
import { assertHeadKnown } from './head-memory.js';
import { type KeyHead, openHead } from './stored/key-head.js';
import { readSecrets } from './stored/read-key.js';

/** A certified key, ready to sign with. */
export interface ActiveKey {
  /** Owner, key id and epoch as text: names it in maps. */
  readonly name: string;
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** 32 bytes: which certificate of that epoch it stands on. */
  readonly transcriptHash: Uint8Array;
  /** Of its head. */
  readonly version: number;
  /** Which version of what the operator took away belongs to it. */
  readonly tightened: number;
  /** When this server stopped it, because a share was wrong; null: it answers. UnixSeconds. */
  readonly stoppedAt: number | null;
  /** Until when its owner has frozen it; null: he has not, or took it back. UnixSeconds. */
  readonly frozenUntil: number | null;
  /** Who signed that freeze; undefined: it is of the account, or there is none. */
  readonly frozenBy?: Freezer | undefined;
  /** Since when this server has seen every request for it; null: from the first on. */
  readonly counting: Counting | null;
  /** Since when it sums them; absent: from the first on. UnixSeconds. */
  readonly summing?: number;
  /** How often what was published for it was voided: nonces of before are of no use. */
  readonly voided: number;
  readonly policy: KeyTerms;
  /** What requests are described against; the server's own record. */
  readonly context: KeyContext;
  readonly share: KeyShare;
}

/** Keys in use, opened once. */
export interface ActiveKeys {
  /**
   * @throws AccessError `KEY_UNKNOWN`, also for a key of somebody else; StateError `KEY_NOT_CERTIFIED`: a key without its
   * certificate answers nothing, `KEY_HEAD_UNKNOWN`, `KEY_LEFT`, `KEY_FORKED`; StorageError `EPOCH_KEY_MISSING`, `ROW_TAMPERED`, `KEY_WENT_BACK`;
   * StateError `ROW_CHANGED` when somebody changed it while it was read
   * @param reader that has read nothing before, or sees what is committed by now
   */
  find(reader: Reader, owner: Uint8Array, keyId: Uint8Array): Promise<ActiveKey>;
  wipe(): void;
}

const MOST_OPEN = 256;

/**
 * Opens keys and keeps the most recently used ones, so that a share is not unsealed and its certified points are not
 * decoded for every signature. The row is still read each time: it says whether the key is what it was.
 */
export function createActiveKeys(context: ServerContext): ActiveKeys {
  const open = new Map<string, ActiveKey>();
  return {
    async find(reader, owner, keyId) {
      const name = `${encodeHex(owner)}/${encodeHex(keyId)}`;
      // Before the question: an answer may be overtaken by the one to a later question, and is older than that then.
      const before = open.get(name);
      const row = await reader.keys.find(owner, keyId);
      if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
      demand(row.state === 'active', 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
      // One of a drill may be forgotten and come back: it is never kept open.
      if (isDrillKeyId(keyId))
        return unlessChanged(reader, row, () => openActive(context, reader, name, row));
      if (before !== undefined && before.version > row.version) throw wentBack();
      const known = open.get(name);
      if (known !== undefined && known.version > row.version) throw rowChanged('keys');
      const key =
        known?.version === row.version
          ? known
          : await unlessChanged(reader, row, () => openActive(context, reader, name, row));
      return keepNewest(open, name, key);
    },
    wipe() {
      for (const { share } of open.values()) wipe(share.share);
      open.clear();
    },
  };
}

/** Which epoch of a key is meant. `transcriptHash`: by which certificate; absent: whichever this server stands on. */
interface MeantEpoch {
  readonly epoch: number;
  readonly transcriptHash?: Uint8Array;
}

/**
 * Attempts and what is prepared for them belong to one epoch. Of a key that was forked there are two of the same number: a share of the other
 * one would look wrong to whoever asks.
 * @throws StateError `KEY_EPOCH_DIFFERS`
 */
export function assertEpoch(key: Pick<ActiveKey, 'epoch' | 'transcriptHash'>, asked: MeantEpoch): void {
  const { epoch, transcriptHash } = key;
  if (asked.epoch !== epoch)
    throw refusal('KEY_EPOCH_DIFFERS', `this server holds epoch ${epoch} of the key, not ${asked.epoch}`, {
      epoch,
    });
  if (asked.transcriptHash === undefined || equalBytes(asked.transcriptHash, transcriptHash)) return;
  throw refusal('KEY_EPOCH_DIFFERS', `this server is in epoch ${epoch} of the key by another certificate`, {
    epoch,
  });
}

/** @throws StateError `ROW_CHANGED` when a newer one was opened meanwhile */
function keepNewest(open: Map<string, ActiveKey>, name: string, key: ActiveKey): ActiveKey {
  const known = open.get(name);
  if (known !== undefined && known !== key) {
    const isNewest = known.version < key.version;
    wipe((isNewest ? known : key).share.share);
    if (known.version > key.version) throw rowChanged('keys');
    if (!isNewest) return known;
  }
  open.delete(name);
  open.set(name, key);
  evictOldest(open);
  return key;
}

function evictOldest(open: Map<string, ActiveKey>): void {
  for (const name of open.keys()) {
    if (open.size <= MOST_OPEN) return;
    // Not wiped: a signature in progress may still hold it. Its bytes go with the garbage.
    open.delete(name);
  }
}

async function openActive(
  context: ServerContext,
  reader: Reader,
  name: string,
  row: KeyRow,
): Promise<ActiveKey> {
  const head = openHead(context, row);
  const { purpose, suite, policy, tightened, stoppedAt = null, frozen, left, forked } = head;
  const { counting = null, voided, summing } = head;
  if (forked !== undefined) throw keyForked(forked);
  if (left !== undefined) throw keyLeft(left.epoch);
  // A share that does not open is a reason of its own.
  if (context.epochKeys.exists(row)) assertHeadKnown(context, row, head);
  const { share: bytes, staticSeed, pending } = await readSecrets(context, reader, row, head);
  staticSeed?.fill(0);
  pending?.fill(0);
  const share = shareOf(head, bytes);
  const { transcriptHash } = head.certified!;
  const { owner, keyId, version, epoch } = row;
  return {
    name: `${name}/${epoch}`,
    owner,
    keyId,
    epoch,
    transcriptHash,
    version,
    tightened,
    stoppedAt,
    frozenUntil: frozen?.until ?? null,
    frozenBy: frozen?.by,
    counting,
    ...(summing === undefined ? {} : { summing }),
    voided: voided?.times ?? 0,
    policy,
    share,
    context: { suite, purpose, public: share.public },
  };
}

function shareOf({ suite, quorum, slot, certified }: KeyHead, share: Uint8Array | null): KeyShare {
  if (certified === null || share === null)
    throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  const { groupKey, commitment, verifyingShares, chainCode } = certified;
  return {
    party: slot as PartyIndex,
    share: secret(share),
    public: { suite, quorum, groupKey, commitment, verifyingShares, chainCode },
  };
}

/** Somebody put its head back as it was, under a running server. */
function wentBack(): StorageError {
  return new StorageError('the stored key is older than this server has seen it', {
    code: 'KEY_WENT_BACK',
    hint: 'the operator looks who writes to the database, and restores it from a backup',
  });
}
