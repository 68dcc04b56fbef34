import type { Command } from 'commander';
import { policyChangeCommand } from '../../../operator/policy-change.js';

/** `ckm server policy loosen` */
export function serverPolicyLoosenCommand(): Command {
  return policyChangeCommand({
    word: 'loosen',
    summary: 'take back what was tightened; never more than the owner allows',
    said: 'it now allows more',
  });
}
