import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server start` */
export function serverStartCommand(): Command {
  return operatorLeaf('start', 'run a server until it is told to stop');
}
