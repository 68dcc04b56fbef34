import {
  parseReceipt,
  receiptStatement,
  type Result,
  type ShareReceipt,
  verifyIdentityStatement,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { RosterEntry } from '@ckm/threshold';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { KeyRecord, ShareReceiptRecord } from '../key-record.js';

/** An epoch that is over, and a server that had a share of it. */
export interface OldShare {
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** Of that epoch. */
  readonly transcriptHash: Uint8Array;
  readonly entry: Pick<RosterEntry, 'slot' | 'identityKey'>;
}

/** What a server says of its old share, signed by the identity that held it. @throws PeerFaultError `FAULT_ACKNOWLEDGEMENT_INVALID` */
export function readReceipt(
  { keyId, epoch, transcriptHash, entry }: OldShare,
  participant: Participant,
  { receipt, signature }: Result<'change.retire'>,
): ShareReceiptRecord {
  const wrong = serverFault(
    'FAULT_ACKNOWLEDGEMENT_INVALID',
    [participant],
    'signed nothing about its old share',
  );
  if (!verifyIdentityStatement(entry.identityKey, receiptStatement(receipt), signature)) throw wrong;
  const said = receiptIn(receipt);
  if (said === null) throw wrong;
  const isOfKey = equalBytes(said.keyId, keyId) && equalBytes(said.transcriptHash, transcriptHash);
  if (!isOfKey || said.epoch !== epoch || said.slot !== entry.slot) throw wrong;
  const { name, xid } = participant.server;
  return { server: name, xid, epoch, receipt, signature };
}

/** The record with what was said since, in the place of what the same server said of the same epoch before. */
export function withReceipts(record: KeyRecord, fresh: readonly ShareReceiptRecord[]): KeyRecord {
  const isFresh = (one: ShareReceiptRecord) =>
    fresh.some(({ xid, epoch }) => one.epoch === epoch && equalBytes(xid, one.xid));
  const kept = (record.receipts ?? []).filter((one) => !isFresh(one));
  return { ...record, receipts: [...kept, ...fresh].slice(-MOST_RECEIPTS) };
}

const MOST_RECEIPTS = 512;

/** Null: it is none. */
function receiptIn(bytes: Uint8Array): ShareReceipt | null {
  try {
    return parseReceipt(bytes);
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}
