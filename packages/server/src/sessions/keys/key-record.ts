import type { KeyPolicy } from '@ckm/api';
import type { Quorum, SuiteName } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { KeyRow } from '../../storage/storage.js';
import { openRecord, sealRecord } from '../sealed-record.js';

/** What a certificate makes of a key. */
export interface CertifiedKey {
  /** This server's share: a canonical scalar. Secret. */
  readonly share: Uint8Array;
  readonly certificate: Uint8Array;
  /** 32 bytes. */
  readonly certificateHash: Uint8Array;
  /** 64 bytes: this server's promise that the certificate is stored. */
  readonly acknowledgement: Uint8Array;
  readonly groupKey: Uint8Array;
  readonly commitment: readonly Uint8Array[];
  readonly verifyingShares: readonly Uint8Array[];
  readonly chainCode: Uint8Array;
}

/** Everything a server keeps about one key; sealed as a whole. */
export interface KeyRecord {
  readonly suite: SuiteName;
  readonly purpose: string;
  readonly quorum: Quorum;
  readonly policy: KeyPolicy;
  readonly slot: number;
  readonly epoch: number;
  /** The session that made it. */
  readonly sessionId: Uint8Array;
  /** The certified parameters, roster and all. */
  readonly parameters: Uint8Array;
  /**
   * The protocol state from which a certificate completes the key, however late; null once it did. Secret. This server
   * has signed the transcript, so others may hold the certificate: it is never deleted because none has come.
   */
  readonly pending: Uint8Array | null;
  readonly certified: CertifiedKey | null;
}

/** A key with what its row shows. */
export interface StoredKey {
  readonly row: KeyRow;
  readonly record: KeyRecord;
}

export function openKey(context: ServerContext, row: KeyRow): StoredKey {
  return { row, record: openRecord<KeyRecord>(context.vault, 'keys', row) };
}

/** A key to look at: its secrets are overwritten already. */
export function openKeyToShow(context: ServerContext, row: KeyRow): StoredKey {
  const key = openKey(context, row);
  key.record.pending?.fill(0);
  key.record.certified?.share.fill(0);
  return key;
}

export function sealKey(context: ServerContext, columns: Omit<KeyRow, 'sealed'>, record: KeyRecord): KeyRow {
  return sealRecord(context.vault, 'keys', columns, record);
}
