import { type Command, Argument } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { completionScript, SHELLS, type Shell } from '../command-line/completion.js';

/** `ckm completion SHELL` */
export function completionCommand(): Command {
  return leaf('completion', 'what a shell needs to complete commands and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(run(completion));
}

const HELP = `
  bash   ckm completion bash > ~/.local/share/bash-completion/completions/ckm
  zsh    ckm completion zsh > a file named _ckm in a folder of $fpath
  fish   ckm completion fish > ~/.config/fish/completions/ckm.fish`;

async function completion({ terminal }: Context, shell: Shell): Promise<void> {
  const script = await completionScript(shell);
  terminal.copied(script, { shell, script });
}
