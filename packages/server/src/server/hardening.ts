import { url as inspectorUrl } from 'node:inspector';
import { configError } from '../config/codes.js';
import { ENV_NAMES } from '../config/env.js';

/** Options of Node that let somebody look into the memory of the process, or write it to a file. */
const REVEALING = /^--(inspect|heapsnapshot|heap-prof|cpu-prof|prof\b|diagnostic-dir|report-)/;

let isHardened = false;

/**
 * What Node itself can do for a process that holds shares: files for nobody else, no debugger by option or by signal, no
 * reports. Core dumps, ptrace and swap are for the system: `LimitCORE=0`, `ProtectProc`, encrypted swap.
 * @throws UsageError `INSPECTOR_REFUSED` unless `allowInspect`.
 */
export function hardenProcess(allowInspect: boolean): void {
  const revealing = process.execArgv.find((option) => REVEALING.test(option));
  const found = revealing ?? (inspectorUrl() === undefined ? undefined : 'an open inspector');
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
