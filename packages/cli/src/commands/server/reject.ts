import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server reject` */
export function serverRejectCommand(): Command {
  return operatorLeaf('reject', 'refuse a waiting request');
}
