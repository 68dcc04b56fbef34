import { UsageError } from '@ckm/foundation';
import { bitcoinKind } from './bitcoin/index.js';
import { gitKind } from './git/index.js';
import { REQUEST_KIND_NAMES, type RequestKind, type RequestKindName } from './kind.js';
import { messageKind } from './message/index.js';
import { sshKind } from './ssh/index.js';

/** What is known of a kind when its typed request is not: only `parse` makes one, and it goes back in unchanged. */
const KINDS: ReadonlyMap<string, RequestKind<unknown>> = new Map<RequestKindName, RequestKind<unknown>>([
  ['message', erase(messageKind)],
  ['bitcoin', erase(bitcoinKind)],
  ['ssh', erase(sshKind)],
  ['git', erase(gitKind)],
]);

/** Forgets the type of the typed request, and refuses one that another kind parsed. */
function erase<T extends object>(kind: RequestKind<T>): RequestKind<unknown> {
  const parsed = new WeakSet<object>();
  const own = (typed: unknown): T => {
    if (typeof typed === 'object' && typed !== null && parsed.has(typed)) return typed as T;
    throw new UsageError(`this is not a request that was parsed as ${kind.name}`, {
      code: 'REQUEST_NOT_PARSED',
      hint: `pass what parse of the kind ${kind.name} returned, never a copy of it`,
    });
  };
  const erased: RequestKind<unknown> = {
    name: kind.name,
    suites: kind.suites,
    maxBytes: kind.maxBytes,
    parse(payload: Uint8Array) {
      const typed = kind.parse(payload);
      parsed.add(typed);
      return typed;
    },
    describe: (typed, key) => kind.describe(own(typed), key),
    tasks: (typed, key) => kind.tasks(own(typed), key),
    finish: (typed, key, signatures) => kind.finish(own(typed), key, signatures),
  };
  return Object.freeze(erased);
}

/** The kind of that name. @throws UsageError `REQUEST_KIND_UNKNOWN` */
export function requestKind(name: string): RequestKind<unknown> {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  throw new UsageError('there is no request of this kind', {
    code: 'REQUEST_KIND_UNKNOWN',
    hint: `use one of ${REQUEST_KIND_NAMES.join(', ')}`,
  });
}
