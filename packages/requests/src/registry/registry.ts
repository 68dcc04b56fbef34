import { UsageError } from '@ckm/foundation';
import { bitcoinKind } from '../bitcoin/index.js';
import { gitKind } from '../git/index.js';
import {
  REQUEST_KIND_NAMES,
  type ParsedRequest,
  type RequestKind,
  type RequestKindFacts,
  type RequestKindName,
} from '../kind.js';
import { messageKind } from '../message/index.js';
import { sshKind } from '../ssh/index.js';

/** A kind as it is known by name alone: what it says of itself, and how its requests are read. */
export interface KnownKind extends RequestKindFacts {
  /** @throws EncodingError whose code is one of `REQUEST_ERRORS`; never anything else. */
  parse(payload: Uint8Array): ParsedRequest;
}

const KINDS: ReadonlyMap<string, KnownKind> = new Map<RequestKindName, KnownKind>([
  ['message', known(messageKind)],
  ['bitcoin', known(bitcoinKind)],
  ['ssh', known(sshKind)],
  ['git', known(gitKind)],
]);

/** A request keeps what was parsed to itself: nothing that only looks like it is ever described or signed. */
function known<T>({ parse, describe, tasks, finish, ...facts }: RequestKind<T>): KnownKind {
  return Object.freeze({
    ...facts,
    parse(payload: Uint8Array): ParsedRequest {
      const typed = parse(payload);
      return Object.freeze<ParsedRequest>({
        kind: facts.name,
        describe: (key) => describe(typed, key),
        tasks: (key) => tasks(typed, key),
        finish: (key, results) => finish(typed, key, results),
      });
    },
  });
}

/** The kind of that name. @throws UsageError `REQUEST_KIND_UNKNOWN` */
export function requestKind(name: string): KnownKind {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  throw new UsageError('there is no request of this kind', {
    code: 'REQUEST_KIND_UNKNOWN',
    hint: `use one of ${REQUEST_KIND_NAMES.join(', ')}`,
  });
}
