import { BugError } from './errors.js';

const values = new WeakMap<Secret<unknown>, { value: unknown }>();

/**
 * A value that must not be seen by accident: prints, logs and serialises as `<secret>`.
 * Only {@link reveal} opens it. Created by {@link secret}, emptied by {@link wipe}.
 */
export class Secret<T> {
  /** Never assigned: tells the compiler what is inside. Protected, because a private type is lost in declarations. */
  declare protected readonly held: T;

  toString(): string {
    return '<secret>';
  }

  toJSON(): string {
    return '<secret>';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '<secret>';
  }
}

/** Wraps `value`; the wrapper owns it from now on. */
export function secret<T>(value: T): Secret<T> {
  const wrapped = new Secret<T>();
  values.set(wrapped, { value });
  Object.freeze(wrapped);
  return wrapped;
}

/**
 * Opens a secret. `why` is for the reader of the code and for a search over all places that do it.
 * @throws BugError `SECRET_WIPED` when it was wiped before.
 */
export function reveal<T>(wrapped: Secret<T>, why: string): T {
  const held = values.get(wrapped);
  if (held === undefined) {
    throw new BugError(`a secret was used after it was wiped (${why})`, {
      code: 'SECRET_WIPED',
      hint: 'report this: a secret outlived its owner',
    });
  }
  return held.value as T;
}

/**
 * Overwrites a secret's bytes and forgets it. Best effort: JavaScript may have copied the bytes before.
 * Wiping twice is harmless.
 */
export function wipe(wrapped: Secret<unknown>): void {
  const held = values.get(wrapped);
  if (held?.value instanceof Uint8Array) held.value.fill(0);
  values.delete(wrapped);
}
