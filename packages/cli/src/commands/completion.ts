import { type Command, Argument } from 'commander';
import type { Context } from '../command-line/context.js';
import type { CommandNode } from '../command-line/command-node.js';
import { leaf, run } from '../command-line/run.js';
import { completionScript, SHELLS, type Shell } from '../command-line/completion.js';

/** `ckm completion SHELL` @param tree of all commands */
export function completionCommand(tree: CommandNode): Command {
  return leaf('completion', 'what a shell needs to complete commands and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(run((context, shell: Shell) => completion(context, tree, shell)));
}

const HELP = `
  bash   source <(ckm completion bash)                    in ~/.bashrc
  zsh    source <(ckm completion zsh)                     in ~/.zshrc, after compinit
  fish   ckm completion fish | source                     in ~/.config/fish/config.fish`;

async function completion({ terminal }: Context, tree: CommandNode, shell: Shell): Promise<void> {
  const script = await completionScript(tree, shell);
  terminal.copied(script, { shell, script });
}
