import type { KeyTerms } from '@ckm/api';
import type { ClientContext } from '../../context/context.js';
import { isUnreadable } from '../../store/record-store.js';
import { type HeardStandings, readStandings } from '../../terms/change/standing.js';
import { historyOf, linksBetween } from '../../terms/change/terms-graph.js';
import { readTermsNote, saveTermsNote } from '../../terms/change/terms-note.js';
import type { CertifiedKey } from '../key-record.js';
import { termsKnown } from './terms-known.js';

/** What the servers of a key say of its terms, for whoever must not miss what another device has changed. */
export interface LearntTerms {
  /** The newest that count, and all others that some server has in force: what one of them has alone may be what it goes by. */
  readonly terms: readonly KeyTerms[];
  /** Whether n − t + 1 have answered: no use of the key passes all of those by. */
  readonly isCertain: boolean;
}

/** Asks every server of a key which terms are in force, and remembers those that as many have as the quorum needs. */
export async function learnTerms(context: ClientContext, key: CertifiedKey): Promise<LearntTerms> {
  try {
    const standings = await readStandings(context, key);
    await remember(context, key, standings);
    const held = standings.heard.flatMap((one) => standings.termsAt(one)?.terms ?? []);
    const answers = standings.heard.filter(({ view }) => view !== null);
    return {
      terms: [...new Set([standings.newest.terms, ...held])],
      isCertain: answers.length >= standings.binding,
    };
  } catch (error) {
    // A damaged note keeps nobody from what he has to say.
    if (!isUnreadable(error)) throw error;
    return { terms: [await termsKnown(context, key)], isCertain: false };
  }
}

async function remember(
  { store }: ClientContext,
  { keyId }: CertifiedKey,
  { newest }: HeardStandings,
): Promise<void> {
  const note = await readTermsNote(store, keyId);
  const links = linksBetween(historyOf(newest)[0]!, newest);
  if (links.length > note.links.length) await saveTermsNote(store, { ...note, links });
}
