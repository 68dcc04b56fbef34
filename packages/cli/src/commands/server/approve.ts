import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server approve` */
export function serverApproveCommand(): Command {
  return operatorLeaf('approve', 'let a waiting request be signed');
}
