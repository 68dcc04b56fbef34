import { parseTermsChange, type TermsLink } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { askTerms, type HeardTerms } from './ask-terms.js';
import { readTermsNote } from './terms-note.js';
import {
  comesFrom,
  followLinks,
  historyOf,
  type KnownTerms,
  newestOf,
  type TermsGraph,
} from './terms-graph.js';

/** What one server has in force. `differs`: it shows terms that follow from nothing that was certified, or others of a number than count. */
export interface TermsAt {
  /** The owner's name of the server. */
  readonly server: string;
  readonly slot: number;
  readonly verdict: 'has' | 'differs' | 'refused' | 'silent' | 'unknown';
  /** Null: nobody knows. */
  readonly version: number | null;
  /** One line for a person, where there is no answer to judge. */
  readonly text: string;
  readonly code: string | null;
}

/** A change that waits. */
export interface WaitingChange {
  /** 32 bytes: names it. */
  readonly change: Uint8Array;
  readonly terms: KnownTerms;
  /** Where it waits, and for what. */
  readonly at: readonly {
    readonly server: string;
    /** So many more have to say yes. */
    readonly missing: number;
    /** UnixSeconds, by the server's clock; null: time alone does not do it. */
    readonly readyAt: number | null;
    /** UnixSeconds */
    readonly expiresAt: number;
    readonly byWords: boolean;
  }[];
}

/** The terms of a key as its servers have them. */
export interface TermsStandings {
  readonly name: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** So many have to have terms before no use of the key can pass them by: n − t + 1, where none of them lies. */
  readonly binding: number;
  readonly servers: readonly TermsAt[];
  /** From the certified ones to the newest that count: those that one server shows alone do not, unless they are on record here. */
  readonly history: readonly {
    readonly terms: KnownTerms;
    /** Names of those that have them in force, or later ones that follow from them. */
    readonly have: readonly string[];
    readonly isInForce: boolean;
  }[];
  readonly waiting: readonly WaitingChange[];
  /** Whether servers have different terms of one number in force, or have seen two changes to one. */
  readonly isTwice: boolean;
  /**
   * What servers have in force beside each other, where no branch is had by as many as the quorum needs, so that nothing leads on but settling it; empty: they are
   * not apart.
   */
  readonly apart: readonly { readonly terms: KnownTerms; readonly have: readonly string[] }[];
  /** The newest that as many servers have as the quorum needs, whatever is on record here: from those on servers may be apart. */
  readonly common: KnownTerms;
}

/** The same with what servers were heard to say. */
export interface HeardStandings extends TermsStandings {
  readonly heard: readonly HeardTerms[];
  readonly graph: TermsGraph;
  /** The last of the history. */
  readonly newest: KnownTerms;
  /** What a server has in force; undefined: that is not known. */
  termsAt(server: HeardTerms): KnownTerms | undefined;
}

/** Asks every server of a key for its terms, and holds what they show against the certified ones. */
export async function readStandings(context: ClientContext, key: CertifiedKey): Promise<HeardStandings> {
  const { policy, name } = key.record;
  const note = await readTermsNote(context.store, key.keyId);
  const heard = await askTerms(context, key, followLinks(key.keyId, policy, note.links));
  const proposed = [note.proposed, ...heard.map(({ view }) => view?.proposed ?? null)];
  const shown = [...heard.flatMap((one) => one.links), ...note.links];
  const links = [...shown, ...proposed.filter((one) => one !== null)];
  const graph = followLinks(key.keyId, policy, links);
  const termsAt = ({ view }: HeardTerms) => (view === null ? undefined : graph.get(encodeHex(view.hash)));
  const held = heard.flatMap((one) => termsAt(one) ?? []);
  const root = [...graph.values()][0]!;
  const { quorum } = key.public;
  const own = hashesOf(note.proposed === null ? note.links : [...note.links, note.proposed]);
  const newest = newestOf(root, held, quorum.needed, ({ hash }) => own.has(encodeHex(hash)));
  const common = newestOf(root, held, quorum.needed, () => false);
  const binding = quorum.of - quorum.needed + 1;
  const ways = new Map(heard.map((one) => [one, wayTo(termsAt(one))]));
  const history = historyOf(newest).map((terms) => {
    const have = heard.filter((one) => ways.get(one)!.has(terms));
    return { terms, have: have.map(({ server }) => server), isInForce: have.length >= binding };
  });
  return {
    name,
    quorum,
    binding,
    servers: heard.map((one) => servedTerms(one, termsAt(one), newest)),
    history,
    waiting: waitingOf(heard, graph),
    isTwice:
      held.some((one) => isBeside(one, newest)) || heard.some(({ view }) => (view?.twice.length ?? 0) > 0),
    apart: apartFrom(common, heard, termsAt),
    heard,
    graph,
    newest,
    common,
    termsAt,
  };
}

