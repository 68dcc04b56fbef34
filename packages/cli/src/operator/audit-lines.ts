import { formatMoment } from '@ckm/foundation';
import type { OperatorAuditLine } from '@ckm/server';
import { deedWords } from './deed-words.js';

/**
 * The audit log as people read it, one line each: what became of it, the sentence people were shown, and facts. Rounds of
 * one ceremony are one line, where its first round is.
 */
export function formatAudit(lines: readonly OperatorAuditLine[]): string {
  return lines
    .flatMap((line) => {
      const folded = line.deed === ROUND ? lines.filter((other) => isRoundOf(line, other)) : [line];
      return folded[0] === line ? [formatLine(line, folded)] : [];
    })
    .join('\n');
}

function isRoundOf({ subject }: OperatorAuditLine, other: OperatorAuditLine): boolean {
  return other.deed === ROUND && other.subject === subject;
}

const ROUND = 'session.round';

/**
 * One entry in one line.
 * @param hasSentence else it says what sort of thing was done, and nothing that people wrote or were shown; it has no default,
 * because Node's `isTTY` of a pipe is undefined
 */
export function formatDeed(line: OperatorAuditLine, hasSentence: boolean): string {
  if (hasSentence) return deedLine(line, [line]);
  const bare = { ...line, sentence: deedWords(line.deed), policy: '', detail: '' };
  // What became of it is read out of the detail.
  return deedLine(bare, [bare], deedOf(line));
}

function formatLine(line: OperatorAuditLine, folded: readonly OperatorAuditLine[]): string {
  return `${String(line.sequence).padStart(5)}  ${deedLine(line, folded)}`;
}

function deedLine(
  line: OperatorAuditLine,
  folded: readonly OperatorAuditLine[],
  became = deedOf(line),
): string {
  const { at, sentence, deed, who, keyId, subject, policy } = line;
  const more = [
    BY[deed] ?? '',
    who === null ? '' : `account ${who.slice(0, 8)}`,
    keyId === null ? '' : `key ${keyId.slice(0, 8)}`,
    subject === null ? '' : `${subjectOf(deed)} ${subject.slice(0, 8)}`,
    policy,
    deed === ROUND ? roundsOf(folded) : line.detail,
  ].filter((part) => part !== '');
  const tail = more.length === 0 ? '' : `  (${more.join(' · ')})`;
  return formatLogLine(at, became, `${sentence}${tail}`);
}

/** One line of a log. @param at UnixSeconds */
export function formatLogLine(at: number, what: string, text: string): string {
  return `${formatMoment(at)}  ${what.padEnd(11)}  ${text}`;
}

/** What the ends of requests and ceremonies are called; else the verdict says it. */
const ENDS: Readonly<Record<string, string>> = {
  'request.cancel': 'cancelled',
  'request.expired': 'expired',
  'session.proposed': 'asked',
  'session.accepted': 'takes part',
  'session.running': 'begun',
  'session.round': 'went on',
  'session.finished': 'finished',
  'session.aborted': 'failed',
  'session.expired': 'expired',
  'session.cancelled': 'cancelled',
  'session.rejected': 'refused',
  'key.stopped': 'stopped',
  'key.exported': 'exported',
  'key.freeze': 'frozen',
  'terms.propose': 'proposed',
  'terms.change': 'in force',
  'terms.stop': 'stopped',
  'terms.twice': 'kept',
  'approval.ask': 'people',
  'approval.yes': 'yes',
  'approval.no': 'no',
  'approval.take-back': 'taken back',
  'operator.thaw': 'thawed',
  'server.rollback': 'went back',
};

const BY: Readonly<Record<string, string>> = {
  'request.cancel': 'by its owner',
  'operator.approve': 'by the operator',
  'operator.reject': 'by the operator',
};

function deedOf({ deed, verdict, detail }: OperatorAuditLine): string {
  const isAttempt = deed === 'request.attempt' || deed === 'request.ask';
  // An attempt that came to nothing has a code, or other words, in the place of the shares.
  if (isAttempt && verdict === 'allowed' && /: shares \d+$/.test(detail)) return 'share given';
  return ENDS[deed] ?? verdict;
}

/** `rounds 1 to 3`, and where the others stand. */
function roundsOf(lines: readonly OperatorAuditLine[]): string {
  const numbers = lines.map(({ detail }) => detail.replace(/^round /, ''));
  if (numbers.length === 1) return `round ${numbers[0]}`;
  return `rounds ${numbers[0]} to ${numbers.at(-1)}, until entry ${lines.at(-1)!.sequence}`;
}

/** What the id of an entry names. */
function subjectOf(deed: string): string {
  if (deed.startsWith('request.') || deed === 'key.stopped') return 'request';
  if (deed.startsWith('approval.')) return 'matter';
  if (deed === 'operator.approve' || deed === 'operator.reject') return 'request';
  if (deed === 'operator.invite' || deed === 'operator.revoke') return 'invite';
  return 'session';
}
