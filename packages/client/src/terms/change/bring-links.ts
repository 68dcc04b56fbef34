import { MAX_TERMS_LINKS, parseTermsChange, type TermsLink, type TermsStanding } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Heads } from './vouching.js';

/**
 * Brings a server changes that it has missed, in order, by the word of those that have them or of the votes on them; where that is not enough there, each
 * as this client's own proposal. So nothing may be brought but what enough servers have in force, or what is on record here.
 * @returns what it has then; null: it has missed nothing
 */
export async function bringLinks(
  link: ServerLink,
  keyId: Uint8Array,
  links: readonly TermsLink[],
  heads: Heads,
): Promise<TermsStanding | null> {
  let standing: TermsStanding | null = null;
  for (let at = 0; at < links.length; at += MAX_TERMS_LINKS) {
    const some = links.slice(at, at + MAX_TERMS_LINKS);
    try {
      standing = await link.call('terms.learn', { keyId, links: some, heads });
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'AvailabilityError') throw error;
      standing = await proposeEach(link, keyId, some);
    }
    if (isBefore(standing, some.at(-1)!)) return standing;
  }
  return standing;
}

async function proposeEach(
  link: ServerLink,
  keyId: Uint8Array,
  [first, ...others]: readonly TermsLink[],
): Promise<TermsStanding> {
  let standing: TermsStanding = await link.call('terms.propose', { keyId, ...first! });
  let before = first!;
  for (const one of others) {
    if (isBefore(standing, before)) return standing;
    standing = await link.call('terms.propose', { keyId, ...one });
    before = one;
  }
  return standing;
}

/** Whether a change has not come into force yet: what follows it has to wait. */
function isBefore({ version }: TermsStanding, { statement }: TermsLink): boolean {
  return version < parseTermsChange(statement).version;
}
