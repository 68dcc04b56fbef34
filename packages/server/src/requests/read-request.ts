import type { RequestAsk } from '@ckm/api';
import { type Description, requestKind, type Task } from '@ckm/requests';
import type { ActiveKey } from '../sessions/keys/active-keys.js';

/** A request as this server itself reads it: what it means, and what there is to do. */
export interface ReadRequest {
  readonly key: ActiveKey;
  readonly description: Description;
  readonly tasks: readonly Task[];
}

/**
 * Reads a request in two steps: its bytes at once, and against a key when that is known. Nothing the requester says about
 * the content is used but the content itself.
 * @throws UsageError `REQUEST_KIND_UNKNOWN`; EncodingError, PolicyError as the kind's `parse`, `describe` and `tasks`
 */
export function readRequest({ kind, payload }: RequestAsk): (key: ActiveKey) => ReadRequest {
  const parsed = requestKind(kind).parse(payload);
  return (key) => ({
    key,
    description: parsed.describe(key.context),
    tasks: parsed.tasks(key.context),
  });
}
