import { PolicyError } from '@ckm/foundation';
import type { KeyContext, RequestKind } from './kind.js';
import type { TaskResult } from './task.js';

/**
 * Wraps a kind so that it serves only keys made for it: one key answers to one role (V16). Where a key of one purpose
 * answers to two kinds, no signature for one passes for the other: the kind that says so in `alsoFor` says why.
 * `describe`, `tasks`, `finish` and `verify` then throw PolicyError `REQUEST_KIND_NOT_FOR_KEY` for any other key.
 */
export function forKeysMadeForIt<T>(kind: RequestKind<T>): RequestKind<T> {
  const assertFits = (key: KeyContext): void => {
    const sameSuite = key.suite === key.public.suite && kind.suites.includes(key.suite);
    if (sameSuite && (key.purpose === kind.name || kind.alsoFor.includes(key.purpose))) return;
    throw new PolicyError(`this key was not made for requests of kind ${kind.name}`, {
      code: 'REQUEST_KIND_NOT_FOR_KEY',
      hint: `ask a key that was created for ${kind.name}`,
      retryable: false,
    });
  };
  return Object.freeze({
    ...kind,
    describe(typed: T, key: KeyContext) {
      assertFits(key);
      return kind.describe(typed, key);
    },
    tasks(typed: T, key: KeyContext) {
      assertFits(key);
      return kind.tasks(typed, key);
    },
    finish(typed: T, key: KeyContext, results: readonly TaskResult[]) {
      assertFits(key);
      return kind.finish(typed, key, results);
    },
    verify(typed: T, key: KeyContext, artefact: Uint8Array) {
      assertFits(key);
      return kind.verify(typed, key, artefact);
    },
  });
}
