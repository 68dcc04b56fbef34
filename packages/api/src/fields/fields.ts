import { isStorable } from '@ckm/foundation';
import { z } from 'zod';

/** Exactly `length` bytes. */
export function bytesOf(length: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length, {
    error: `expected ${length} bytes`,
  });
}

/** At most `maxLength` bytes. */
export function bytesUpTo(maxLength: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= maxLength, {
    error: `expected at most ${maxLength} bytes`,
  });
}

/** Seconds since 1970-01-01T00:00:00Z. */
export const unixSeconds = z.int().min(0).max(253_402_300_799);

/** Identifies a session, a request or a key: 32 random bytes chosen by whoever proposes it. */
export const identifier = bytesOf(32);

/** A server's place inside one key, 1..32: its Shamir x-coordinate. */
export const slot = z.int().min(1).max(32);

/** Which membership of a key, counted from 0. */
export const epoch = z.int().min(0).max(0xffff_ffff);

/**
 * 32 bytes: names the certificate that is meant of the epoch beside it; a server that is there by another one refuses. Absent: whichever it
 * stands on.
 */
export const meantTranscript = bytesOf(32).exactOptional();

/** Text that people read: storable, and of at most so many UTF-16 units. */
export function label(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(isStorable, { error: 'characters that cannot be shown on every machine are not allowed' });
}

export const quorum = z
  .strictObject({ needed: z.int().min(2).max(32), of: z.int().min(2).max(32) })
  .refine(({ needed, of }) => needed <= of, { error: 'a quorum cannot need more servers than there are' });

/** Certificates of a key, its first epoch first: as many as fit into a message, where one takes about 1 KB. */
export const certificateChain = z.array(bytesUpTo(1_048_576)).max(720);
