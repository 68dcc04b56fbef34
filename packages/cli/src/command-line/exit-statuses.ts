import type { Command } from 'commander';

/** Exit status → what it says of one command. */
export type Endings = Readonly<Record<number, string>>;

/** What each exit status says, whatever the command: the class of its error. Source: docs/concepts.md, "Errors" */
const STATUSES: readonly (readonly [status: number, meaning: string])[] = [
  [0, 'done'],
  [64, 'the command line cannot be understood, or asks for what is not possible'],
  [65, 'what was read (a file, a signature, words) is not right'],
  [69, 'too few servers answer, or a program or package that is needed is not there'],
  [70, 'a defect of this program'],
  [74, 'a disk or database refuses, or what is stored there fails its check'],
  [75, 'the wrong moment: look again, then try again'],
  [76, 'a server misbehaved, and is named'],
  [77, 'not allowed, or not yet: by a passphrase, a policy, a person or an operator'],
];

const ENDINGS = new WeakMap<Command, Endings>();

/** Says in the help of a command what its exit statuses mean. */
export function describeEndings(command: Command, own: Endings): Command {
  ENDINGS.set(command, own);
  return command.addHelpText('after', endingHelp(own));
}

/** The same for programs: all of them, in the words of the command where it has its own. */
export function exitStatusesOf(command: Command): readonly ExitStatus[] {
  const own = ENDINGS.get(command) ?? {};
  return STATUSES.map(([status, meaning]) => ({ status, meaning: own[status] ?? meaning }));
}

function endingHelp(own: Endings): string {
  const rows = Object.entries(own).map(([status, meaning]) => `  ${status}  ${meaning}\n`);
  const all = 'else the kind of error: ckm help exit';
  return rows.length === 0
    ? `Exit status: 0 done; ${all}`
    : `Exit status:\n  0   done\n${rows.join('')}  ${all}`;
}

/** For programs: an exit status, and what it says. */
export interface ExitStatus {
  readonly status: number;
  readonly meaning: string;
}

/** What `ckm help exit --json` prints. */
export function exitStatuses(): { readonly exitStatuses: readonly ExitStatus[] } {
  return { exitStatuses: STATUSES.map(([status, meaning]) => ({ status, meaning })) };
}

/** What `ckm help exit` prints. */
export function exitHelp(): string {
  const rows = STATUSES.map(([status, meaning]) => `  ${String(status).padEnd(4)}${meaning}`);
  return [
    'Exit status:',
    ...rows,
    '',
    'ckm ssh-agent and ckm git-sign end as the program that they run for you does.',
    'The last line of an error has a code: ckm explain CODE says more.',
  ].join('\n');
}
