import { decodeHex, formatSpan } from '@ckm/foundation';
import type { OperatorKeyPolicy } from '@ckm/server';
import { CHANGE_DELAYS } from '../command-line/policy-flags.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatLikeness } from '../terminal/likeness.js';
import { formatUnderHeads } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** What the owner allowed, what the operator took away from it, for this key and for every key: side by side. */
export function formatPolicy(terminal: Terminal, key: OperatorKeyPolicy): string {
  const { keyId, owner, purpose, suite, quorum, slot, state, transcriptHash, owned, tightening, server } =
    key;
  const { frozen, terms, thawWaits } = key;
  return [
    `key ${keyId}`,
    `    ${purpose} (${suite}), ${state}, ${quorum.needed} of ${quorum.of}, slot ${slot}, account ${owner.slice(0, 8)}`,
    '',
    ...(transcriptHash === null
      ? []
      : [formatLikeness(terminal, keyId.slice(0, 8), decodeHex(transcriptHash)), '']),
    formatUnderHeads(
      // Few letters: where nothing long stands below, all of it stands on a line of 60 columns.
      ['allowed by', 'its owner', 'you', `this server${server.name === null ? '' : ` (${server.name})`}`],
      [
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
        [
          'delay of changes',
          formatSpan(owned.changeDelay ?? CHANGE_DELAYS['24h']),
          delay(tightening.changeDelay),
          delay(server.changeDelay),
        ],
      ],
      terminal.columns,
      '  ',
    ),
    '',
    ...(terms.length === 0 ? [] : [...terms.map((sentence) => `  ${sentence}.`), '']),
    ...(tightening.stoppedAt === null
      ? []
      : [
          `  Stopped since ${formatInstant(tightening.stoppedAt, unixNow())}: a share computed here was wrong. Look at the machine;`,
          '  then: ckm server policy release FOLDER KEY',
          '',
        ]),
    ...(frozen === null
      ? []
      : [
          `  Frozen by ${plainText(frozen.by)} until ${formatInstant(frozen.until, unixNow())}.`,
          ...(frozen.thawAskedAt === null
            ? []
            : [
                `  Asked ${formatInstant(frozen.thawAskedAt, unixNow())} to be thawed. Hear it from the owner in person: whoever has his`,
                '  laptop can ask too. Then: ckm server policy thaw FOLDER KEY',
              ]),
          ...(thawWaits === null ? [] : [`  Its end waits for people besides you: ${thawWaits}.`]),
          '',
        ]),
    '  A request must be allowed by all three. What this server allows any key is "policy" in its config.json.',
  ].join('\n');
}

/** What differs between two states of a key's policy, in one line: `rate 1 in 1 h → any`. */
export function describeChanges(before: OperatorKeyPolicy, after: OperatorKeyPolicy): string {
  const [was, is] = [wordsOf(before.tightening), wordsOf(after.tightening)];
  const changed = Object.entries(is).filter(([name, value]) => was[name] !== value);
  return changed.length === 0
    ? 'nothing has changed'
    : changed.map(([name, value]) => `${name} ${was[name]} → ${value}`).join(', ');
}

function wordsOf(taken: OperatorKeyPolicy['tightening']): Readonly<Record<string, string>> {
  return {
    kinds: kinds(taken.kinds),
    rate: rate(taken.rateLimit),
    until: until(taken.expiresAt),
    'blind signing': yesOrNo(taken.blindAllowed),
    approval: taken.approval,
    'delay of changes': delay(taken.changeDelay),
  };
}

function delay(seconds: number): string {
  return seconds === 0 ? 'none' : formatSpan(seconds);
}

function kinds(names: readonly string[] | null): string {
  return names === null ? 'all' : names.join(', ');
}

function rate(limit: { readonly count: number; readonly perSeconds: number } | null): string {
  return limit === null ? 'any' : `${limit.count} in ${formatSpan(limit.perSeconds)}`;
}

function until(at: number | null): string {
  return at === null ? 'always' : formatInstant(at, unixNow());
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}
