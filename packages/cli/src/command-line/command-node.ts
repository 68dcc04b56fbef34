import { Command } from 'commander';

/** One word of the command line. Its code is loaded when the word is used, so that every command starts quickly. */
export interface CommandNode {
  readonly name: string;
  readonly summary: string;
  /** A command that does something. */
  readonly load?: () => Promise<Command>;
  /** A command that holds others. */
  readonly commands?: readonly CommandNode[];
  /** The heading it stands under, where a command holds several sorts. */
  readonly group?: string;
  /** The one of `commands` that is meant when none is named. */
  readonly usual?: string;
}

/**
 * The command for a node, with everything on the way to `words` loaded and the rest known by name only.
 * @param words the command line behind this node
 */
export async function buildCommand(node: CommandNode, words: readonly string[]): Promise<Command> {
  if (node.load !== undefined) return node.load();
  const { name, summary, commands = [], usual } = node;
  // What is not loaded has no help worth showing; `ckm help …` loads it.
  const command = new Command(name).description(summary).helpCommand(false);
  const next = commands.find((one) => one.name === words[0]) ?? commands.find((one) => one.name === usual);
  for (const one of commands) {
    const child =
      one === next ? await buildCommand(one, words.slice(1)) : new Command(one.name).description(one.summary);
    if (one.group !== undefined) child.helpGroup(one.group);
    command.addCommand(child, { isDefault: one.name === usual });
  }
  return command;
}
