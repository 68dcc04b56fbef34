import { type SuiteBackend } from '@ckm/threshold';
import { configError } from '../../config/codes.js';
import { ENV_NAMES } from '../../config/env.js';

/**
 * A server multiplies with shares and nonces, and everybody sees how long it takes: it starts only where libraries do it
 * that take the same time for all of them, or where its operator said that this need not be.
 * @throws UsageError `ARITHMETIC_SLOW`, with the suites as facts.
 */
export function assertArithmetic(backends: readonly SuiteBackend[], isAllowed: boolean): void {
  const slow = backends.filter(({ grade }) => grade === 'bigint').map(({ suite }) => suite);
  if (slow.length === 0 || isAllowed) return;
  throw configError(
    'ARITHMETIC_SLOW',
    `neither a native library nor WebAssembly computes ${slow.join(', ')} on this machine`,
    `install the dependencies for this machine again; or, for a test, set ${ENV_NAMES.allowSlowArithmetic}=1`,
    undefined,
    { suites: slow },
  );
}
