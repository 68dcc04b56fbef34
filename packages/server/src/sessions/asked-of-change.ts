import { countVotes, type KeyTerms, noesInWords } from '@ckm/api';
import type { PeopleSaid } from '../context.js';

/** What people whom the terms name for changes leave to be said. */
export interface Missing {
  /** Too many said no. */
  readonly isOver: boolean;
  readonly reason: string;
}

/** Whether somebody has to say yes before others hold a key, before it is given out, and before a freeze of it ends. */
export function asksPeople({ change }: Pick<KeyTerms, 'change'>): boolean {
  return change !== undefined && change.needed > 0;
}

/** As long as what is said of it may be; names are short, and of noes no more than fits is told. */
const MOST_CHARACTERS = 280;

/** By what they have said; null: nothing is left. */
export function missingIn({ change }: Pick<KeyTerms, 'change'>, said: PeopleSaid): Missing | null {
  if (change === undefined || change.needed === 0) return null;
  const { missing, silent, noes, isOver } = countVotes(change, said.votes, said.without);
  if (isOver)
    return {
      isOver,
      reason: `by the terms of the key: ${noesInWords(noes, said.votes)}`.slice(0, MOST_CHARACTERS),
    };
  if (missing === 0) return null;
  const reason = `by the terms of the key ${missing} more of ${silent.join(', ')} have to say yes`;
  return { isOver, reason: reason.slice(0, MOST_CHARACTERS) };
}
