import type { FactValue } from '@ckm/requests';

/** A fact of the request, or a running total of one with this request in it, beside a limit or a list. */
export type Comparison =
  | { readonly fact: string; readonly atMost: number }
  | { readonly fact: string; readonly above: number }
  /** Each of its texts stands in the list. */
  | { readonly fact: string; readonly among: readonly string[] }
  /** One of its texts at least stands in no such list. */
  | { readonly fact: string; readonly beyond: readonly string[] }
  | { readonly total: string; readonly within: number; readonly atMost: number }
  | { readonly total: string; readonly within: number; readonly above: number };

/** `all` of nothing always holds. */
export type Condition =
  Comparison | { readonly all: readonly Condition[] } | { readonly any: readonly Condition[] };

/** Levels of a condition, a comparison being one. */
export const MOST_NESTING = 4;

/** Null: the request does not say. */
export type Truth = boolean | null;

/** How a condition comes out: what is not known stays unknown where it matters, whatever else holds. */
export function truthOf(condition: Condition, holds: (comparison: Comparison) => Truth): Truth {
  if ('all' in condition) return joined(condition.all, false, holds);
  if ('any' in condition) return joined(condition.any, true, holds);
  return holds(condition);
}

/** `deciding`: what one part alone makes of the whole. */
function joined(
  parts: readonly Condition[],
  deciding: boolean,
  holds: (comparison: Comparison) => Truth,
): Truth {
  let truth: Truth = !deciding;
  for (const part of parts) {
    const one = truthOf(part, holds);
    if (one === deciding) return deciding;
    if (one === null) truth = null;
  }
  return truth;
}

/** All comparisons in a condition, in order. */
export function comparisonsIn(condition: Condition): readonly Comparison[] {
  if ('all' in condition) return condition.all.flatMap(comparisonsIn);
  if ('any' in condition) return condition.any.flatMap(comparisonsIn);
  return [condition];
}

/** The list that a comparison has, for looking up; absent: it has none. */
export function listOf(comparison: Comparison): ReadonlySet<string> | undefined {
  if ('among' in comparison) return new Set(comparison.among);
  return 'beyond' in comparison ? new Set(comparison.beyond) : undefined;
}

/**
 * How a comparison comes out for a value. A request without such a fact fulfils none of them. What cannot be compared, since terms that
 * nobody checked mix numbers and texts, is not known.
 * @param value undefined: the request has no such fact; null: it does not say
 * @param list {@link listOf} the comparison
 */
export function holdsFor(
  comparison: Comparison,
  value: FactValue | undefined,
  list: ReadonlySet<string> | undefined,
): Truth {
  if (value === undefined) return false;
  if (typeof value === 'number') {
    if ('atMost' in comparison) return value <= comparison.atMost;
    return 'above' in comparison ? value > comparison.above : null;
  }
  if (value === null || list === undefined) return null;
  return value.every((text) => list.has(text)) === 'among' in comparison;
}
