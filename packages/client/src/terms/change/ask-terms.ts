import { parseTermsChange, type TermsLink, type TermsView } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { rosterOf } from '../../keys/roster.js';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Participant } from '../../servers/ask-all.js';
import { ifWhole, type KnownTerms, type TermsGraph } from './terms-graph.js';

/** What one server says of the terms of a key. */
export interface HeardTerms {
  /** The owner's name of the server; the beginning of its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  /** Null: it is not on record. */
  readonly participant: Participant | null;
  /** Null: it says nothing, and {@link HeardTerms.error} says why. */
  readonly view: TermsView | null;
  /** All changes that it shows, from the certified terms on, but for those that are on record here. */
  readonly links: readonly TermsLink[];
  readonly error: CkmError | null;
}

/** What a server shows beyond that is not read: changes, and bytes of them. So many take years where nobody holds the words. */
const MOST_CHANGES = 16_384;
const MOST_BYTES = 0x4_00_00_00;

/** Asks every server of a key, in order of slots. @param known what follows from the certified terms by what is on record here: that is not shown once more */
export async function askTerms(
  context: ClientContext,
  key: CertifiedKey,
  known: TermsGraph,
): Promise<readonly HeardTerms[]> {
  const participants = await rosterOf(context, key);
  return Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<HeardTerms> => {
      const participant = participants.find((one) => one.slot === slot);
      if (participant !== undefined) return askOne(context, key.keyId, participant, known);
      const server = encodeHex(serverId).slice(0, 16);
      return { server, slot, participant: null, view: null, links: [], error: null };
    }),
  );
}

async function askOne(
  context: ClientContext,
  keyId: Uint8Array,
  participant: Participant,
  known: TermsGraph,
): Promise<HeardTerms> {
  const { slot, server } = participant;
  const about = { server: server.name, slot, participant };
  try {
    const link = await context.linkTo(server);
    const [{ version: certified }, ...others] = [...known.values()] as [KnownTerms, ...KnownTerms[]];
    const newest = others.reduce((most, { version }) => Math.max(most, version), certified);
    const first = await link.call('terms.show', { keyId, after: newest });
    const begins = goesOnFrom(known, first)
      ? { view: first, after: newest }
      : { view: await link.call('terms.show', { keyId, after: certified }), after: certified };
    const links = await readOn(link, keyId, begins.view, begins.after);
    return { ...about, view: begins.view, links, error: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { ...about, view: null, links: [], error };
  }
}

/** Whether a server’s way leads on from what is on record here. */
function goesOnFrom(known: TermsGraph, { links: [first], hash }: TermsView): boolean {
  const from = first === undefined ? hash : ifWhole(() => parseTermsChange(first.statement).previous);
  return from !== null && known.has(encodeHex(from));
}

/** All that a server shows behind some number, page by page, as far as each goes on behind the one before. */
async function readOn(
  link: ServerLink,
  keyId: Uint8Array,
  first: TermsView,
  after: number,
): Promise<readonly TermsLink[]> {
  const links = [...first.links];
  let bytes = 0;
  for (let [at, { next }] = [after, first]; next !== null && next > at && links.length < MOST_CHANGES;) {
    const page = await link.call('terms.show', { keyId, after: next });
    links.push(...page.links);
    bytes += page.links.reduce((sum, one) => sum + one.terms.length, 0);
    if (bytes > MOST_BYTES) break;
    [at, next] = [next, page.next];
  }
  return links;
}
