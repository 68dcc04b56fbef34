import type { Command } from 'commander';
import { operatorLeaf } from '../../operator/operator-leaf.js';

/** `ckm server unseal` */
export function serverUnsealCommand(): Command {
  return operatorLeaf('unseal', 'open a sealed server with its passphrase');
}
