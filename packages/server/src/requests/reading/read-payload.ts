import { type Description, type Facts, type KeyContext, requestKind, type Task } from '@ckm/requests';

/** What a request says, as this server itself reads it. */
export interface RequestContent {
  readonly description: Description;
  readonly tasks: readonly Task[];
  /** What rules of a key compare; null: the key has none. */
  readonly facts: Facts | null;
}

/** A key that a request is read against. */
export interface KeyOfRequest {
  readonly context: KeyContext;
  /** Whether rules of the key compare what its requests say. */
  readonly hasRules: boolean;
}

/**
 * Reads a payload in two steps: its bytes at once, and against a key when that is known.
 * @throws UsageError `REQUEST_KIND_UNKNOWN`; EncodingError, PolicyError as the kind's `parse`, `describe` and `tasks`
 */
export function readPayload(kind: string, payload: Uint8Array): (key: KeyOfRequest) => RequestContent {
  const parsed = requestKind(kind).parse(payload);
  return ({ context, hasRules }) => ({
    description: parsed.describe(context),
    tasks: parsed.tasks(context),
    facts: hasRules ? parsed.facts(context) : null,
  });
}
