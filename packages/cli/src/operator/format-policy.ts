import { decodeHex } from '@ckm/foundation';
import type { OperatorKeyPolicy } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { formatLikeness } from '../terminal/likeness.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** What the owner allowed, what the operator took away from it, for this key and for every key: side by side. */
export function formatPolicy(terminal: Terminal, key: OperatorKeyPolicy): string {
  const { keyId, owner, purpose, suite, quorum, slot, state, transcriptHash, owned, tightening, server } =
    key;
  return [
    `key ${keyId}`,
    `    ${purpose} (${suite}), ${state}, ${quorum.needed} of ${quorum.of}, slot ${slot}, account ${owner.slice(0, 8)}`,
    '',
    ...(transcriptHash === null
      ? []
      : [formatLikeness(terminal, keyId.slice(0, 8), decodeHex(transcriptHash)), '']),
    formatTable(
      [
        [
          '',
          'its owner allows',
          'you allow for it',
          `this server allows${server.name === null ? '' : ` (${server.name})`}`,
        ],
        ['kinds', owned.kinds.join(', '), kinds(tightening.kinds), kinds(server.kinds)],
        ['rate', rate(owned.rateLimit), rate(tightening.rateLimit), rate(server.rateLimit)],
        ['until', until(owned.expiresAt), until(tightening.expiresAt), until(null)],
        [
          'blind signing',
          yesOrNo(owned.blindAllowed),
          yesOrNo(tightening.blindAllowed),
          yesOrNo(server.blindAllowed),
        ],
        ['approval', owned.approval, tightening.approval, server.approval],
      ],
      '  ',
    ),
    '',
    ...(tightening.stoppedAt === null
      ? []
      : [
          `  Stopped since ${formatInstant(tightening.stoppedAt, unixNow())}: a share computed here was wrong. Look at the machine;`,
          '  then: ckm server policy release FOLDER KEY',
          '',
        ]),
    '  A request must be allowed by all three. What this server allows any key is "policy" in its config.json.',
  ].join('\n');
}

function kinds(names: readonly string[] | null): string {
  return names === null ? 'all' : names.join(', ');
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
