import { type Command, Option } from 'commander';

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

/** Adds the flags of {@link GlobalFlags} to a command that does something. */
export function addGlobalFlags(command: Command): Command {
  const group = 'Everywhere:';
  const options = [
    new Option('--home <folder>', 'the owner’s folder (else CKM_HOME, else ~/.ckm)'),
    new Option('--json', 'machine-readable answer on stdout'),
    new Option('--preview', 'show what would happen; send and write nothing'),
    new Option(
      '-y, --yes',
      'answer yes to every question but one: what cannot be described also needs --blind',
    ),
    new Option(
      '--passphrase-file <file>',
      'first line opens the owner seed; - is stdin (else CKM_PASSPHRASE_FILE)',
    ),
    new Option('--timeout <seconds>', 'longest wait for one server'),
    new Option('--no-input', 'never ask; what would be asked becomes an error'),
    new Option('--no-color', 'no colour (also NO_COLOR, or when stdout or stderr is no terminal)'),
    new Option('-q, --quiet', 'no talk on stderr but warnings and errors'),
  ];
  for (const option of options) command.addOption(option.helpGroup(group));
  return command;
}
