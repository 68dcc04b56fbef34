import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm config where` */
export function configWhereCommand(): Command {
  return leaf('where', 'which settings count, and where each of them comes from').action(run(where));
}

type Origin = 'flag' | 'environment' | 'default';

interface Setting {
  readonly setting: string;
  readonly value: string;
  readonly from: Origin;
  /** The flag or variable that said it. */
  readonly name: string;
}

/** A flag counts before a variable of the environment, and that before the default; there is no file of settings. */
function where({ terminal, home, flags, environment, passphraseFile, timeoutMs }: Context): Promise<void> {
  const origin = (flag: unknown, variable: string): Origin => {
    if (flag !== undefined) return 'flag';
    return (environment[variable] ?? '') === '' ? 'default' : 'environment';
  };
  const named = (setting: string, value: string, from: Origin, flag: string, variable = ''): Setting => ({
    setting,
    value,
    from,
    name: { flag, environment: variable, default: '' }[from],
  });
  const colourFrom: Origin = !flags.color ? 'flag' : origin(undefined, 'NO_COLOR');
  const settings = [
    named('folder', home.path, origin(flags.home, 'CKM_HOME'), '--home', 'CKM_HOME'),
    named(
      'passphrase',
      passphraseFile ?? 'asked for on the terminal',
      origin(flags.passphraseFile, 'CKM_PASSPHRASE_FILE'),
      '--passphrase-file',
      'CKM_PASSPHRASE_FILE',
    ),
    named('longest wait', `${timeoutMs / 1000} s`, origin(flags.timeout, ''), '--timeout'),
    named('colour', terminal.color ? 'yes' : 'no', colourFrom, '--no-color', 'NO_COLOR'),
    named('questions', flags.input ? 'asked' : 'never', flags.input ? 'default' : 'flag', '--no-input'),
    named(
      'trusted authorities',
      environment['NODE_EXTRA_CA_CERTS'] ?? 'those of Node',
      origin(undefined, 'NODE_EXTRA_CA_CERTS'),
      '',
      'NODE_EXTRA_CA_CERTS',
    ),
    ...['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'].map((variable) => proxySetting(variable, environment)),
  ];
  const rows = settings.map(({ setting, value, from, name }) => [
    setting,
    value,
    name === '' ? from : `${from} ${name}`,
  ]);
  terminal.result(
    `${formatTable(rows)}\n\na flag counts before the environment, the environment before the default`,
    settings,
  );
  return Promise.resolve();
}

/** In small letters it counts before the one in capitals. What it holds may be a password: only where the proxy is is shown. */
function proxySetting(variable: string, environment: NodeJS.ProcessEnv): Setting {
  const name = [variable.toLowerCase(), variable].find((one) => (environment[one] ?? '') !== '');
  const text = name === undefined ? '' : environment[name]!;
  const setting =
    variable === 'NO_PROXY' ? 'no web proxy for' : `web proxy for ${variable.slice(0, -6).toLowerCase()}`;
  if (name === undefined) return { setting, value: 'none', from: 'default', name: '' };
  return { setting, value: text.replace(/[^/@]*@/, ''), from: 'environment', name };
}
