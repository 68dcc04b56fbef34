import type { KeyStatus, ServerStatus, Status } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatRemedy, wordsOf } from '../terminal/remedy-words.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** `ckm status` */
export function statusCommand(): Command {
  return leaf('status', 'everything on one screen').action(run(status));
}

async function status(context: Context): Promise<void> {
  const { terminal } = context;
  const found = await (await openOwner(context)).status();
  terminal.result(statusText(terminal, found), found);
}

function statusText(terminal: Terminal, { servers, keys, openSessions, openRequests }: Status): string {
  const now = unixNow();
  const sections = [
    heading(
      terminal,
      'Servers',
      servers.map((server) => serverRow(terminal, server)),
      'none yet: ckm server add NAME URL',
    ),
    heading(
      terminal,
      'Keys',
      keys.map((key) => keyRow(terminal, key)),
      'none yet: ckm key create NAME',
    ),
    heading(
      terminal,
      'Open sessions',
      openSessions.map((one) => [one.id, one.title, `expires ${formatInstant(one.expiresAt, now)}`]),
      'none',
    ),
    heading(
      terminal,
      'Open requests',
      openRequests.map((one) => [
        one.id,
        one.key,
        plainText(one.title),
        `expires ${formatInstant(one.expiresAt, now)}`,
      ]),
      'none',
    ),
  ];
  return sections.join('\n\n');
}

function heading(
  terminal: Terminal,
  title: string,
  rows: readonly (readonly string[])[],
  none: string,
): string {
  return `${terminal.style('bold', title)}\n${rows.length === 0 ? `  ${none}` : formatTable(rows, '  ')}`;
}

function serverRow(
  terminal: Terminal,
  { name, isReachable, answerMs, version, url, arithmetic, unrecorded, problem }: ServerStatus,
): string[] {
  if (problem?.code === 'MESSAGE_NOT_AUTHENTICATED') return [name, 'does not know you any more', '', '', url];
  if (!isReachable) return [name, 'does not answer', problem?.code ?? '', '', url];
  const more = `${unrecorded} ${unrecorded === 1 ? 'key' : 'keys'} of yours not on record: ckm key fetch`;
  const row = [name, `answers in ${answerMs} ms`, version ?? '', gradesText(terminal, arithmetic), url];
  if (problem !== null) return [...row, terminal.style('red', `${problem.text}: ckm doctor`)];
  return unrecorded === 0 ? row : [...row, terminal.style('yellow', more)];
}

/** How a server computes with shares: `native`, `wasm`, or in a time that depends on them. */
function gradesText(terminal: Terminal, arithmetic: ServerStatus['arithmetic']): string {
  const grades = [...new Set(arithmetic?.map(({ grade }) => grade))];
  if (grades.includes('bigint')) return terminal.style('yellow', 'slow arithmetic: ckm doctor');
  return grades.join(' + ');
}

function keyRow(terminal: Terminal, key: KeyStatus): string[] {
  const { name, id, purpose, quorum, reachable, lost, stopped } = key;
  return [
    name,
    purpose,
    `${quorum.needed} of ${quorum.of}`,
    `${reachable.length} answer`,
    marginText(terminal, key),
    ...(lost.length === 0
      ? []
      : [terminal.style('red', `${lost.join(', ')} has lost its share: ckm key restore ${name}`)]),
    ...(stopped.length === 0
      ? []
      : [
          terminal.style(
            'red',
            `stopped at ${stopped.join(', ')} by a wrong share: ${formatRemedy({ kind: 'releaseKey', id })}`,
          ),
        ]),
  ];
}

function marginText(terminal: Terminal, { margin, isMarginLow, remedy }: KeyStatus): string {
  if (remedy !== null) return terminal.style('yellow', `not complete: ${wordsOf(remedy).command}`);
  if (margin < 0) return terminal.style('red', 'cannot sign');
  const failures = margin === 1 ? '1 more failure' : `${margin} more failures`;
  const text = margin === 0 ? 'no more may fail' : `${failures} before signing stops`;
  return isMarginLow ? terminal.style('yellow', text) : text;
}
