import { EncodingError, UsageError } from '@ckm/foundation';
import type { GroupName } from './group.js';

/** What every backend throws for bytes that are no element: one message, so that it tells nothing about why. */
export function elementInvalid(group: GroupName): EncodingError {
  return new EncodingError(`bytes are not a valid element of ${group}`, {
    code: 'ELEMENT_INVALID',
    hint: 'send the canonical encoding of an element of the prime-order group that is not the identity',
  });
}

/** The identity has no encoding. */
export function elementIdentity(group: GroupName): UsageError {
  return new UsageError(`the identity of ${group} has no encoding`, {
    code: 'ELEMENT_IDENTITY',
    hint: 'check isIdentity before encoding',
  });
}

/** An element of another group, or of another backend of this group. */
export function elementForeign(group: GroupName): UsageError {
  return new UsageError(`this is not an element of this ${group} backend`, {
    code: 'ELEMENT_FOREIGN',
    hint: 'decode the element with the group that is to compute with it',
  });
}

/** @throws UsageError `LENGTH_MISMATCH` unless there is one scalar for each element. */
export function assertSameLength(elements: readonly unknown[], scalars: readonly unknown[]): void {
  if (elements.length === scalars.length) return;
  throw new UsageError('as many elements as scalars are needed', {
    code: 'LENGTH_MISMATCH',
    hint: 'pass one scalar for each element',
  });
}

/** @throws UsageError `FACTOR_INVALID` unless the factor is an integer in 0..65535. */
export function assertSmallFactor(factor: number): void {
  if (Number.isInteger(factor) && factor >= 0 && factor <= 0xffff) return;
  throw new UsageError('a small factor is an integer from 0 to 65535', {
    code: 'FACTOR_INVALID',
    hint: 'use mulPublic for larger factors',
  });
}

/** Only ristretto255 maps uniform bytes to an element here. */
export function groupWithoutMap(group: GroupName): UsageError {
  return new UsageError(`bytes are not mapped to elements of ${group}`, {
    code: 'GROUP_WITHOUT_MAP',
    hint: 'use a key over ristretto255 for what is derived',
  });
}

/** @throws UsageError `LENGTH_MISMATCH` unless there are 64 bytes. */
export function assertUniform(bytes: Uint8Array): void {
  if (bytes.length === 64) return;
  throw new UsageError('an element is made of 64 uniformly distributed bytes', {
    code: 'LENGTH_MISMATCH',
    hint: 'pass the output of a hash of 64 bytes',
  });
}
