import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server policy tighten` */
export function serverPolicyTightenCommand(): Command {
  return operatorLeaf('tighten', 'allow less for a key');
}
