import type { Problem, SigningAttempt, SigningRequest } from '@ckm/api';
import { concatBytes, encodeUtf8, equalBytes } from '@ckm/foundation';
import type { SigningTask } from '@ckm/requests';
import { taggedHash } from '@ckm/threshold';
import type { ServerContext } from '../context.js';
import type { AttemptRow, RequestRow } from '../storage/storage.js';
import { openRecord, sealRecord } from '../sessions/sealed-record.js';
import { parseRequestState, type RequestState } from './request-machine.js';
import type { ShownRequest } from './shown-request.js';

/** Everything a server keeps about one request; sealed as a whole. The payload itself is not kept, its hash is. */
export interface RequestRecord {
  readonly kind: string;
  /** Over kind and payload: the same request id never stands for anything else. */
  readonly payloadHash: Uint8Array;
  /** Over what is signed for it: what was approved is what gets a share, whatever version of the server reads it (N9). */
  readonly tasksHash: Uint8Array;
  readonly sentence: string;
  /** What else the operator reads. Only while the request waits; absent too when an earlier version stored it. */
  readonly shown?: ShownRequest;
  /** Who said yes; null while nobody has. */
  readonly approvedBy: 'policy' | 'operator' | null;
  /** Why it was rejected or cancelled. */
  readonly reason: string | null;
}

export interface StoredRequest {
  readonly row: Omit<RequestRow, 'sealed'>;
  readonly state: RequestState;
  readonly record: RequestRecord;
}

/** What came of one attempt: shares, or why there are none. Its nonces are gone in either case. */
export interface AttemptRecord {
  readonly packageHash: Uint8Array;
  readonly shares: readonly Uint8Array[];
  readonly problem: Problem | null;
}

export function openRequest(context: ServerContext, row: RequestRow): StoredRequest {
  return { row, state: parseRequestState(row.state), record: openRecord(context.vault, 'requests', row) };
}

/** Once a request is answered, only its sentence stays. */
export function sealRequest({ vault }: ServerContext, { row, state, record }: StoredRequest): RequestRow {
  const { owner, requestId, keyId, version, createdAt, expiresAt } = row;
  const waiting = state === 'waiting';
  const columns = { owner, requestId, keyId, state, waiting, version, createdAt, expiresAt };
  const { shown, ...rest } = record;
  return sealRecord(vault, 'requests', columns, waiting && shown !== undefined ? { ...rest, shown } : rest);
}

export function openAttempt({ vault }: ServerContext, row: AttemptRow): AttemptRecord {
  return openRecord(vault, 'attempts', row);
}

export function sealAttempt(
  { vault }: ServerContext,
  columns: Omit<AttemptRow, 'sealed'>,
  record: AttemptRecord,
): AttemptRow {
  return sealRecord(vault, 'attempts', columns, record);
}

/** 32 bytes over what is asked for. */
export function hashPayload({ kind, payload }: Pick<SigningRequest, 'kind' | 'payload'>): Uint8Array {
  return taggedHash('CKM/request/payload/v1', encodeUtf8(kind), payload);
}

/** 32 bytes over everything there is to sign, and with which derived keys. */
export function hashTasks(tasks: readonly SigningTask[]): Uint8Array {
  const items = tasks.flatMap(({ message, tweak: { path, taproot } }) => [
    message,
    encodePath(path),
    taproot === null ? NOTHING : concatBytes(Uint8Array.of(1), taproot.merkleRoot ?? NOTHING),
  ]);
  return taggedHash('CKM/request/tasks/v1', ...items);
}

const NOTHING = new Uint8Array(0);

function encodePath(path: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * path.length);
  const view = new DataView(bytes.buffer);
  path.forEach((index, i) => view.setUint32(4 * i, index));
  return bytes;
}

/** 32 bytes over who signs with which commitments. */
export function hashAttempt({ signers, commitments }: SigningAttempt): Uint8Array {
  const flat = commitments.flatMap((ofTask) => ofTask.flatMap(({ hiding, binding }) => [hiding, binding]));
  return taggedHash('CKM/request/attempt/v1', Uint8Array.from(signers), ...flat);
}

/** Whether a message is about the request that is stored under its id, to the last bit. */
export function isSameRequest({ row, record }: StoredRequest, request: SigningRequest): boolean {
  return (
    equalBytes(row.keyId, request.keyId) &&
    row.expiresAt === request.expiresAt &&
    equalBytes(record.payloadHash, hashPayload(request))
  );
}
