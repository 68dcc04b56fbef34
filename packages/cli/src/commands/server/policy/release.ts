import type { Command } from 'commander';
import { policyLiftingCommand } from '../../../operator/policy-lifting.js';

/** `ckm server policy release` */
export function serverPolicyReleaseCommand(): Command {
  return policyLiftingCommand({
    word: 'release',
    summary: 'answer again for a key that was stopped by a wrong share',
    lifted: (before) => ({ ...before, tightening: { ...before.tightening, stoppedAt: null } }),
  });
}
