import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server policy show` */
export function serverPolicyShowCommand(): Command {
  return operatorLeaf('show', 'what is allowed for a key');
}
