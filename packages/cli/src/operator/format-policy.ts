import type { OperatorKeyPolicy } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { formatTable } from '../terminal/table.js';

/** What the owner allowed, what the operator took away from it: side by side. */
export function formatPolicy({ keyId, owner, purpose, state, owned, tightening }: OperatorKeyPolicy): string {
  return [
    `key ${keyId}`,
    `    ${purpose}, ${state}, account ${owner.slice(0, 8)}`,
    '',
    formatTable(
      [
        ['', 'its owner allows', 'you allow'],
        ['kinds', owned.kinds.join(', '), tightening.kinds?.join(', ') ?? 'all'],
        ['rate', rate(owned.rateLimit), rate(tightening.rateLimit)],
        ['until', until(owned.expiresAt), until(tightening.expiresAt)],
        ['blind signing', yesOrNo(owned.blindAllowed), yesOrNo(tightening.blindAllowed)],
        ['approval', owned.approval, tightening.approval],
      ],
      '  ',
    ),
    '',
    '  A request must be allowed by both.',
  ].join('\n');
}

function rate(limit: { readonly count: number; readonly perSeconds: number } | null): string {
  return limit === null ? 'any' : `${limit.count} in ${limit.perSeconds} s`;
}

function until(at: number | null): string {
  return at === null ? 'always' : formatInstant(at, unixNow());
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}
