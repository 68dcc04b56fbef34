import { ENV_NAMES, readEnv } from '../../config/env.js';
import { parseSwitch } from '../../config/load-config.js';
import { forbidCoreFiles } from './core-limit.js';
import { hardenProcess } from './hardening.js';

/**
 * For a process that holds the secrets of a server for a moment without being one, as whoever reads back a backup does.
 * @throws UsageError `INSPECTOR_REFUSED`
 */
export function guardSecrets(variables?: Readonly<Record<string, string | undefined>>): void {
  hardenProcess(parseSwitch(ENV_NAMES.allowInspect, readEnv(variables).allowInspect));
  forbidCoreFiles();
}
