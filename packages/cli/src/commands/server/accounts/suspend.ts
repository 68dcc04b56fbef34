import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server accounts suspend` */
export function serverAccountsSuspendCommand(): Command {
  return operatorLeaf('suspend', 'answer an account no more');
}
