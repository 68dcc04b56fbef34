import { type Command, Option } from 'commander';
import { formatTable } from '../terminal/table.js';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly home?: string;
  readonly json?: true;
  readonly input: boolean;
  readonly color: boolean;
  readonly quiet?: true;
  readonly yes?: true;
  readonly preview?: true;
  readonly passphraseFile?: string;
  /** Seconds, as typed. */
  readonly timeout?: string;
}

/**
 * Adds the flags of {@link GlobalFlags} to a command that does something. Its help names them in one line, behind its own;
 * `ckm --help` says what they do.
 */
export function addGlobalFlags(command: Command): Command {
  for (const option of globalOptions()) command.addOption(option.hideHelp());
  return command.addHelpText('after', () => `\n${everywhereLine(command)}`);
}

/** Those that a command does not describe itself; one that it describes nowhere has no meaning for it. */
export function everywhereOptions({ options }: Command): readonly Option[] {
  const names = globalOptions().map(({ long }) => long);
  return options.filter(
    ({ long, hidden, description }) => hidden && description !== '' && names.includes(long),
  );
}

function everywhereLine(command: Command): string {
  const shown = everywhereOptions(command).map(({ long }) => long);
  return `Everywhere: ${shown.join(' ')}\n  (ckm --help says what they do)`;
}

/** What `ckm --help` says of the flags that every command takes. */
export function globalHelp(): string {
  const rows = globalOptions().map(({ flags, description }) => [flags, description]);
  return `Everywhere:\n${formatTable(rows, '  ')}`;
}

export function globalOptions(): readonly Option[] {
  return [
    new Option('--home <folder>', 'the owner’s folder (else CKM_HOME, else ~/.ckm)'),
    new Option('--json', 'machine-readable answer on stdout'),
    new Option('--preview', 'show what would happen; send and write nothing'),
    new Option('-y, --yes', 'answer yes to every question but two: --blind and --accept-loss are for those'),
    new Option(
      '--passphrase-file <file>',
      'first line opens the owner seed; - is stdin (else CKM_PASSPHRASE_FILE)',
    ),
    new Option('--timeout <seconds>', 'longest wait for one server'),
    new Option('--no-input', 'never ask; what would be asked becomes an error'),
    new Option('--no-color', 'no colour (also NO_COLOR, or when stdout or stderr is no terminal)'),
    new Option('-q, --quiet', 'no talk on stderr but warnings and errors'),
  ];
}