function wayTo(terms: KnownTerms | undefined): ReadonlySet<KnownTerms> {
  return new Set(terms === undefined ? [] : historyOf(terms));
}

/** The last terms on each way behind those that are common, where there is more than one. */
function apartFrom(
  common: KnownTerms,
  heard: readonly HeardTerms[],
  termsAt: HeardStandings['termsAt'],
): TermsStandings['apart'] {
  const held = heard.flatMap((one) => termsAt(one) ?? []);
  const beyond = [...new Set(held)].filter((one) => one !== common && comesFrom(one, common));
  const last = beyond.filter((one) => !beyond.some((other) => other !== one && comesFrom(other, one)));
  if (last.length < 2) return [];
  return last.map((terms) => {
    const have = heard.filter((one) => {
      const at = termsAt(one);
      return at !== undefined && at !== common && comesFrom(terms, at) && comesFrom(at, common);
    });
    return { terms, have: have.map(({ server }) => server) };
  });
}

/** Of the terms that changes led to. */
function hashesOf(links: readonly TermsLink[]): ReadonlySet<string> {
  return new Set(links.map(({ statement }) => encodeHex(parseTermsChange(statement).termsHash)));
}

/** Whether terms are on another branch than those that count. */
function isBeside(terms: KnownTerms, newest: KnownTerms): boolean {
  return !comesFrom(newest, terms) && !comesFrom(terms, newest);
}

function servedTerms(
  { server, slot, participant, view, error }: HeardTerms,
  has: KnownTerms | undefined,
  newest: KnownTerms,
): TermsAt {
  const about = { server, slot };
  if (view !== null) {
    const version = view.version;
    const differs = { ...about, verdict: 'differs', version, code: null } as const;
    if (has === undefined)
      return { ...differs, text: 'shows terms that follow from nothing that was certified' };
    if (isBeside(has, newest)) return { ...differs, text: `shows other terms ${version} than count` };
    return { ...about, verdict: 'has', version, text: '', code: null };
  }
  if (participant === null)
    return {
      ...about,
      verdict: 'unknown',
      version: null,
      text: 'not among your servers any more',
      code: 'SERVER_UNKNOWN',
    };
  const verdict = error?.errorClass === 'AvailabilityError' ? 'silent' : 'refused';
  return { ...about, verdict, version: null, text: error?.message ?? '', code: error?.code ?? null };
}

function waitingOf(heard: readonly HeardTerms[], graph: TermsGraph): readonly WaitingChange[] {
  const found = new Map<string, WaitingChange>();
  for (const { server, view } of heard) {
    if (view === null || view.waiting === null) continue;
    const { change, hash, missing, readyAt, expiresAt, byWords } = view.waiting;
    const terms = graph.get(encodeHex(hash));
    if (terms === undefined) continue;
    const name = encodeHex(change);
    const before = found.get(name)?.at ?? [];
    found.set(name, { change, terms, at: [...before, { server, missing, readyAt, expiresAt, byWords }] });
  }
  return [...found.values()];
}
