import { type DkgProposal, dkgProposal } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';

/** How a ceremony stands for its owner. `open` can be resumed, whatever happened. */
export type SessionState = 'open' | 'finished' | 'cancelled' | 'failed';

interface SessionBase {
  /** 32 bytes */
  readonly sessionId: Uint8Array;
  readonly state: SessionState;
  /** UnixSeconds */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Why it failed or was cancelled; for people. */
  readonly reason: string | null;
  /** The owner's name of the key. */
  readonly keyName: string;
}

/** A key in the making, as far as it has come. Holds nothing secret: shares travel sealed from server to server. */
export interface KeySession extends SessionBase {
  readonly kind: 'dkg';
  readonly proposal: DkgProposal;
  readonly network: string | null;
  /** In order of slots. */
  readonly servers: readonly { readonly name: string; readonly xid: Uint8Array }[];
  /** Encoded KeyParams, once every offer was checked; never changed afterwards. */
  readonly parameters: Uint8Array | null;
  /** By round, then by slot: the first packet each server gave. */
  readonly packets: readonly (readonly (Uint8Array | null)[])[];
}

/** A signature that was asked for: on record from before the first message until the answer, longer if people are asked. */
export interface SignSession extends SessionBase {
  readonly kind: 'sign';
  readonly requestKind: string;
  readonly payload: Uint8Array;
  readonly sentence: string;
  readonly without: readonly string[];
  /** The last attempt any server may have seen. */
  readonly attempts: number;
  readonly artefact: Uint8Array | null;
}

export type SessionRecord = KeySession | SignSession;

export const SESSION_FOLDER = 'sessions';

export function sessionPath(sessionId: Uint8Array): string {
  return `${SESSION_FOLDER}/${encodeHex(sessionId)}`;
}

/** What people call a session: the first eight hex digits of its id. */
export function shortId(sessionId: Uint8Array): string {
  return encodeHex(sessionId.subarray(0, 4));
}

export function encodeSession(record: SessionRecord): Uint8Array {
  return encodeData({ version: 1, ...record });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseSession(path: string, bytes: Uint8Array): SessionRecord {
  const record = readRecord(path, bytes);
  const base = readBase(path, record);
  if (sessionPath(base.sessionId) !== path) throw corrupt(path);
  const kind = record.text('kind');
  if (kind === 'dkg') return { ...base, kind, ...readKeySession(path, record) };
  if (kind === 'sign') return { ...base, kind, ...readSignSession(record) };
  throw corrupt(path);
}

const STATES: readonly SessionState[] = ['open', 'finished', 'cancelled', 'failed'];

function readBase(path: string, record: RecordReader): SessionBase {
  const state = STATES.find((one) => one === record.text('state'));
  if (state === undefined) throw corrupt(path);
  return {
    sessionId: record.bytes('sessionId', 32),
    state,
    createdAt: record.integer('createdAt'),
    expiresAt: record.integer('expiresAt'),
    reason: record.has('reason') ? record.text('reason') : null,
    keyName: record.text('keyName'),
  };
}

function readKeySession(path: string, record: RecordReader) {
  const parsed = dkgProposal.safeParse(record.value('proposal'));
  if (!parsed.success) throw corrupt(path);
  return {
    proposal: parsed.data,
    network: record.has('network') ? record.text('network') : null,
    servers: record.records('servers').map((one) => ({ name: one.text('name'), xid: one.bytes('xid', 32) })),
    parameters: record.has('parameters') ? record.bytes('parameters') : null,
    packets: record.list('packets').map((round) => {
      if (!Array.isArray(round)) throw corrupt(path);
      return round.map((one: Data) => {
        if (one === null || one instanceof Uint8Array) return one;
        throw corrupt(path);
      });
    }),
  };
}

function readSignSession(record: RecordReader) {
  return {
    requestKind: record.text('requestKind'),
    payload: record.bytes('payload'),
    sentence: record.text('sentence'),
    without: record.list('without').map(String),
    attempts: record.integer('attempts'),
    artefact: record.has('artefact') ? record.bytes('artefact') : null,
  };
}
