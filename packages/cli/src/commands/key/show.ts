import { type CertifiedKey, type PastDrill, remedyFor } from '@ckm/client';
import { bitcoinAddress, type PublicForm, publicForm } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { exportLines, policyLines, recoveryText } from '../../command-line/policy-flags.js';
import { leaf, run } from '../../command-line/run.js';
import { strictLines } from '../../command-line/strict-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { lookAtKey, orderLines, orderObject } from '../../owner/order-words.js';
import { showQr } from '../../sheet/show-qr.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { wordsOf } from '../../terminal/remedy-words.js';
import type { Terminal } from '../../terminal/terminal.js';

/** `ckm key show NAME` */
export function keyShowCommand(): Command {
  return leaf('show', 'one key: likeness, public key, descriptor or SSH line, policy')
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--qr', 'also the public key as a QR code, on stderr, for a camera')
    .option('--public', 'only the public key in the form its purpose uses: descriptor, SSH line, hex')
    .option('--single', 'with --public: two descriptors, for wallets that do not read <0;1>: receive, change')
    .action(run(show));
}

interface Flags {
  readonly public?: true;
  readonly qr?: true;
  readonly single?: true;
}

async function show(context: Context, name: string, flags: Flags): Promise<void> {
  const { terminal } = context;
  if (flags.single === true && flags.public !== true)
    throw optionInvalid('--single has no meaning without --public', 'add --public, or leave --single out');
  const client = await openOwner(context);
  if (flags.qr === true) await showQr(terminal, publicObject(await client.usableKey(name)).value);
  if (flags.public === true) {
    const form = publicObject(await client.usableKey(name));
    terminal.copied(flags.single === true ? singleLines(form) : form.value, { name, ...form });
    return;
  }
  const certified = await client.showKey(name);
  const policy = await client.knownTerms(name);
  const key = { ...certified, record: { ...certified.record, policy } };
  const { orders, forked } = await lookAtKey(client, name);
  const { history } = await client.pastDrills(name);
  const about = [keyLines(terminal, key), ...drillRows(history), ...forkRows(terminal, name, forked)].join(
    '\n',
  );
  const lines = [about, ...orders.map((order) => orderLines(terminal, order))];
  terminal.result(lines.join('\n\n'), {
    ...keyObject(key),
    drills: history,
    orders: orders.map(orderObject),
    forked,
  });
}

/** Only where servers have seen two certificates of one epoch. */
function forkRows(terminal: Terminal, name: string, forked: readonly string[]): string[] {
  if (forked.length === 0) return [];
  const { command } = wordsOf({ kind: 'settleKey', key: name });
  const text = `  Forked      answers nothing at ${forked.join(', ')}, two certificates of one epoch hold: ${command}`;
  return [terminal.style('red', text)];
}

/** The latest drills, the last one first: only where there were any. */
function drillRows(history: readonly PastDrill[]): string[] {
  return history
    .slice(-3)
    .reverse()
    .map(({ at, server, way, code }, i) => {
      const outcome = way === null ? `failed (${code})` : 'was made again';
      return `  ${(i === 0 ? 'Drilled' : '').padEnd(12)}${server} ${outcome}, ${formatInstant(at, unixNow())}`;
    });
}

export function quorumText({ public: { quorum } }: CertifiedKey): string {
  return `${quorum.needed} of ${quorum.of}`;
}

/** The public half of a key as people hand it on. */
function formOf(key: CertifiedKey): PublicForm {
  const { name, network } = key.record;
  return publicForm({ ...key.context, name, ...(network === null ? {} : { network }) });
}

/** A key that was just made, with what its owner is to compare. */
export function showMade({ terminal }: Context, key: CertifiedKey): void {
  terminal.talk(
    '\n  every operator sees the same likeness for this key with: ckm server keys FOLDER\n' +
      '  compare it with each of them, by phone or in person:\n',
  );
  terminal.result(keyLines(terminal, key), keyObject(key));
}

/** Whether its public half may be shown: every server has stored it, and nobody has seen another likeness. */
export function isHandedOut({ isComplete, record }: CertifiedKey): boolean {
  return isComplete && record.comparison?.outcome !== 'different';
}

