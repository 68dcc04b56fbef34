/** One of several answers. */
export interface Choice<V extends string> {
  readonly value: V;
  readonly label: string;
  readonly hint?: string;
}

/** How questions are put to whoever sits there. Each gives `undefined` when the person left. */
export interface Questions {
  line(question: string): Promise<string | undefined>;
  /** @param first what Enter alone takes */
  choice(question: string, choices: readonly Choice<string>[], first: string): Promise<string | undefined>;
  /** At least one. @param chosen what Enter alone takes */
  several(
    question: string,
    choices: readonly Choice<string>[],
    chosen: readonly string[],
  ): Promise<readonly string[] | undefined>;
}
