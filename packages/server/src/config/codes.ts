import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CkmError, fromFileSystem, type Remedy, UsageError } from '@ckm/foundation';

/** Every code of an error about configuration and start. */
const CONFIG_CODES = [
  'ARITHMETIC_SLOW',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'DATA_DIR_EXPOSED',
  'DATA_DIR_FOREIGN',
  'DATA_DIR_UNREADABLE',
  'DATA_DIR_USED',
  'INSPECTOR_REFUSED',
  'LISTEN_FAILED',
  'SERVER_RUNNING',
  'SERVER_STILL_STOPPING',
] as const;
export type ConfigCode = (typeof CONFIG_CODES)[number];

/** What lies in the folder of a server besides its configuration. */
const OF_A_SERVER = ['storage.key', 'storage.key.sealed', 'identity', 'ckm.sqlite', 'database.json'];

/** There is no server in a folder: it is made once, by its operator. Or the folder has lost its `config.json` alone. */
export function serverMissing(dataDir: string, cause?: unknown): UsageError {
  const left = OF_A_SERVER.filter((name) => existsSync(join(dataDir, name)));
  if (left.length > 0) {
    return configError(
      'CONFIG_MISSING',
      `${dataDir} is the folder of a server (${left.join(', ')}), and its config.json is gone`,
      'write it again ({"name": "alpha"} is enough to start) unless a restore was cut short here, or make the server again out of its backup in a new folder',
      cause,
      {},
      { kind: 'restoreServer' },
    );
  }
  const hint = 'check the path, or make a server there';
  return configError(
    'CONFIG_MISSING',
    `there is no server in ${dataDir}`,
    hint,
    cause,
    {},
    { kind: 'initServer' },
  );
}

/** Why nothing could be read of the server in a folder: this user may not, there is none, or the disk says no. */
export function serverUnread(dataDir: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return serverMissing(dataDir, cause);
  if (code !== 'EACCES' && code !== 'EPERM') return fromFileSystem(cause, dataDir);
  return configError(
    'DATA_DIR_UNREADABLE',
    `this user may not read ${dataDir}`,
    'run this as the user of the server; if the folder is to be that user’s, give it away with: chown -R',
    cause,
  );
}

export function configError(
  code: ConfigCode,
  message: string,
  hint: string,
  cause?: unknown,
  facts: CkmError['facts'] = {},
  remedy?: Remedy,
): UsageError {
  const more = { ...(cause === undefined ? {} : { cause }), ...(remedy === undefined ? {} : { remedy }) };
  return new UsageError(message, { code, hint, facts, ...more });
}

/** `setting` and what is wrong with it are facts too: whoever made it from a flag names that one. */
export function settingInvalid(setting: string, expected: string, hint: string): UsageError {
  return new UsageError(`${setting}: ${expected}`, {
    code: 'CONFIG_INVALID' satisfies ConfigCode,
    hint,
    facts: { setting, expected },
  });
}
