import type { ServerContext } from '../context.js';
import { demand } from '../refusals.js';

/**
 * Whether something may stay open until then. Time only takes away: passing this check allows nothing by itself (V68).
 * @throws UsageError `EXPIRY_PASSED`, `EXPIRY_TOO_FAR`
 */
export function assertExpiry({ clock }: ServerContext, expiresAt: number, lifetimeSeconds: number): void {
  const now = clock();
  demand(expiresAt > now, 'EXPIRY_PASSED', 'expiresAt is in the past');
  demand(
    expiresAt <= now + lifetimeSeconds,
    'EXPIRY_TOO_FAR',
    `it may stay open for ${lifetimeSeconds} seconds`,
  );
}
