import type { Command } from 'commander';
import { policyLiftingCommand } from '../../../operator/policy-lifting.js';

/** `ckm server policy thaw` */
export function serverPolicyThawCommand(): Command {
  return policyLiftingCommand({
    word: 'thaw',
    summary: 'end the freeze of a key by its owner before its time',
    lifted: (before) => ({ ...before, frozen: null }),
  });
}
