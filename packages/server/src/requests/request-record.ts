import { type CraftAttempt, hashPayload, type PeopleAsked, type RequestAsk } from '@ckm/api';
import { encodeUtf8, equalBytes } from '@ckm/foundation';
import { taggedHash } from '@ckm/threshold';
import type { ServerContext, ShownRequest } from '../context.js';
import type { AttemptRow, RequestRow } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import { type Attempted, craftNamed, type Crafts } from '../crafts/craft.js';
import { parseRequestState, type RequestState } from './request-machine.js';

/** Everything a server keeps about one request; sealed as a whole. The payload itself is not kept, its hash is. */
export interface RequestRecord {
  readonly kind: string;
  /** Over kind and payload: the same request id never stands for anything else. */
  readonly payloadHash: Uint8Array;
  /** Over what there is to do: what was approved is what gets done, whatever version of the server reads it (N9). */
  readonly tasksHash: Uint8Array;
  readonly sentence: string;
  /** What else the operator reads. Only while the request waits; absent too when an earlier version stored it. */
  readonly shown?: ShownRequest;
  /** Who said yes; null while nobody has. What the operator said holds while people are asked besides; people are heard anew each time. */
  readonly approvedBy: 'policy' | 'operator' | 'people' | null;
  /** Who asked, by the name for this key that votes bind; absent: nobody was asked. */
  readonly requester?: Uint8Array;
  /** How far those are whom the terms of the key ask; absent: nobody was asked. */
  readonly people?: PeopleHeard;
  /** Its number among the requests of its key that are summed; absent: no share was given for it, or nothing is summed. */
  readonly summed?: number;
  /** Why it was rejected or cancelled. */
  readonly reason: string | null;
  /** The device that asked; absent: whoever has the words, or a version that knew of no devices. */
  readonly by?: Uint8Array;
  /** When that device had come to its account; it is another one's request if it leaves and comes again. UnixSeconds. */
  readonly cameAt?: number;
  /** The heir who asked in the place of the owner, by the name in the terms; absent: the owner did. */
  readonly heir?: string;
  /** Of the operator's last yes or no; absent while there was none. */
  readonly decision?: Decision;
}

/** When an operator said yes or no, and as whom: a name that nobody has checked. */
export interface Decision {
  /** UnixSeconds */
  readonly at: number;
  readonly as: string | null;
}

/** How far people are with a request, as it is stored with it. */
export interface PeopleHeard extends Pick<PeopleAsked, 'awaits' | 'yes' | 'no' | 'reasons'> {
  /** Which version of the matter was counted, and under which terms: what was said since is in a later one. */
  readonly counted: number;
  readonly termsHash: Uint8Array;
  /** Whether it waits for the operator as well. */
  readonly operator: boolean;
}

export interface StoredRequest {
  readonly row: Omit<RequestRow, 'sealed'>;
  readonly state: RequestState;
  readonly record: RequestRecord;
}

/** One attempt and what came of it: asked for again, it gets the same answer. */
export interface AttemptRecord extends Attempted {
  /** Over who works together with what. */
  readonly attemptHash: Uint8Array;
}

export function openRequest(context: Pick<ServerContext, 'vault'>, row: RequestRow): StoredRequest {
  return { row, state: parseRequestState(row.state), record: openRecord(context.vault, 'requests', row) };
}

/** Of a request that waits: whether it is the operator's to say yes. */
function waitsForOperator({ people }: Pick<RequestRecord, 'people'>): boolean {
  return people === undefined || people.operator;
}

/** Once a request is answered, only its sentence stays. */
export function sealRequest(
  { vault }: Pick<ServerContext, 'vault'>,
  { row, state, record }: StoredRequest,
): RequestRow {
  const { owner, requestId, keyId, version, createdAt, expiresAt } = row;
  const waiting = state === 'waiting' && waitsForOperator(record);
  const columns = { owner, requestId, keyId, state, waiting, version, createdAt, expiresAt };
  const { shown, ...rest } = record;
  return sealRecord(vault, 'requests', columns, waiting && shown !== undefined ? { ...rest, shown } : rest);
}

/**
 * A request as it is restored from a backup: what the operator had approved, he is asked again where the policy still wants it,
 * when it is asked for again. Its owner may have taken it back since, or have had it answered.
 */
export function withoutApproval(context: Pick<ServerContext, 'vault'>, row: RequestRow): RequestRow {
  if (row.state !== 'approved') return row;
  const stored = openRequest(context, row);
  if (stored.record.approvedBy !== 'operator') return row;
  return sealRequest(context, { ...stored, record: { ...stored.record, approvedBy: null } });
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

/** 32 bytes over who works together with what. */
export function hashAttempt(crafts: Crafts, attempt: CraftAttempt): Uint8Array {
  const { craft } = attempt;
  return taggedHash(
    'CKM/request/attempt/v1',
    encodeUtf8(craft),
    ...craftNamed(crafts, craft).attemptItems(attempt),
  );
}

/** Whether a message is about the request that is stored under its id, to the last bit. */
export function isSameRequest({ row, record }: StoredRequest, request: RequestAsk): boolean {
  return (
    equalBytes(row.keyId, request.keyId) &&
    row.expiresAt === request.expiresAt &&
    equalBytes(record.payloadHash, hashPayload(request.kind, request.payload))
  );
}
