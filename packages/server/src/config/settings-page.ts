import { ENV_NAMES } from './env.js';
import { listSettings, type Setting } from './settings.js';

/** Variables that belong to no setting. */
const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  CKM_DATABASE_URL: 'address of a PostgreSQL database; unset: SQLite in the data directory',
  CKM_STORAGE_KEY_FILE: 'file of the storage key, elsewhere than in the data directory',
  CKM_ALLOW_INSPECT: 'for tests: run under a debugger',
  CKM_ACCEPT_CLOCK: 'start once although the clock was ahead and came back, or nothing ran for a year',
};

/** docs/settings.md: every setting and every variable, from the schema that checks them. */
export function settingsPage(): string {
  const others = Object.values(ENV_NAMES).filter((name) => OTHER_VARIABLES[name] !== undefined);
  return [
    '# Settings of a Secret Server',
    '',
    '`config.json` in the data directory. Everything but `name` may be left out; a name that is not here is refused. A dot stands',
    'for an object inside an object: `limits.body` is `{"limits": {"body": 2097152}}`. A variable of the environment has the last',
    'word. [Operating](operating.md#settings) says how to check them and what to think of.',
    '',
    'All of it is read when the server starts, and only then: restart the server after a change. Its status names the settings',
    'that were changed since. Only the files that `tls` names are read again while it runs, on SIGHUP (`systemctl reload ckm`).',
    '',
    ...table([
      ['setting', 'what', 'values', 'default', 'variable'],
      ...listSettings().map(({ name, says, values, fallback, variable }: Setting) => [
        `\`${name}\``,
        says,
        values,
        fallback === null ? 'has to be given' : `\`${fallback}\``,
        variable === null ? '' : `\`${variable}\``,
      ]),
    ]),
    '',
    'Variables that stand for no setting:',
    '',
    ...table([['variable', 'what'], ...others.map((name) => [`\`${name}\``, OTHER_VARIABLES[name]!])]),
    '',
    'A switch is `1` or `true`, `0` or `false`; anything else is refused. No passphrase and no key is read from the environment.',
    '',
  ].join('\n');
}

/** Columns as wide as their longest cell, as the formatter of the repository wants them. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}
