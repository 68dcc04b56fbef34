import { UsageError } from '@ckm/foundation';

const NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/**
 * A name that a person gives to a server, key or device; also a record's file name.
 * @throws UsageError `NAME_INVALID`
 */
export function parseName(what: 'server' | 'key' | 'device' | 'person', text: string): string {
  if (NAME.test(text) && !text.endsWith('.lock')) return text;
  throw new UsageError(`this is not a name for a ${what}: ${JSON.stringify(text.slice(0, 40))}`, {
    code: 'NAME_INVALID',
    hint: 'use 1 to 32 lower-case letters, digits, dots, dashes or underscores, a letter or digit first',
  });
}
