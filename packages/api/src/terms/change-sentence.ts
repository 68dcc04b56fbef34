import { partsLoosened, type TermsPart } from './compare.js';
import type { FactTable } from './facts.js';
import type { KeyTerms } from './schema.js';
import { termsSentences } from './sentence.js';
import { isSettling, versionOf } from './statement.js';

/** What a part is called where a change loosens it, or may. */
const PARTS: Readonly<Record<TermsPart, string>> = {
  kinds: 'kinds of requests',
  rateLimit: 'how many requests there may be',
  expiresAt: 'when the key expires',
  blindAllowed: 'what cannot be described',
  approval: 'what operators are asked',
  changes: 'who agrees to other servers',
  changeDelay: 'how long other servers wait',
  recovery: 'how a lost share comes back',
  approvals: 'rules for requests',
  change: 'how the terms change',
  silence: 'heirs',
  ownerKey: 'the key of the owner',
  approvers: 'approvers',
};

/**
 * A change of terms in sentences, for whoever is to say yes or no to it: whether it is provably tighter, what is no longer said, and what is
 * new. The same everywhere, out of the bytes of both.
 * @param table `REQUEST_FACTS` of `@ckm/requests`
 */
export function termsChangeSentences(before: KeyTerms, after: KeyTerms, table: FactTable): readonly string[] {
  // The first says which terms they are.
  const [, ...old] = termsSentences(before, table);
  const [, ...now] = termsSentences(after, table);
  const loosened = partsLoosened(before, after, table).map((part) => PARTS[part]);
  const settles = isSettling({ version: versionOf(after) }, before);
  const others = settles ? ', and of whatever servers have put in force since' : '';
  // Which server has tightened what is not in these bytes.
  const sinceTightened = settles
    ? '; where servers have tightened those since, they may let in more than now'
    : '';
  return [
    `Terms ${versionOf(after)} in the place of terms ${versionOf(before)}${others}`,
    loosened.length === 0
      ? `They let in no request that ${settles ? `terms ${versionOf(before)}` : 'those'} did not${sinceTightened}`
      : `They may let in more, or bind its owner in another way, by: ${loosened.join(', ')}`,
    ...old.filter((sentence) => !now.includes(sentence)).map((sentence) => `No longer: ${sentence}`),
    ...now.filter((sentence) => !old.includes(sentence)).map((sentence) => `New: ${sentence}`),
  ];
}
