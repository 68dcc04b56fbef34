import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server accounts resume` */
export function serverAccountsResumeCommand(): Command {
  return operatorLeaf('resume', 'answer an account again');
}
