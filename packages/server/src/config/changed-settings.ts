import { isDeepStrictEqual } from 'node:util';
import { CkmError } from '@ckm/foundation';
import type { ServerConfig } from './config.js';
import type { Env } from './env.js';
import { loadConfig } from './load-config.js';
import { listSettings, valueAt } from './settings.js';

/** What stands in `config.json` by now that a running server does not go by: it read it when it started. */
export interface ChangedSettings {
  /** Settings that would be others after a restart. */
  readonly changed: readonly string[];
  /** Why the next start would refuse the file, as a code; null: it would not. */
  readonly fault: string | null;
}

/** @param config as the server was started with @param env of the same process */
export function changedSettings(config: ServerConfig, env: Env): ChangedSettings {
  try {
    const next = loadConfig(config.dataDir, env);
    const names = listSettings().map(({ name }) => name);
    const isChanged = (name: string) => !isDeepStrictEqual(valueAt(next, name), valueAt(config, name));
    return { changed: names.filter(isChanged), fault: null };
  } catch (error) {
    if (error instanceof CkmError) return { changed: [], fault: error.code };
    throw error;
  }
}
