import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server invite create` */
export function serverInviteCreateCommand(): Command {
  return operatorLeaf('create', 'invite somebody to open an account');
}
