import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server init` */
export function serverInitCommand(): Command {
  return operatorLeaf('init', 'make a new server');
}
