import type { FactTypes, FactValue } from '@ckm/requests';
import {
  type Comparison,
  comparisonsIn,
  type Condition,
  holdsFor,
  listOf,
  type Truth,
  truthOf,
} from './condition.js';
import { factIn } from './facts.js';

/**
 * Conditions compare numbers with limits and texts with lists. So there are only so many ways in which they can come out together, and
 * all of them can be looked at: numbers up to each limit and beyond the last, texts as they share lists.
 */

type Value = FactValue | undefined;

/** What is compared under one name, and values of it with which its comparisons come out in every way there is. */
interface Axis {
  readonly comparisons: readonly Comparison[];
  readonly values: readonly Value[];
}

/** Kind of request, and what requests of it say. */
export interface OfKind {
  readonly kind: string;
  readonly types: FactTypes;
}

/** How many comparisons may still be looked at: whoever writes terms decides how many cases they have. */
export interface Looks {
  left: number;
}

/** For all that is asked about some terms: some ten milliseconds. */
export function allLooks(): Looks {
  return { left: 200_000 };
}

/** Ways in which texts can share the lists of one name. */
const MOST_SETS = 128;
/** A text that no list can hold. */
const STRANGER = '\u0000';

/**
 * Whether `look` says yes in every case that a request of a kind can be. Totals are taken to be anything, whatever the amount is: some
 * cases cannot be, none is left out.
 * @param look is told how any of the conditions comes out
 * @param looks those that are needed are taken from it
 * @returns null: there are too many cases to look at
 */
export function everyCase(
  conditions: readonly Condition[],
  of: OfKind,
  looks: Looks,
  look: (truth: (condition: Condition) => Truth) => boolean,
): boolean | null {
  const axes = axesOf(conditions.flatMap(comparisonsIn), of);
  if (axes === null) return null;
  const cases = axes.reduce((product, { values }) => product * values.length, 1);
  const comparisons = axes.reduce((sum, { comparisons }) => sum + comparisons.length, 1);
  if (cases * comparisons > looks.left) return null;
  looks.left -= cases * comparisons;
  const at = axes.map(() => 0);
  const truths = truthsOf(axes);
  const holds = (comparison: Comparison): Truth => {
    const [axis, inCase] = truths.get(comparison)!;
    return inCase[at[axis]!] ?? null;
  };
  const truth = (condition: Condition) => truthOf(condition, holds);
  for (let left = cases; left > 0; left--) {
    if (!look(truth)) return false;
    moveOn(at, axes);
  }
  return true;
}

/** Counts one further, like the wheels of a meter. */
function moveOn(at: number[], axes: readonly Axis[]): void {
  for (const [axis, { values }] of axes.entries()) {
    at[axis] = (at[axis]! + 1) % values.length;
    if (at[axis] !== 0) return;
  }
}

/** For each comparison its axis, and how it comes out for each value of that. */
function truthsOf(
  axes: readonly Axis[],
): ReadonlyMap<Comparison, readonly [axis: number, truths: readonly Truth[]]> {
  return new Map(
    axes.flatMap(({ comparisons, values }, axis) =>
      comparisons.map((comparison) => {
        const list = listOf(comparison);
        return [
          comparison,
          [axis, values.map((value) => holdsFor(comparison, value, list))] as const,
        ] as const;
      }),
    ),
  );
}

function axesOf(comparisons: readonly Comparison[], of: OfKind): readonly Axis[] | null {
  const byName = new Map<string, Comparison[]>();
  for (const comparison of comparisons) {
    const name = 'total' in comparison ? `${comparison.total} ${comparison.within}` : factIn(comparison);
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [comparison]);
    else others.push(comparison);
  }
  const axes: Axis[] = [];
  for (const comparisons of byName.values()) {
    const values = valuesFor(comparisons, of);
    if (values === null) return null;
    axes.push({ comparisons, values });
  }
  return axes;
}

function valuesFor(comparisons: readonly Comparison[], { kind, types }: OfKind): readonly Value[] | null {
  const name = factIn(comparisons[0]!);
  if (name === 'kind') return [[kind]];
  const type = Object.hasOwn(types, name) ? types[name] : undefined;
  if (type === undefined) return [undefined];
  const lists = comparisons.map(listOf).filter((list) => list !== undefined);
  const sets = lists.length === 0 ? [] : setsFor(lists, type.is === 'text');
  if (sets === null) return null;
  const limits = comparisons.flatMap((comparison) => {
    if ('atMost' in comparison) return [comparison.atMost];
    return 'above' in comparison ? [comparison.above] : [];
  });
  const numbers = limits.length === 0 ? [] : [...new Set([...limits, Number.POSITIVE_INFINITY])];
  return [undefined, null, ...numbers, ...sets];
}

/**
 * Sets of texts, one for each way in which the lists can hold all of a set; null: there are too many. A mark has a bit for each list.
 * @param isOne a request names one text, no more and no less
 */
function setsFor(
  lists: readonly ReadonlySet<string>[],
  isOne: boolean,
): readonly (readonly string[])[] | null {
  const marks = new Map([[STRANGER, 0n]]);
  for (const [at, list] of lists.entries())
    for (const text of list) marks.set(text, (marks.get(text) ?? 0n) | (1n << BigInt(at)));
  const alike = new Map([...marks].map(([text, mark]) => [mark, text]));
  if (alike.size > MOST_SETS) return null;
  if (isOne) return [...alike.values()].map((text) => [text]);
  const found = new Map<bigint, readonly string[]>([[(1n << BigInt(lists.length)) - 1n, []]]);
  for (const [mark, text] of alike) {
    for (const [common, set] of found)
      if (!found.has(common & mark)) found.set(common & mark, [...set, text]);
    if (found.size > MOST_SETS) return null;
  }
  return [...found.values()];
}
