/** Set by the script `ckm` at the root of a clone: how it was called, where the shell does not find it as `ckm`. */
const VARIABLE = 'CKM_CALLED_AS';

/**
 * The first words that a command line of ours may have, but `completion`: what it prints is about `ckm` in the PATH, and stands
 * in files that are read from any folder.
 */
export const FIRST_WORDS = [
  'init',
  'seed',
  'derive',
  'device',
  'unlock',
  'lock',
  'server',
  'key',
  'alive',
  'freeze',
  'thaw',
  'drill',
  'account',
  'address',
  'approver',
  'heir',
  'sign',
  'verify',
  'requests',
  'sessions',
  'status',
  'terms',
  'doctor',
  'ssh-agent',
  'git-sign',
  'sheet',
  'config',
  'contact',
  'csr',
  'explain',
  'help',
] as const;

/** `ckm` in front of a word of ours, of a flag, or of what the usage line has in their place; also where a line ends between them. */
const COMMAND = new RegExp(
  String.raw`(?:(?<![\w./-])|(?<=\u001b\[[\d;]*m))ckm(?=(?: |\n *)(?:(?:${FIRST_WORDS.join('|')})(?![\w-])|--?[a-z]|\[options\]))`,
  'g',
);
/** What people wrote is never touched: it stands between these marks. What begins and does not end goes on to the end. */
const QUOTED = /(“(?:\\[\s\S]|[^”\\])*(?:”|\\?$)|"(?:\\.|[^"\\\n])*")/;

/**
 * Commands in what is said to people, as they have to type them: `./ckm server start` in a clone. All that is said passes here
 * where it leaves: {@link createTerminal}, `errorLines`, questions, help. What is for programs (`--json`), for other machines (a
 * recovery sheet) or of others (what is signed) does not.
 */
export function asCalled(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  const called = environment[VARIABLE] ?? '';
  if (!/^[\w./~+@-]+$/.test(called)) return text;
  return text
    .split(QUOTED)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(COMMAND, () => called)))
    .join('');
}
