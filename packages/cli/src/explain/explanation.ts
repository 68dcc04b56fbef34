/** What `ckm explain CODE` shows: one sentence each. */
export interface Explanation {
  /** What happened. */
  readonly what: string;
  /** Why it is refused or reported; what it protects. */
  readonly why: string;
  /** What to do now. */
  readonly act: string;
}

/** `CODE: [what, why, act]`, so that a table of explanations reads as a table. */
export type ExplanationTable = Readonly<Record<string, readonly [what: string, why: string, act: string]>>;

export function explanationsOf(table: ExplanationTable): Readonly<Record<string, Explanation>> {
  return Object.fromEntries(
    Object.entries(table).map(([code, [what, why, act]]) => [code, { what, why, act }]),
  );
}

/**
 * Explanations that share a reason and an advice: `CODE: what`, or `CODE: [what, act]` where the advice differs.
 */
export function groupOf(
  why: string,
  act: string,
  table: Readonly<Record<string, string | readonly [what: string, act: string]>>,
): Readonly<Record<string, Explanation>> {
  return Object.fromEntries(
    Object.entries(table).map(([code, entry]) => {
      const [what, own] = typeof entry === 'string' ? [entry, act] : entry;
      return [code, { what, why, act: own }];
    }),
  );
}
