import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server invite list` */
export function serverInviteListCommand(): Command {
  return operatorLeaf('list', 'invites and who used them');
}
