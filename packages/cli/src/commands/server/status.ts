import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server status` */
export function serverStatusCommand(): Command {
  return operatorLeaf('status', 'how a running server is');
}
