import type { TermsLink, TermsView } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { rosterOf } from '../../keys/roster.js';
import type { Participant } from '../../servers/ask-all.js';

/** What one server says of the terms of a key. */
export interface HeardTerms {
  /** The owner's name of the server; the beginning of its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  /** Null: it is not on record. */
  readonly participant: Participant | null;
  /** Null: it says nothing, and {@link HeardTerms.error} says why. */
  readonly view: TermsView | null;
  /** All changes that it shows, from the certified terms on. */
  readonly links: readonly TermsLink[];
  readonly error: CkmError | null;
}

/** A server that shows more than that has no end. */
const MOST_PAGES = 64;

/** Asks every server of a key, in order of slots. @param from the version of the certified terms */
export async function askTerms(
  context: ClientContext,
  key: CertifiedKey,
  from: number,
): Promise<readonly HeardTerms[]> {
  const participants = await rosterOf(context, key);
  return Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<HeardTerms> => {
      const participant = participants.find((one) => one.slot === slot);
      if (participant !== undefined) return askOne(context, key.keyId, participant, from);
      const server = encodeHex(serverId).slice(0, 16);
      return { server, slot, participant: null, view: null, links: [], error: null };
    }),
  );
}

async function askOne(
  context: ClientContext,
  keyId: Uint8Array,
  participant: Participant,
  from: number,
): Promise<HeardTerms> {
  const { slot, server } = participant;
  const about = { server: server.name, slot, participant };
  try {
    const link = await context.linkTo(server);
    const first = await link.call('terms.show', { keyId, after: from });
    const links = [...first.links];
    let { next } = first;
    for (let page = 1; next !== null && page < MOST_PAGES; page++) {
      const more = await link.call('terms.show', { keyId, after: next });
      links.push(...more.links);
      next = more.next;
    }
    return { ...about, view: first, links, error: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { ...about, view: null, links: [], error };
  }
}
