import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server requests` */
export function serverRequestsCommand(): Command {
  return operatorLeaf('requests', 'requests that wait for you');
}
