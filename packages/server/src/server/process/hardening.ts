import { url as inspectorUrl } from 'node:inspector';
import { configError } from '../../config/codes.js';
import { ENV_NAMES, readNodeOptions } from '../../config/env.js';

/**
 * Options of Node that let somebody look into the memory of the process, write it to a file (a core file too, and what
 * opens TLS), or run code in it that is not ours, as an agent for monitoring does. Whoever can set them for sure can do
 * worse; they are refused because they come along unnoticed, from a shell's profile or a hosting service.
 */
const REVEALING = [
  /^--(inspect|debug-port|heapsnapshot|heap-prof|cpu-prof|prof\b|diagnostic-dir|report-|tls-keylog)/,
  /^--abort-on-uncaught-exception/,
  /^(-r|--(require|import|loader|experimental-loader|snapshot-blob))(=|$)/,
];

/** Node takes `_` for `-` in the name of an option. */
function isRevealing(option: string): boolean {
  const [name = '', ...rest] = option.split('=');
  const spelled = [name.replaceAll('_', '-'), ...rest].join('=');
  return REVEALING.some((pattern) => pattern.test(spelled));
}

/** Name only: what stands behind `=` is nobody's business. */
function revealingOption(): string | undefined {
  const [given, inherited] = [process.execArgv, readNodeOptions()].map((options) =>
    options.find(isRevealing),
  );
  if (given !== undefined) return given.split('=')[0];
  return inherited === undefined ? undefined : `NODE_OPTIONS=${inherited.split('=')[0]}`;
}

let isHardened = false;

/**
 * What Node itself can do for a process that holds shares: files for nobody else, no debugger by option or by signal, no
 * reports, nobody else's code. Core dumps, ptrace and swap are for the system: `LimitCORE=0`, `ProtectProc`, encrypted swap.
 * @throws UsageError `INSPECTOR_REFUSED` unless `allowInspect`.
 */
export function hardenProcess(allowInspect: boolean): void {
  const found = revealingOption() ?? (inspectorUrl() === undefined ? undefined : 'an open inspector');
  if (found !== undefined && !allowInspect) {
    throw configError(
      'INSPECTOR_REFUSED',
      `a process that holds shares does not run with ${found}`,
      `start without it, or set ${ENV_NAMES.allowInspect}=1 for a test`,
    );
  }
  if (isHardened) return;
  isHardened = true;
  process.umask(0o077);
  // Node opens a debugger on this signal unless somebody else listens to it.
  if (!allowInspect) process.on('SIGUSR1', () => undefined);
  if (process.report !== undefined) {
    process.report.reportOnFatalError = false;
    process.report.reportOnSignal = false;
    process.report.reportOnUncaughtException = false;
  }
}
