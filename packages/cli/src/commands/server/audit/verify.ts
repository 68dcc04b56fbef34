import { CkmError, formatMoment, StorageError } from '@ckm/foundation';
import { type OperatorAuditVerification, verifyAuditLog } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { openWithServerPassphrase } from '../../../operator/passphrase-bytes.js';

type Gap = Extract<OperatorAuditVerification, { ok: true }>['gaps'][number];

/** `ckm server audit verify` */
export function serverAuditVerifyCommand(): Command {
  return operatorLeaf('verify', 'check that nobody changed, cut or exchanged the audit log', {
    74: 'somebody did',
  }).action(run(verify));
}

async function verify(context: Context, folder: string): Promise<void> {
  const verification = await verifyWherever(context, folder);
  if (!verification.ok) throw broken(verification);
  const { entries, head, gaps } = verification;
  const last = gaps.at(-1);
  if (last === undefined) {
    context.terminal.result(`the audit log holds: ${entries} entries, head ${head}`, verification);
    return;
  }
  const since = `the audit log holds from entry ${last.sequence} to ${entries}, head ${head}`;
  context.terminal.result(`${since}\n${gaps.map(gapLine).join('\n')}`, verification);
  context.terminal.talk(`look: ckm server audit show ${folder} --from ${last.sequence}`);
}

function gapLine({ sequence, at, detail }: Gap): string {
  return `entries are missing before entry ${sequence}, of ${formatMoment(at)}: ${detail}`;
}

/** A running server is asked; of one that does not run, the files are read. */
async function verifyWherever(context: Context, folder: string): Promise<OperatorAuditVerification> {
  try {
    return await operatorOf(folder).verifyAudit();
  } catch (error) {
    if (!isCode(error, 'SERVER_NOT_RUNNING')) throw error;
  }
  const dataDir = resolve(folder);
  const verifyUnder = () =>
    openWithServerPassphrase(context, (passphrase) => verifyAuditLog({ dataDir, passphrase }));
  if (context.flags.passphraseFile !== undefined) return verifyUnder();
  try {
    return await verifyAuditLog({ dataDir });
  } catch (error) {
    // Only now is it known that this server's key lies under a passphrase.
    if (!isCode(error, 'PASSPHRASE_WRONG')) throw error;
    return verifyUnder();
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
