import { PolicyError } from '@ckm/foundation';
import type { KeyContext, RequestKind } from './kind.js';

/**
 * Wraps a kind so that it serves only keys made for it: one key answers to one role (V16). Where a key of one purpose
 * answers to two kinds, no signature for one passes for the other: the kind that says so in `alsoFor` says why.
 * Whatever then takes a request and a key throws PolicyError `REQUEST_KIND_NOT_FOR_KEY` for any other key.
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
  const guarded =
    <A extends readonly unknown[], R>(act: (typed: T, key: KeyContext, ...rest: A) => R) =>
    (typed: T, key: KeyContext, ...rest: A): R => {
      assertFits(key);
      return act(typed, key, ...rest);
    };
  const { describe, doubts, tasks, finish, verify, details, spends, facts } = kind;
  return Object.freeze({
    ...kind,
    describe: guarded(describe),
    ...(doubts === undefined ? {} : { doubts: guarded(doubts) }),
    tasks: guarded(tasks),
    finish: guarded(finish),
    verify: guarded(verify),
    ...(details === undefined ? {} : { details: guarded(details) }),
    ...(spends === undefined ? {} : { spends: guarded(spends) }),
    facts: guarded(facts),
  });
}
