import type { MarkedSpending } from '../store/marks.js';
import { corrupt, type RecordReader } from '../store/record-reader.js';

/** What a server has signed about its share of an epoch that is over: see `parseReceipt`. */
export interface ShareReceiptRecord {
  /** The owner's name of the server then. */
  readonly server: string;
  readonly xid: Uint8Array;
  readonly epoch: number;
  readonly receipt: Uint8Array;
  readonly signature: Uint8Array;
}

/** A receive address that was given to somebody. */
export interface HandedOut {
  readonly index: number;
  /** UnixSeconds */
  readonly at: number;
  /** What its owner wrote down with it. */
  readonly note: string | null;
}

/** A signature that spends something, as a kind of request tells of it. */
export interface SignedSpending extends MarkedSpending {
  /** UnixSeconds */
  readonly at: number;
}

export interface KeyComparison {
  /** `different`: at least one operator sees something else. */
  readonly outcome: 'same' | 'different';
  /** UnixSeconds */
  readonly at: number;
}

export function readReceipt(record: RecordReader): ShareReceiptRecord {
  return {
    server: record.text('server'),
    xid: record.bytes('xid', 32),
    epoch: record.integer('epoch'),
    receipt: record.bytes('receipt'),
    signature: record.bytes('signature', 64),
  };
}

export function readHandedOut(record: RecordReader): HandedOut {
  const note = record.has('note') ? record.text('note') : null;
  return { index: record.integer('index'), at: record.integer('at'), note };
}

export function readSpending(record: RecordReader): SignedSpending {
  return { by: record.text('by'), at: record.integer('at'), coins: record.bytes('coins') };
}

export function readComparison(path: string, record: RecordReader): KeyComparison {
  const outcome = record.text('outcome');
  if (outcome !== 'same' && outcome !== 'different') throw corrupt(path);
  return { outcome, at: record.integer('at') };
}
