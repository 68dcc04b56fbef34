import type { ServerContext } from '../../context.js';
import type { Craft } from '../craft.js';
import { assertAttempt, attemptItems, ownCommitments, signAttempt, taskItems } from './attempt.js';
import { createIssueBudget } from './issue-budget.js';
import { createNoncePool } from './nonce-pool.js';

/** Threshold Schnorr signatures (RFC 9591): commitments are handed out before, shares are made with them. */
export function createFrost(context: ServerContext): Craft<'frost'> {
  const { events, clock } = context;
  const pool = createNoncePool(context);
  const budget = createIssueBudget(clock);
  return {
    name: 'frost',
    taskItems,
    attemptItems,
    describeAttempt: ({ signers }) => `slots ${signers.join(' ')}`,
    describeAnswer: ({ shares }) => `shares ${shares.length}`,
    assertAttempt,
    attempt(key, tasks, attempt) {
      const nonces = pool.take(key, ownCommitments(attempt, key));
      if (nonces === null) return 'stale';
      budget.refund(key, nonces.length);
      return signAttempt(attempt, key, tasks, nonces);
    },
    prepare(key, { commitments: wanted }, least) {
      const commitments = [...pool.issue(key, budget.grant(key, wanted, least))];
      if (commitments.length > 0) events.poolFilled({ count: commitments.length });
      return { craft: 'frost', commitments };
    },
    sweep: () => pool.sweep(),
    close() {
      const voided = pool.wipe();
      if (voided > 0) events.poolVoided({ count: voided });
    },
  };
}
