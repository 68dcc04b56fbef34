import {
  assertChangeOfTerms,
  isSettling,
  type KeyTerms,
  parseTerms,
  parseTermsChange,
  policyHash,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';

/** Terms that follow from those that are certified, by changes that were looked at. */
export interface KnownTerms {
  readonly terms: KeyTerms;
  readonly version: number;
  /** 32 bytes, `policyHash`. */
  readonly hash: Uint8Array;
  /** What led from the terms before to these; null: they are certified. */
  readonly link: TermsLink | null;
  /** Null: they are certified. */
  readonly before: KnownTerms | null;
}

/** Terms by their hash in hex. */
export type TermsGraph = ReadonlyMap<string, KnownTerms>;

/**
 * Everything that follows from the certified terms by links that somebody shows: each is the next number behind terms that are known, and can be
 * lived with. Whatever is not is left out; who agreed to it is for servers to judge. Each link is read once, in whatever order they are shown.
 */
export function followLinks(keyId: Uint8Array, certified: KeyTerms, links: readonly TermsLink[]): TermsGraph {
  const root: KnownTerms = {
    terms: certified,
    version: versionOf(certified),
    hash: policyHash(certified),
    link: null,
    before: null,
  };
  const known = new Map([[encodeHex(root.hash), root]]);
  const behind = linksByBefore(links);
  // What is added is followed as well.
  for (const [name, before] of known)
    for (const link of behind.get(name) ?? []) {
      const next = nextBy(keyId, before, link);
      if (next !== null && !known.has(encodeHex(next.hash))) known.set(encodeHex(next.hash), next);
    }
  return known;
}

/** Links by the hash, in hex, of the terms that they say they follow. */
function linksByBefore(links: readonly TermsLink[]): ReadonlyMap<string, readonly TermsLink[]> {
  const behind = new Map<string, TermsLink[]>();
  for (const link of links) {
    const previous = ifWhole(() => encodeHex(parseTermsChange(link.statement).previous));
    if (previous === null) continue;
    const others = behind.get(previous);
    if (others === undefined) behind.set(previous, [link]);
    else others.push(link);
  }
  return behind;
}

/** Null: it does not follow those, or is none. */
function nextBy(keyId: Uint8Array, before: KnownTerms, link: TermsLink): KnownTerms | null {
  return ifWhole(() => {
    const change = parseTermsChange(link.statement);
    const after = parseTerms(link.terms, REQUEST_FACTS);
    assertChangeOfTerms(change, { keyId, before: before.terms, after });
    return { terms: after, version: change.version, hash: change.termsHash, link, before };
  });
}

/** What was read; null: it has not its form, or is none that may be. */
export function ifWhole<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/** Whether terms are some others, or follow from them. */
export function comesFrom(terms: KnownTerms, older: KnownTerms): boolean {
  let at: KnownTerms | null = terms;
  // Numbers rise on every way.
  while (at !== null && at.version > older.version) at = at.before;
  return at === older;
}

/** The terms behind some up to later ones that follow from them, in order. */
export function termsBetween(older: KnownTerms, terms: KnownTerms): readonly KnownTerms[] {
  const between: KnownTerms[] = [];
  for (let at: KnownTerms = terms; at !== older && at.before !== null; at = at.before) between.push(at);
  return between.toReversed();
}

/** The links from some terms to later ones, in order. */
export function linksBetween(older: KnownTerms, terms: KnownTerms): readonly TermsLink[] {
  return termsBetween(older, terms).map(({ link }) => link!);
}

/** The last terms from which both follow. */
export function lastCommon(one: KnownTerms, other: KnownTerms): KnownTerms {
  const others = new Set(historyOf(other));
  return historyOf(one).findLast((terms) => others.has(terms))!;
}

/** Whether terms take back what else has followed those before them. */
function takesBack({ terms, version, before }: KnownTerms): boolean {
  return before !== null && isSettling({ version }, before.terms) && terms.version === version;
}

/**
 * The newest terms that count: of branches that at least `enough` servers have, so that one of these is honest, the one that takes others back, else the one that more
 * have, and behind that what is on record here. What fewer servers show alone is no reason for anything, whatever its number.
 * @param held what each server has in force
 */
export function newestOf(
  root: KnownTerms,
  held: readonly KnownTerms[],
  enough: number,
  isOnRecord: (terms: KnownTerms) => boolean,
): KnownTerms {
  const servers = new Map<KnownTerms, number>();
  for (const terms of held.flatMap(historyOf)) servers.set(terms, (servers.get(terms) ?? 0) + 1);
  const sound = [...servers].filter(([terms, count]) => count >= enough || isOnRecord(terms));
  const byServers = sound
    .toSorted(([, one], [, other]) => other - one)
    .map(([terms]) => terms)
    .toSorted((one, other) => Number(takesBack(other)) - Number(takesBack(one)));
  const first = new Map<KnownTerms | null, KnownTerms>();
  for (const one of byServers) if (!first.has(one.before)) first.set(one.before, one);
  let newest = root;
  for (let next = first.get(root); next !== undefined; next = first.get(newest)) newest = next;
  return newest;
}

/** From the certified ones on. */
export function historyOf(terms: KnownTerms): readonly KnownTerms[] {
  const history: KnownTerms[] = [];
  for (let at: KnownTerms | null = terms; at !== null; at = at.before) history.push(at);
  return history.toReversed();
}
