import type { SigningRequest } from '@ckm/api';
import { requestKind, type Description, type SigningTask } from '@ckm/requests';
import type { ActiveKey } from '../sessions/keys/active-keys.js';

/** A request as this server itself reads it: what it means, and what there is to sign. */
export interface ReadRequest {
  readonly key: ActiveKey;
  readonly description: Description;
  readonly tasks: readonly SigningTask[];
}

/**
 * Reads a request in two steps: its bytes at once, and against a key when that is known. Nothing the requester says about
 * the content is used but the content itself.
 * @throws UsageError `REQUEST_KIND_UNKNOWN`; EncodingError, PolicyError as the kind's `parse`, `describe` and `tasks`
 */
export function readRequest({ kind: name, payload }: SigningRequest): (key: ActiveKey) => ReadRequest {
  const kind = requestKind(name);
  const typed = kind.parse(payload);
  return (key) => ({
    key,
    description: kind.describe(typed, key.context),
    tasks: kind.tasks(typed, key.context),
  });
}
