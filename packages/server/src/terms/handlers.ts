import type { Handlers, TermsFunctionName } from '../context.js';
import { proposeTerms } from './change-terms.js';
import { learnTerms } from './learn-terms.js';
import type { TermsMeans } from './means.js';
import { showTerms } from './standing.js';
import { vetoTerms } from './veto-terms.js';

/** What `terms.*` does. Keys of somebody else do not exist. */
export function termsHandlers(means: TermsMeans): Handlers<TermsFunctionName> {
  return {
    'terms.show': (call, which) => showTerms(means, call, which),
    'terms.propose': (call, proposed) => proposeTerms(means, call, proposed),
    'terms.veto': (call, veto) => vetoTerms(means, call, veto),
    'terms.learn': (call, brought) => learnTerms(means, call, brought),
  };
}
