import { type Description, type KeyContext, requestKind, type Task } from '@ckm/requests';

/** What a request says, as this server itself reads it. */
export interface RequestContent {
  readonly description: Description;
  readonly tasks: readonly Task[];
}

/**
 * Reads a payload in two steps: its bytes at once, and against a key when that is known.
 * @throws UsageError `REQUEST_KIND_UNKNOWN`; EncodingError, PolicyError as the kind's `parse`, `describe` and `tasks`
 */
export function readPayload(kind: string, payload: Uint8Array): (key: KeyContext) => RequestContent {
  const parsed = requestKind(kind).parse(payload);
  return (key) => ({ description: parsed.describe(key), tasks: parsed.tasks(key) });
}
