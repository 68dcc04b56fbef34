import type { Facts, FactTypes } from '../facts.js';
import type { GitRequest } from './parse.js';

export const GIT_FACTS: FactTypes = {
  form: { is: 'text', noun: 'form' },
  repository: { is: 'text', noun: 'repository' },
};

/**
 * `form`: `commit`, `tag` or `push`. `repository`: what a push certificate names, letter by letter; a commit or a tag can be put into any
 * repository, and a certificate may name none.
 */
export function gitFacts(typed: GitRequest): Facts {
  const named = typed.type === 'push' ? typed.pushee : null;
  return { form: [typed.type], repository: named === null ? null : [named] };
}
