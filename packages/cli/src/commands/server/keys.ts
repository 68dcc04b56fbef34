import { decodeHex } from '@ckm/foundation';
import type { Operator, OperatorKey, OperatorKeyCursor } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { likenessLine, likenessObject } from '../../terminal/likeness.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm server keys` */
export function serverKeysCommand(): Command {
  return operatorLeaf('keys', 'the keys this server has a share of, with their likeness').action(run(keys));
}

async function keys({ terminal }: Context, folder: string): Promise<void> {
  const { all, unreadable } = await listKeys(operatorOf(folder));
  for (const { keyId, owner } of unreadable) {
    terminal.warn(
      `key ${keyId.slice(0, 8)} of account ${owner.slice(0, 8)} cannot be read: its row was changed (ROW_TAMPERED)`,
    );
  }
  const now = unixNow();
  const rows = all.map((key) => [
    key.keyId.slice(0, 8),
    `${key.purpose} (${key.suite})`,
    `${key.quorum.needed} of ${key.quorum.of}, slot ${key.slot}`,
    key.transcriptHash === null ? 'waits for its certificate' : likenessLine(decodeHex(key.transcriptHash)),
    `account ${key.owner.slice(0, 8)}`,
    `since ${formatInstant(key.createdAt, now)}`,
    key.stoppedAt === null
      ? ''
      : terminal.style('red', `stopped ${formatInstant(key.stoppedAt, now)} by a wrong share`),
    frozenText(key, now),
    exportText(terminal, key, now),
  ]);
  terminal.result(formatTable(rows), all.map(keyObject));
  if (all.length === 0) terminal.talk('no keys yet');
  else if (all.some(({ stoppedAt }) => stoppedAt !== null))
    terminal.talk(`once the machine is in order: ckm server policy release ${folder} KEY`);
  else terminal.talk(`what is allowed for one: ckm server policy show ${folder} KEY`);
}

function exportText(terminal: Context['terminal'], key: OperatorKey, now: number): string {
  const { exportedAt, isExportedElsewhere } = key;
  if (exportedAt !== null)
    return terminal.style('red', `exported ${formatInstant(exportedAt, now)}: its share left this server`);
  return isExportedElsewhere ? terminal.style('red', 'exported: shares left its other servers') : '';
}

function frozenText({ frozen }: OperatorKey, now: number): string {
  if (frozen === null) return '';
  const asked = frozen.thawAskedAt === null ? '' : '; asks to be thawed: ckm server policy show';
  return `frozen by ${plainText(frozen.by)} until ${formatInstant(frozen.until, now)}${asked}`;
}

/** All of them, page by page. */
export async function listKeys(operator: Operator) {
  const all: OperatorKey[] = [];
  const unreadable: OperatorKeyCursor[] = [];
  for (let after = {}; ;) {
    const page = await operator.keys(after);
    all.push(...page.keys);
    unreadable.push(...page.unreadable);
    const { next } = page;
    if (next === null) return { all, unreadable };
    after = next;
  }
}

function keyObject(key: OperatorKey): unknown {
  const { transcriptHash } = key;
  return {
    ...key,
    likeness: transcriptHash === null ? null : likenessObject(decodeHex(transcriptHash)),
  };
}
