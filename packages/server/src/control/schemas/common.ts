import { isStorable } from '@ckm/foundation';
import { z } from 'zod';

/** Ids travel as lower-case hex. */
export const hexId = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected 64 hex digits' });

/** The beginning of an id is enough where only a few are in question. */
export const hexPrefix = z.string().regex(/^[0-9a-f]{4,64}$/, { error: 'expected 4 to 64 hex digits' });

/** Hex digits of any length, as answers hold them. */
export const hexText = z.string().regex(/^[0-9a-f]*$/);

/** Seconds since 1970. */
export const unixSeconds = z.int().min(0);

export const wholeNumber = z.int().min(0);

/** One line of text that people read. */
export const sentence = z
  .string()
  .max(280)
  .refine(isStorable, { error: 'characters that cannot be shown on every machine are not allowed' });

/** Whom somebody says to be who answers as the operator; written down, and not checked. */
export const saidName = sentence.min(1).max(64).optional();

/** The answer of an operation that has nothing to say. */
export const nothing = z.strictObject({});
