import { Command } from 'commander';

/** One word of the command line. Its code is loaded when the word is used, so that every command starts quickly. */
export interface Twig {
  readonly name: string;
  readonly summary: string;
  /** A command that does something. */
  readonly load?: () => Promise<Command>;
  /** A command that holds others. */
  readonly twigs?: readonly Twig[];
  /** The one of `twigs` that is meant when none is named. */
  readonly usual?: string;
}

/**
 * The command for a twig, with everything on the way to `words` loaded and the rest known by name only.
 * @param words the command line behind this twig
 */
export async function growCommand(twig: Twig, words: readonly string[]): Promise<Command> {
  if (twig.load !== undefined) return twig.load();
  const { name, summary, twigs = [], usual } = twig;
  const command = new Command(name).description(summary);
  const next = twigs.find((one) => one.name === words[0]) ?? twigs.find((one) => one.name === usual);
  for (const one of twigs) {
    const child =
      one === next ? await growCommand(one, words.slice(1)) : new Command(one.name).description(one.summary);
    command.addCommand(child, { isDefault: one.name === usual });
  }
  return command;
}
