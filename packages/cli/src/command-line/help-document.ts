import type { Argument, Command, Option } from 'commander';
import type { CommandNode } from './command-node.js';
import { examplesOf } from './examples.js';
import { type ExitStatus, exitStatusesOf } from './exit-statuses.js';
import { everywhereOptions, globalOptions } from './globals.js';

/** What `--help` says, for programs: the same shape for every command, and for `ckm` itself. */
export interface HelpDocument {
  /** The last word of the command: `create`. */
  readonly name: string;
  /** All of them: `ckm key create`, whatever it was called as. */
  readonly command: string;
  readonly summary: string;
  /** `ckm key create [options] <name>` */
  readonly usage: string;
  readonly arguments: readonly ArgumentHelp[];
  /** Its own first, then those that all commands take and that have a meaning for it. */
  readonly flags: readonly FlagHelp[];
  /** Empty for a command that does something. */
  readonly subcommands: readonly SubcommandHelp[];
  readonly exitStatuses: readonly ExitStatus[];
  /** Whole command lines. */
  readonly examples: readonly string[];
}

/** What an argument or a flag takes. */
interface Taken {
  readonly meaning: string;
  /** Whether it must be there. */
  readonly isRequired: boolean;
  /** Whether there may be several. */
  readonly isRepeated: boolean;
  /** All that may be said; null: other things too. */
  readonly choices: readonly string[] | null;
  /** What counts where nothing is said; null: nothing does. */
  readonly default: unknown;
}

export interface ArgumentHelp extends Taken {
  readonly name: string;
}

export interface FlagHelp extends Taken {
  /** `--quorum` */
  readonly flag: string;
  /** `-q` */
  readonly short: string | null;
  /** What stands behind it: `quorum`; null for a flag that takes nothing. */
  readonly value: string | null;
  /** The heading it stands under. */
  readonly group: string | null;
  /** Whether all commands take it. */
  readonly isEverywhere: boolean;
}

export interface SubcommandHelp {
  readonly name: string;
  readonly summary: string;
  readonly group: string | null;
  /** Whether it is meant where none is named. */
  readonly isUsual: boolean;
}

/** @param words that lead to the command, without `ckm` */
export function helpDocument(command: Command, node: CommandNode, words: readonly string[]): HelpDocument {
  const help = command.createHelp();
  const everywhere = words.length === 0 ? globalOptions() : everywhereOptions(command);
  return {
    name: node.name,
    command: words.length === 0 ? node.name : `ckm ${words.join(' ')}`,
    summary: node.summary,
    usage: help.commandUsage(command),
    arguments: command.registeredArguments.map(argumentHelp),
    flags: [
      ...help.visibleOptions(command).map((option) => flagHelp(option, false)),
      ...everywhere.map((option) => flagHelp(option, true)),
    ],
    subcommands: (node.commands ?? []).map(({ name, summary, group }) => ({
      name,
      summary,
      group: headingOf(group),
      isUsual: name === node.usual,
    })),
    exitStatuses: exitStatusesOf(command),
    examples: examplesOf(words),
  };
}

function argumentHelp(argument: Argument): ArgumentHelp {
  return {
    name: argument.name(),
    meaning: argument.description,
    isRequired: argument.required,
    isRepeated: argument.variadic,
    choices: argument.argChoices ?? null,
    default: orNull(argument.defaultValue),
  };
}

function flagHelp(option: Option, isEverywhere: boolean): FlagHelp {
  const defaultValue: unknown = option.defaultValue;
  return {
    flag: option.long ?? option.flags,
    short: option.short ?? null,
    value: /[<[]([^>\]]+?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? null,
    meaning: option.description,
    isRequired: option.mandatory,
    isRepeated: option.variadic || Array.isArray(defaultValue),
    choices: option.argChoices ?? null,
    default: orNull(defaultValue),
    group: headingOf(option.helpGroupHeading),
    isEverywhere,
  };
}

/** A heading on the screen ends in a colon. */
function headingOf(group: string | undefined): string | null {
  return group === undefined ? null : group.replace(/:$/, '');
}

function orNull(value: unknown): unknown {
  return value === undefined ? null : value;
}
