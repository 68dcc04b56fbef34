import type { NonceCommitment } from '@ckm/api';
import type { ServerContext } from '../../context.js';
import { inSlices } from '../pace.js';
import type { Craft } from '../craft.js';
import { assertAttempt, attemptItems, ownCommitments, signAttempt } from './attempt.js';
import { createIssueBudget } from './issue-budget.js';
import { createNoncePool } from './nonce-pool.js';

/** Measured (docs/adr, on the cost of requests): a share of its own, and the commitments of each signer to it. */
const MS_PER_TASK = 0.6;
const MS_PER_SIGNER = 0.2;
/** Commitments made between two looks at the clock. */
const BATCH = 16;

/** Threshold Schnorr signatures (RFC 9591): commitments are handed out before, shares are made with them. */
export function createFrost(context: ServerContext): Craft<'frost'> {
  const { events, clock } = context;
  const pool = createNoncePool(context);
  const budget = createIssueBudget(clock);
  return {
    name: 'frost',
    attemptItems,
    describeAttempt: ({ signers }) => `slots ${signers.join(' ')}`,
    describeAnswer: ({ shares }) => `shares ${shares.length}`,
    assertAttempt,
    cost: ({ signers, commitments }) => commitments.length * (MS_PER_TASK + MS_PER_SIGNER * signers.length),
    async attempt(key, tasks, attempt, pause) {
      const nonces = pool.take(key, ownCommitments(attempt, key));
      if (nonces === null) return 'stale';
      budget.refund(key, nonces.length);
      return signAttempt(attempt, key, tasks, nonces, inSlices(pause));
    },
    async prepare(key, { commitments: wanted }, least, pause) {
      const commitments: NonceCommitment[] = [];
      const afterSlice = inSlices(pause);
      for (let left = budget.grant(key, wanted, least); left > 0; left -= BATCH) {
        const issued = pool.issue(key, Math.min(left, BATCH));
        commitments.push(...issued);
        if (issued.length === 0) break;
        await afterSlice();
      }
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
