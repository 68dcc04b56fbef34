import { MAX_TERMS_LINKS, parseTermsChange, type TermsLink, type TermsStanding } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { KnownTerms } from './terms-graph.js';
import type { Heads } from './vouching.js';

/** What servers that have some terms say of them. */
export type HeadsAt = (terms: KnownTerms) => Promise<Heads>;

/**
 * Brings a server changes that it has missed, in pages and in order, by the word of those that have them or of the votes on them; where that is not enough there, each
 * as this client's own proposal. So nothing may be brought but what enough servers have in force, or what is on record here.
 * @param missed what those lead to, in order
 * @returns what it has then; null: it has missed nothing
 */
export async function bringLinks(
  link: ServerLink,
  keyId: Uint8Array,
  missed: readonly KnownTerms[],
  headsAt: HeadsAt,
): Promise<TermsStanding | null> {
  let standing: TermsStanding | null = null;
  for (let at = 0; at < missed.length; at += MAX_TERMS_LINKS) {
    const some = missed.slice(at, at + MAX_TERMS_LINKS);
    const links = some.flatMap((one) => one.link ?? []);
    const last = some.at(-1)!;
    try {
      standing = await link.call('terms.learn', { keyId, links, heads: await headsAt(last) });
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'AvailabilityError') throw error;
      standing = await proposeEach(link, keyId, links);
    }
    if (!equalBytes(standing.hash, last.hash)) return standing;
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
