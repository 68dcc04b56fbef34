/**
 * Whether git takes a ref of this name; of its characters it is known already that each may stand in one.
 * Source: git-check-ref-format(1).
 */
export function isRefName(ref: string): boolean {
  const parts = ref.split('/');
  const isWhole = parts.length > 2 && !ref.endsWith('.') && !ref.includes('..') && !ref.includes('@{');
  return isWhole && parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

/** Letters, and the Latin ones that look like them. Source: Unicode 15 confusables.txt (UTS #39). */
const TWINS: ReadonlyMap<string, string> = new Map(
  [
    ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυ', 'ABEZHlKMNOPTYXovpu'],
    ['АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝ', 'ABESlJKMHOPCTYXaesijopcyxhdqw'],
    ['I10', 'llO'],
  ].flatMap(([letters, latin]) => Array.from(letters!, (letter, at) => [letter, latin![at]!] as const)),
);
const ONE_OF_TWINS = new RegExp(`[${[...TWINS.keys()].join('')}]`, 'g');

/** The same for names that people cannot tell apart. */
function lookOf(ref: string): string {
  const shown = ref.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return shown.replace(ONE_OF_TWINS, (letter) => TWINS.get(letter)!);
}

/** The same for names that are those of one file where a disk knows no capitals. */
function fileOf(ref: string): string {
  return ref.normalize('NFC').toLowerCase();
}

/** The first two of some different names that look the same, or would be one file; null: there are none. */
export function findTwins(refs: readonly string[]): readonly [string, string] | null {
  for (const likenessOf of [lookOf, fileOf]) {
    const seen = new Map<string, string>();
    for (const ref of refs) {
      const likeness = likenessOf(ref);
      const before = seen.get(likeness);
      if (before !== undefined) return [before, ref];
      seen.set(likeness, ref);
    }
  }
  return null;
}

/** Letters of a name that {@link spellOut} writes. */
const MOST_SPELLED = 60;

/** `“name”` with every letter beyond ASCII as its number, so that two which look the same do not. */
export function spellOut(name: string): string {
  const letters = Array.from(name);
  const spelled = letters
    .slice(0, MOST_SPELLED)
    .map((letter) => (/[\x20\x21\x23-\x5b\x5d-\x7e]/.test(letter) ? letter : numberOf(letter)));
  return `“${spelled.join('')}”${letters.length > MOST_SPELLED ? '…' : ''}`;
}

function numberOf(letter: string): string {
  return `\\u{${letter.codePointAt(0)!.toString(16)}}`;
}
