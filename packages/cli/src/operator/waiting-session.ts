import { CkmError, UsageError } from '@ckm/foundation';
import type { Operator, OperatorSession } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { wrapText } from '../terminal/wrap-text.js';

/** Digits of an id that people are shown; the first ones of it name a ceremony. */
const SHOWN = 8;

/** Every ceremony that waits for the operator, by id. */
export async function listWaitingSessions(operator: Operator): Promise<OperatorSession[]> {
  const all: OperatorSession[] = [];
  for (let after = {}; ;) {
    const { sessions, next } = await operator.sessions(after);
    all.push(...sessions);
    if (next === null) return all;
    after = next;
  }
}

/**
 * The ceremony that an operator means: the one that waits under an id beginning like that; null: there is none, or more
 * than one, and a request may be meant.
 * @throws UsageError `REQUEST_AMBIGUOUS` when a request waits under such an id too: whoever asks chooses the ids of both
 */
export async function findWaitingSession(operator: Operator, id: string): Promise<OperatorSession | null> {
  const prefix = id.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) return null;
  const [found, ...more] = (await listWaitingSessions(operator)).filter(({ sessionId }) =>
    sessionId.startsWith(prefix),
  );
  if (found === undefined || more.length > 0) return null;
  if (await isRequestWaiting(operator, prefix)) {
    throw new UsageError('a request and a ceremony wait under ids that begin like that', {
      code: 'REQUEST_AMBIGUOUS',
      hint: 'give more digits; where all are alike, reject the request of that account first',
    });
  }
  return found;
}

async function isRequestWaiting(operator: Operator, prefix: string): Promise<boolean> {
  try {
    await operator.request({ requestId: prefix });
    return true;
  } catch (error) {
    if (error instanceof CkmError && /^(Usage|State)Error$/.test(error.errorClass)) return false;
    throw error;
  }
}

/** As people read it: the sentence first, then what it is about. */
export function formatWaitingSession({
  sessionId,
  sentence,
  kind,
  keyId,
  owner,
  asked,
  readyAt,
  createdAt,
  expiresAt,
}: OperatorSession): string {
  const now = unixNow();
  const delay =
    readyAt === null ? '' : `its delay is over ${formatInstant(readyAt, now)} if the server runs on`;
  return [
    `${sessionId.slice(0, SHOWN)}  ${sentence}`,
    `${kind} · account ${owner.slice(0, SHOWN)} · asked ${formatInstant(createdAt, now)}`,
    `expires ${formatInstant(expiresAt, now)}`,
    `key ${keyId}`,
    ...(asked ? [] : ['does not wait for you']),
    ...(delay === '' ? [] : [delay]),
  ].join(`\n${' '.repeat(SHOWN + 2)}`);
}

/** What a yes means, and what an operator finds out before he gives it. */
export function adviceOn({ kind, sentence }: OperatorSession, columns: number | undefined): string {
  const ofRepair = sentence.startsWith('Say ') ? LOSS : HELP;
  const text = kind === 'repair' ? ofRepair : kind === 'export' ? EXPORT : '';
  return text === '' ? '' : wrapText(text, columns, '  ');
}

const LOSS =
  'Say yes only if the share is really gone, and you know the owner of the account above: it is this account that will have the key here. ' +
  'The others give the share back to this server alone; whoever may have taken the old one still has it: the key should be refreshed afterwards.';
const EXPORT =
  'Say yes only if the owner of the account above tells you so, and the six words, in person or by phone: whoever holds the owner’s computer can ask for this. ' +
  'What leaves cannot be taken back: with enough shares the whole key is outside, and no server is asked any more.';
const HELP =
  'Ask the operator of that server, or the owner, by another way than this one. Say nothing, and this server helps after 24 hours; ' +
  'say no, and it does not.';