function comparisonLine(terminal: Terminal, { record: { name, comparison } }: CertifiedKey): string {
  const { command } = wordsOf({ kind: 'compareKey', key: name });
  if (comparison === undefined) return `  Compared    not yet: ${command}`;
  const when = formatInstant(comparison.at, unixNow());
  if (comparison.outcome === 'same') return `  Compared    the same at every operator, ${when}`;
  return terminal.style('red', `  Compared    an operator sees another likeness, ${when}: ${command}`);
}

/** A key as its owner compares and uses it. Nothing that value could be sent to, until every server has stored it. */
export function keyLines(terminal: Terminal, key: CertifiedKey): string {
  const { record, isComplete } = key;
  return [
    formatLikeness(terminal, record.name, key.transcriptHash),
    '',
    `  Quorum      ${quorumText(key)}`,
    `  For         ${key.purpose} (${key.public.suite})`,
    ...(isHandedOut(key) ? publicLines(key) : []),
    ...policyLines(record.policy).map((line) => `  ${line.slice(0, 8).trim().padEnd(12)}${line.slice(8)}`),
    ...strictRows(key),
    `  Recovery    ${recoveryText(record.policy)}`,
    ...exportRows(key),
    ...(key.newest.params.flags.dealt ? [`  Dealt       ${DEALT}`] : []),
    `  Made        ${formatInstant(record.createdAt, unixNow())}`,
    comparisonLine(terminal, key),
    `  State       ${isComplete ? 'stored by every server' : `not complete: go on with ${wordsOf(remedyFor(record)).command}`}`,
  ].join('\n');
}

/** What its owner has to know of a key that was imported, as long as it lives. */
export const DEALT = 'by its owner: whoever had the original still has it; new shares do not change that';

/** Only of a strict key. */
function strictRows({ newest: { params } }: CertifiedKey): string[] {
  if (!params.flags.strict) return [];
  return rowsUnder('Strict', strictLines(params.quorum));
}

/** Lines of which the first has a label. */
function rowsUnder(label: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `  ${(i === 0 ? label : '').padEnd(12)}${line}`);
}

/** Only of a key that may be exported. */
function exportRows({ newest: { params }, record: { policy } }: CertifiedKey): string[] {
  const { exportable, exported } = params.flags;
  if (!exportable) return [];
  const done = exported ? ['it was given out: whoever has it needs no server'] : [];
  return rowsUnder('Export', [...exportLines(policy), ...done]);
}

function publicLines(key: CertifiedKey): string[] {
  return formOf(key).rows.map(({ label, value }) => `  ${label.padEnd(12)}${value}`);
}

/** For machines: what is handed on, and what kind of text it is. */
function publicObject(key: CertifiedKey): Omit<PublicForm, 'rows'> {
  const { form, value, parts } = formOf(key);
  return { form, value, ...(parts === undefined ? {} : { parts }) };
}

/** @throws UsageError `OPTION_INVALID` where there is only one text */
function singleLines({ parts }: Pick<PublicForm, 'parts'>): string {
  if (parts === undefined)
    throw optionInvalid('--single has no meaning for this key: it has one text only', 'leave --single out');
  return Object.values(parts).join('\n');
}

function addressText(key: CertifiedKey): string {
  return bitcoinAddress(key.public, 'receive', 0, key.record.network ?? 'bitcoin').address;
}

/** The same for machines; `null` for what is not handed out yet. */
export function keyObject(key: CertifiedKey): object {
  const { record, isComplete, newest, transcriptHash, keyId, purpose } = key;
  const isShown = isHandedOut(key);
  const { suite, quorum, groupKey } = key.public;
  return {
    name: record.name,
    keyId,
    purpose,
    suite,
    quorum,
    network: record.network,
    policy: record.policy,
    recovery: record.policy.recovery ?? 'epoch',
    createdAt: record.createdAt,
    groupKey: isShown ? groupKey : null,
    public: isShown ? publicObject(key) : null,
    ...(purpose === 'bitcoin' ? { address: isShown ? addressText(key) : null } : {}),
    transcriptHash,
    likeness: likenessObject(transcriptHash),
    epoch: newest.params.epoch,
    dealt: newest.params.flags.dealt,
    exportable: newest.params.flags.exportable,
    exported: newest.params.flags.exported,
    strict: newest.params.flags.strict,
    isComplete,
    comparison: record.comparison ?? null,
    servers: newest.params.roster.map(({ slot, serverId, url }) => ({ slot, xid: serverId, url })),
  };
}
