import type { ChangeOrder, ChangeView } from '@ckm/api';
import { encodeStatement, type CertifiedEpoch, type Statement } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import { type Deciding, memberOf } from '../deciding.js';
import { findOrder } from '../change-record.js';
import { judgeOrder } from '../guards.js';
import type { ChangeMeans } from '../means.js';
import { encodeLocked, signStatement } from '../votes/statements.js';

/** One sentence for operator and audit log. */
export function sentenceOf(
  { before }: { readonly before: CertifiedEpoch },
  { quorum, epoch }: ChangeOrder,
  byWords = false,
): string {
  const { suite, purpose } = before.params;
  const fewer = byWords
    ? ' By the words of its owner, and decided by fewer servers than ever decide: it may fork.'
    : '';
  return `Change who holds a key (${suite}) for ${purpose} after epoch ${epoch}: ${quorum.needed} of ${quorum.of} servers.${fewer}`;
}

/** Of a server that has no say, or whose epoch is over. */
export const NOTHING_SAID = { attempt: 0, forgot: null, spoken: [], locked: null } as const;

/** What the owner is shown of an order. */
export function viewChange(
  { context, counting }: Pick<ChangeMeans, 'context' | 'counting'>,
  deciding: Deciding,
  hash: Uint8Array,
): ChangeView {
  const order = findOrder(deciding.record, hash);
  const judged = judgeOrder(counting(), deciding, order);
  const { verdict, readyAt, asked, reason } = judged;
  const state = verdict === 'passed' ? 'ready' : verdict === 'over' ? 'over' : 'waiting';
  const byWords = order?.byWords === true ? { byWords: true as const } : {};
  return { ...viewMember(context, deciding), orderHash: hash, state, readyAt, asked, reason, ...byWords };
}

function viewMember(
  context: ServerContext,
  deciding: Deciding,
): Pick<ChangeView, 'attempt' | 'forgot' | 'spoken' | 'locked'> {
  if (deciding.slot === null) return { ...NOTHING_SAID, spoken: [] };
  const { attempt, forgot, promise, lock, yielded, ladder, highest } = memberOf(deciding);
  const own = [promise, lock, yielded].filter((one): one is NonNullable<typeof one> => one !== null);
  const spoken = [
    ...own.map((one: Statement) => signStatement(context, deciding, one)),
    ...ladder.map((one) => encodeStatement(one)),
  ];
  return { attempt, forgot, spoken, locked: encodeLocked(highest, deciding.record.locked) };
}
