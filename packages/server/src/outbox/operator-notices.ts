import type { Data } from '@ckm/gordian';
import type { AuditLine } from '../audit/audit.js';
import type { MailConfig, NotifyConfig } from '../config/config.js';
import type { Events } from '../events.js';
import { callWebhook } from '../notices/call-webhook.js';
import { isGrave, type Notice, noticeOf, type Occasion, occasionOf } from '../notices/notice.js';
import { canWait, isQuiet } from '../notices/quiet-hours.js';
import { runCommand } from '../notices/run-command.js';
import type { Transaction } from '../storage/storage.js';
import type { Outbox } from './outbox.js';
import { sendMail } from './smtp.js';
import { mailOf } from './texts.js';
import type { Way } from './way.js';

export interface NoticeMeans {
  readonly config: NotifyConfig;
  readonly mail: MailConfig | null;
  /** The server's name. */
  readonly name: string;
  countWaiting(): Promise<number>;
}

/** As many as may wait, grave ones included: what came since the last notice is one. */
const MOST_OCCASIONS = 2_000;
/** So many grave ones are kept where so many others wait that no more of those are. */
const MORE_GRAVE = 1_000;

/** How the operator is told, outside of the server, that something waits: one notice at a time, not more often than he wishes. */
export function operatorWays(means: NoticeMeans): ReadonlyMap<string, Way> {
  const { config, mail } = means;
  const { command, webhook, everySeconds } = config;
  const ways = new Map<string, Way>();
  // A program of the operator's decides for itself when it says something to whom.
  const isLater = (contents: readonly Data[], now: number) =>
    isQuiet(config, now) && (contents as unknown as readonly Occasion[]).every(canWait);
  const add = (name: string, send: (notice: Notice, signal: AbortSignal) => Promise<void>) =>
    ways.set(name, {
      most: MOST_OCCASIONS,
      everySeconds,
      ...(name === 'command' ? {} : { isLater }),
      send: async (contents, signal) => {
        const waiting = await means.countWaiting();
        // Written by `noticeLater`, and sealed since.
        const occasions = contents as unknown as readonly Occasion[];
        await send(noticeOf(occasions, { server: means.name, waiting }), signal);
      },
    });
  if (command !== null) add('command', (notice, signal) => runCommand(command, notice, signal));
  if (webhook !== null) add('webhook', (notice, signal) => callWebhook(webhook, notice, signal));
  if (mail !== null && mail.to !== null) {
    const { to } = mail;
    add('mail', (notice, signal) => sendMail(mail, { to, ...mailOf(notice) }, signal));
  }
  return ways;
}

/** What a way may carry of a sentence: whoever has the address of a webhook reads it. */
function carried({ webhook }: NotifyConfig, way: string, occasion: Occasion): Occasion {
  const isWhole = way === 'command' || (way === 'webhook' && webhook?.sentence === true);
  return isWhole ? occasion : { ...occasion, sentence: null };
}

/**
 * Keeps a notice of an entry of the audit log, in its transaction, for each way there is.
 * @param owner the server itself
 */
export async function noticeLater(
  outbox: Outbox,
  {
    config,
    events,
    owner,
  }: {
    readonly config: NotifyConfig;
    readonly events: Pick<Events, 'noticeFailed'>;
    readonly owner: Uint8Array;
  },
  ways: Iterable<string>,
  transaction: Transaction,
  line: Omit<AuditLine, 'hash' | 'sequence'>,
): Promise<void> {
  const occasion = occasionOf(line);
  if (occasion === null) return;
  for (const way of ways) {
    const content = carried(config, way, occasion) as unknown as Data;
    const isKept = await outbox.put(transaction, { owner, way, content }, isGrave(occasion) ? MORE_GRAVE : 0);
    if (!isKept) events.noticeFailed({ way, code: 'OUTBOX_FULL' });
  }
}
