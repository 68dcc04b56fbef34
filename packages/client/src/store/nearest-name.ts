import type { ClientStore } from './client-store.js';

const MOST_SLIPS = 2;
/** No name is longer by more than the slips that are forgiven. */
const LONGEST = 32 + MOST_SLIPS;

/**
 * The name that was probably meant by one that is not there: it differs in one letter or two, and in half of the typed ones at most.
 * @returns null when none is that near
 */
export function nearestName(typed: string, names: readonly string[]): string | null {
  if (typed.length > LONGEST) return null;
  const most = Math.min(MOST_SLIPS, Math.floor(typed.length / 2));
  const [best] = names
    .map((name) => ({ name, slips: countSlips(typed.toLowerCase(), name) }))
    .filter(({ slips }) => slips <= most)
    .toSorted((a, b) => a.slips - b.slips);
  return best?.name ?? null;
}

/** The same among the records of a folder, which are called by their names. */
export async function nearestRecord(
  store: Pick<ClientStore, 'list'>,
  folder: string,
  typed: string,
): Promise<string | null> {
  const paths = await store.list(folder);
  return nearestName(
    typed,
    paths.map((path) => path.slice(folder.length + 1)),
  );
}

/** How a hint begins. */
export function didYouMean(nearest: string | null): string {
  return nearest === null ? '' : `did you mean ${nearest}? `;
}

/** Letters to put in, leave out or exchange until one text is the other (Levenshtein distance). */
function countSlips(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchanged = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
