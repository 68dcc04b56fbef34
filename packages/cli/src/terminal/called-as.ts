/** Set by the script `ckm` at the root of a clone: how it was called, where the shell does not find it as `ckm`. */
const VARIABLE = 'CKM_CALLED_AS';

/** The first words that a command line of ours may have. */
export const FIRST_WORDS = [
  'init',
  'seed',
  'unlock',
  'lock',
  'server',
  'key',
  'freeze',
  'thaw',
  'drill',
  'address',
  'sign',
  'verify',
  'requests',
  'sessions',
  'status',
  'doctor',
  'ssh-agent',
  'git-sign',
  'sheet',
  'config',
  'completion',
  'explain',
] as const;

const COMMAND = new RegExp(`(?<![\\w./-])ckm (?=(?:${FIRST_WORDS.join('|')})(?![\\w-]))`, 'g');
/** What people wrote is never touched: it stands between these marks. */
const QUOTED = /(“[^”]*”)/;

/** Commands in what is said to people, as they have to type them: `./ckm server start` in a clone. */
export function asCalled(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  const called = environment[VARIABLE] ?? '';
  if (!/^[\w./~+@-]+$/.test(called)) return text;
  return text
    .split(QUOTED)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(COMMAND, () => `${called} `)))
    .join('');
}
