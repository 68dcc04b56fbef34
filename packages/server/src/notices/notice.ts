import { encodeHex, formatMoment } from '@ckm/foundation';
import type { AuditLine } from '../audit/audit.js';

/** What a program of the operator's is told, as JSON. Nothing in it is secret; the sentence is what it is about. */
export interface Notice {
  /**
   * `waiting`: for a yes or no. `stopped`: a key, by a wrong share. `exported`: a share of a key was given out. `terms`: other terms of a key wait,
   * are in force, or were stopped. `recovering`: somebody wants an account back. `silence`: the owner of a key has given no sign of life for long, or an heir asks for it.
   * `frozen`: a whole account, by a device of it or by its words.
   */
  readonly event: 'waiting' | 'stopped' | 'exported' | 'terms' | 'recovering' | 'silence' | 'frozen';
  /** The name of this server. */
  readonly server: string;
  /** `2026-11-28 21:05:39 UTC` */
  readonly at: string;
  /** How many requests and ceremonies wait now, this one included. */
  readonly waiting: number;
  /** Others that came since the last notice, and have none of their own. */
  readonly others: number;
  /** First eight hex digits of the request or ceremony, of the key and of the account. */
  readonly id: string;
  readonly key: string;
  readonly account: string;
  /** Null where it must not leave the machine. */
  readonly sentence: string | null;
}

/** What is kept of an entry of the audit log until its notice has gone out. */
export type Occasion = Pick<Notice, 'event' | 'at' | 'id' | 'key' | 'account' | 'sentence'>;

/** What is told though nobody waits for an answer to it. */
const TOLD: Readonly<Record<string, Notice['event']>> = {
  'key.stopped': 'stopped',
  'key.exported': 'exported',
  'terms.propose': 'terms',
  'terms.change': 'terms',
  'terms.stop': 'terms',
  'recovery.begin': 'recovering',
  'silence.warn': 'silence',
  'silence.case': 'silence',
  'silence.doubt': 'silence',
  'silence.grant': 'silence',
  'account.freeze': 'frozen',
};

/** What the operator is told of an entry; null: nothing. */
export function occasionOf({
  deed,
  verdict,
  at,
  subject,
  keyId,
  who,
  sentence,
}: Omit<AuditLine, 'hash' | 'sequence'>): Occasion | null {
  const told = TOLD[deed];
  if (told === undefined && verdict !== 'asked') return null;
  const event = told ?? 'waiting';
  return {
    event,
    at: formatMoment(at),
    id: short(subject),
    key: short(keyId),
    account: short(who),
    sentence,
  };
}

/** What has happened already, and is told whatever else waits. */
export function isGrave({ event }: Pick<Occasion, 'event'>): boolean {
  return event === 'stopped' || event === 'exported';
}

/** What whoever did it would hide behind what he asks for next. */
function isForOthers({ event }: Pick<Occasion, 'event'>): boolean {
  return event === 'terms' || event === 'recovering' || event === 'silence' || event === 'frozen';
}

/**
 * The one notice of all that came since the last one. It names what is grave, else other terms or who wants an account, else the newest: whoever cheated
 * can ask for things afterwards, and must not hide that by it.
 * @param occasions at least one, oldest first
 */
export function noticeOf(
  occasions: readonly Occasion[],
  { server, waiting }: Pick<Notice, 'server' | 'waiting'>,
): Notice {
  const told = occasions.findLast(isGrave) ?? occasions.findLast(isForOthers);
  const { event, at, id, key, account, sentence } = told ?? occasions.at(-1)!;
  return { event, server, at, waiting, others: occasions.length - 1, id, key, account, sentence };
}

function short(id: Uint8Array | null): string {
  return id === null ? '' : encodeHex(id).slice(0, 8);
}
