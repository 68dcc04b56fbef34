import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server accounts list` */
export function serverAccountsListCommand(): Command {
  return operatorLeaf('list', 'accounts on a server');
}
