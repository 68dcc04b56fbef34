import { CkmError, StorageError } from '@ckm/foundation';
import { type OperatorAuditVerification, verifyAuditLog } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { askServerPassphrase } from '../../../operator/passphrase-bytes.js';

/** `ckm server audit verify` */
export function serverAuditVerifyCommand(): Command {
  return operatorLeaf('verify', 'check that nobody changed, cut or exchanged the audit log', {
    74: 'somebody did',
  }).action(run(verify));
}

async function verify(context: Context, folder: string): Promise<void> {
  const verification = await verifyWherever(context, folder);
  if (!verification.ok) throw broken(verification);
  const { entries, head } = verification;
  context.terminal.result(`the audit log holds: ${entries} entries, head ${head}`, verification);
}

/** A running server is asked; of one that does not run, the files are read. */
async function verifyWherever(context: Context, folder: string): Promise<OperatorAuditVerification> {
  try {
    return await operatorOf(folder).verifyAudit();
  } catch (error) {
    if (!isCode(error, 'SERVER_NOT_RUNNING')) throw error;
  }
  const dataDir = resolve(folder);
  const given = context.flags.passphraseFile !== undefined;
  try {
    return await verifyAuditLog(
      given ? { dataDir, passphrase: await askServerPassphrase(context) } : { dataDir },
    );
  } catch (error) {
    // Only now is it known that this server's key lies under a passphrase.
    if (given || !isCode(error, 'PASSPHRASE_WRONG')) throw error;
    return verifyAuditLog({ dataDir, passphrase: await askServerPassphrase(context) });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof CkmError && error.code === code;
}

function broken({ entries, brokenAt, why }: Extract<OperatorAuditVerification, { ok: false }>): StorageError {
  return new StorageError(`the audit log does not hold at entry ${brokenAt}: ${why}`, {
    code: 'AUDIT_BROKEN',
    hint: 'keep the database as it is, find out who could write to it, and restore a backup',
    facts: { entries, brokenAt, why },
  });
}
