import {
  concatBytes,
  EncodingError,
  encodeUtf8,
  type Secret,
  secret,
  StateError,
  StorageError,
} from '@ckm/foundation';
import { taggedHash } from '../hash/index.js';
import type { SecretScalar } from '../group/group.js';
import type { PartyIndex } from '../protocol/contract.js';
import { layoutInvalid, uint16be, uint32be } from '../protocol/layout.js';
import { lagrangeAtZero, parsePartySet } from '../sharing/index.js';
import { certifiedEntry, type PublicEpoch, groupOfEpoch, openCertifiedShare } from './certified-epoch.js';
import { verifyIdentitySignature } from './identity-signature.js';
import { isBytes, isEpoch } from './params.js';

/** What whoever owns a key asks of its servers: "give the shares of this epoch to whoever holds that key". */
export interface ExportOrder {
  /** 32 bytes, fresh: names this export. */
  readonly exportId: Uint8Array;
  /** 32 bytes, X25519, fresh for this export: every share is sealed to it. */
  readonly recipient: Uint8Array;
}

/** That one server agrees to an export: a signature of its identity. */
export interface ExportYes {
  readonly slot: PartyIndex;
  /** 64 bytes, Ed25519, over {@link exportStatement}. */
  readonly signature: Uint8Array;
}

/** The epoch of a key whose shares are given out. */
export interface ExportedEpoch {
  /** 32 bytes */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** 32 bytes */
  readonly transcriptHash: Uint8Array;
}

/** As much of an epoch as it takes to see who agreed. */
type NamedEpoch = Pick<PublicEpoch, 'params' | 'transcriptHash'>;

/**
 * 32 bytes that name an export: key, epoch, transcript hash, id and recipient. Its likeness in words is what operators type.
 * @throws EncodingError `LAYOUT_INVALID`
 */
export function hashExport({ keyId, epoch, transcriptHash }: ExportedEpoch, order: ExportOrder): Uint8Array {
  const { exportId, recipient } = order;
  const parts = [keyId, transcriptHash, exportId, recipient];
  if (!parts.every((part) => isBytes(part, 32)) || !isEpoch(epoch))
    throw layoutInvalid('an order to export a key');
  return taggedHash('CKM/export/order/v1', uint32be(epoch), ...parts);
}

/**
 * The bytes that a server's identity key signs when it agrees to an export: a readable prefix and a hash over all of it. Bound
 * to one id and one recipient, so that a yes to one export is none to another.
 * @throws EncodingError `LAYOUT_INVALID`, `PARTY_INDEX_INVALID`, `PARTY_UNKNOWN`
 */
export function exportStatement(key: NamedEpoch, order: ExportOrder, slot: number): Uint8Array {
  const entry = certifiedEntry(key, slot);
  const { keyId, epoch } = key.params;
  const named = hashExport({ keyId, epoch, transcriptHash: key.transcriptHash }, order);
  const hash = taggedHash('CKM/export/yes/v1', named, uint16be(entry.slot), entry.serverId);
  return concatBytes(encodeUtf8('CKM export yes v1'), hash);
}

/**
 * Checks that as many different servers as the quorum needs have agreed to this very export. One of them at least is honest,
 * and gave its operator and the owner the time that the key's rules give them.
 * @throws EncodingError `PARTY_COUNT_INVALID` for fewer, `LAYOUT_INVALID`, `PARTY_DUPLICATE`, `PARTY_INDEX_INVALID`,
 * `PARTY_UNKNOWN` · StateError `EXPORT_NOT_AGREED` for one that is no signature of its server to this very export
 */
export function verifyExportYeses(key: NamedEpoch, order: ExportOrder, yeses: readonly ExportYes[]): void {
  parsePartySet(
    yeses.map(({ slot }) => slot),
    key.params.quorum,
  );
  for (const { slot, signature } of yeses) {
    const { identityKey } = certifiedEntry(key, slot);
    const isSigned =
      isBytes(signature, 64) &&
      verifyIdentitySignature(identityKey, exportStatement(key, order, slot), signature);
    if (!isSigned) throw notAgreed(slot);
  }
}

/** One share of a key, out of its server. */
export interface ExportedShare {
  readonly slot: PartyIndex;
  /** A canonical scalar of the suite's group. */
  readonly share: Secret<Uint8Array>;
}

/** Whether a share is the one that was certified for its slot. */
export function isCertifiedShare(key: PublicEpoch, { slot, share }: ExportedShare): boolean {
  try {
    openCertifiedShare(key, slot, share).fill(0);
    return true;
  } catch (error) {
    if (error instanceof StorageError || error instanceof EncodingError) return false;
    throw error;
  }
}

/**
 * The key itself, out of as many of its shares as it takes: s = Σ λᵢ·xᵢ with s·G the certified public key. What it returns
 * signs alone, and is to be wiped.
 * @throws EncodingError `PARTY_COUNT_INVALID` for fewer, `PARTY_DUPLICATE`, `PARTY_UNKNOWN`, `SCALAR_INVALID` · StorageError
 * `SHARE_NOT_CERTIFIED`
 */
export function combineShares(key: PublicEpoch, shares: readonly ExportedShare[]): Secret<Uint8Array> {
  const slots = parsePartySet(
    shares.map(({ slot }) => slot),
    key.params.quorum,
  );
  const group = groupOfEpoch(key);
  const { scalars } = group;
  let sum: SecretScalar | null = null;
  for (const { slot, share } of shares) {
    const scalar = openCertifiedShare(key, slot, share);
    const part = scalars.multiply(lagrangeAtZero(group, slots, slot), scalar);
    scalar.fill(0);
    const next: SecretScalar = sum === null ? part : scalars.add(sum, part);
    if (sum !== null) {
      sum.fill(0);
      part.fill(0);
    }
    sum = next;
  }
  if (sum === null || !group.equal(group.mulBase(sum), group.decode(key.public.groupKey))) {
    sum?.fill(0);
    throw new EncodingError('these shares do not make the key', {
      code: 'KEY_INVALID',
      hint: 'report this: each of the shares is the certified one',
    });
  }
  return secret<Uint8Array>(sum);
}

function notAgreed(slot: number): StateError {
  return new StateError(`slot ${slot} of the key has not agreed to this export`, {
    code: 'EXPORT_NOT_AGREED',
    hint: 'collect the yeses of as many servers as the quorum needs, all to this export',
    facts: { slot },
    retryable: false,
  });
}
