import type { RequestAsk } from '@ckm/api';
import { encodeHex, StateError } from '@ckm/foundation';
import type { Call } from '../context.js';
import { type ActiveKey, assertEpoch } from '../sessions/keys/active-keys.js';
import type { RequestMeans } from './means.js';
import { type KeyOfRequest, readPayload, type RequestContent } from './reading/read-payload.js';
import { READ_AT_ONCE_MS, type RequestCost } from './request-cost.js';

/** A request as this server itself reads it: what it means, and what there is to do. */
export interface ReadRequest extends RequestContent {
  readonly key: ActiveKey;
}

/**
 * Reads a request; what comes back puts it to the key as it is found later. A large payload is read in a thread of its
 * own, before any transaction begins. Nothing the requester says about the content is used but the content itself.
 * @throws UsageError `REQUEST_KIND_UNKNOWN`; EncodingError, PolicyError as the kind's `parse`, `describe` and `tasks`;
 *   AvailabilityError `REQUEST_READER_ENDED`
 */
export async function readRequest(
  { context, keys, reader }: RequestMeans,
  call: Call,
  asked: RequestAsk,
  cost: RequestCost,
): Promise<(key: ActiveKey) => ReadRequest> {
  const readFor = await readAsAsked({ context, keys, reader }, call, asked, cost);
  const { heir } = call;
  return heir === undefined ? readFor : (key) => inHisName(readFor(key), heir.name);
}

/** Whoever reads what is asked reads who asks: the operator, people, and later the log. */
function inHisName(read: ReadRequest, heir: string): ReadRequest {
  const sentence = `${heir}, in the place of its silent owner: ${read.description.sentence}`;
  return { ...read, description: { ...read.description, sentence } };
}

async function readAsAsked(
  { context, keys, reader }: Pick<RequestMeans, 'context' | 'keys' | 'reader'>,
  call: Call,
  asked: RequestAsk,
  cost: RequestCost,
): Promise<(key: ActiveKey) => ReadRequest> {
  const { kind, payload, keyId } = asked;
  const owner = call.account.xid;
  if (cost.reading <= READ_AT_ONCE_MS) {
    const readFor = readPayload(kind, payload);
    return (key) => ({ key, ...readFor(keyOf(key, context.clock())) });
  }
  const key = await context.storage.read((rows) => keys.find(rows, owner, keyId));
  assertEpoch(key, asked);
  const content = await reader.read(encodeHex(owner), {
    kind,
    payload,
    key: keyOf(key, context.clock()),
  });
  return (later) => {
    if (later.version === key.version && later.epoch === key.epoch) return { key: later, ...content };
    throw keyChanged();
  };
}

function keyOf({ context, policy }: ActiveKey, now: number): KeyOfRequest {
  return { context: { ...context, now }, hasRules: policy.approvals !== undefined };
}

/** Somebody changed the key while its request was being read: everything is read anew. */
function keyChanged(): StateError {
  return new StateError('the key was changed meanwhile', {
    code: 'ROW_CHANGED',
    hint: 'ask again',
    retryable: true,
  });
}
