import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server audit show` */
export function serverAuditShowCommand(): Command {
  return operatorLeaf('show', 'entries of the audit log');
}
