import { type CkmError, UsageError } from '@ckm/foundation';

/** Every code of an error about configuration and start. */
const CONFIG_CODES = [
  'ARITHMETIC_SLOW',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'DATA_DIR_EXPOSED',
  'DATA_DIR_USED',
  'INSPECTOR_REFUSED',
  'LISTEN_FAILED',
  'SERVER_RUNNING',
  'SERVER_STILL_STOPPING',
] as const;
export type ConfigCode = (typeof CONFIG_CODES)[number];

export function configError(
  code: ConfigCode,
  message: string,
  hint: string,
  cause?: unknown,
  facts: CkmError['facts'] = {},
): UsageError {
  return new UsageError(message, { code, hint, facts, ...(cause === undefined ? {} : { cause }) });
}

/** `setting` and what is wrong with it are facts too: whoever made it from a flag names that one. */
export function settingInvalid(setting: string, expected: string, hint: string): UsageError {
  return new UsageError(`${setting}: ${expected}`, {
    code: 'CONFIG_INVALID' satisfies ConfigCode,
    hint,
    facts: { setting, expected },
  });
}
