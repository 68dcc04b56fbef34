import type { Command } from 'commander';
import { policyChangeCommand } from '../../../operator/policy-change.js';

/** `ckm server policy tighten` */
export function serverPolicyTightenCommand(): Command {
  return policyChangeCommand({
    word: 'tighten',
    summary: 'allow less for a key than its owner does, and than before',
    said: 'it now allows less',
  });
}
