import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server stop` */
export function serverStopCommand(): Command {
  return operatorLeaf('stop', 'stop a running server');
}
