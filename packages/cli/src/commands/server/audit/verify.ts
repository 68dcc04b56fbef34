import type { Command } from 'commander';
import { operatorLeaf } from '../../../operator/operator-leaf.js';

/** `ckm server audit verify` */
export function serverAuditVerifyCommand(): Command {
  return operatorLeaf('verify', 'check the audit log');
}
