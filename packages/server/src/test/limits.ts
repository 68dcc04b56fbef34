import type { ServerConfig } from '../config/config.js';

/** Limits that a test reaches, or is rid of, by changing one or two of them. */
export const TEST_LIMITS: ServerConfig['limits'] = {
  body: 1_000,
  concurrency: 4,
  perSecond: 1_000,
  perAddressPerMinute: 1_000,
  accounts: 100,
  accountsPerAddressPerDay: 100,
  connectionsPerAddress: 100,
  requestTimeoutMs: 1_000,
  clockSkewSeconds: 60,
  messageLifetimeSeconds: 300,
  sessionLifetimeSeconds: 300,
  requestLifetimeSeconds: 300,
  keepRequestsSeconds: 300,
  keepSessionsSeconds: 300,
};
