import type { Client, KeyPurpose } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import { quorumMeaning } from '../command-line/quorum-flag.js';
import type { PolicyFlags, Recovery } from '../command-line/policy-flags.js';
import { askChoice, askSeveral } from '../terminal/prompt.js';
import { canAsk } from '../terminal/seat.js';
import type { Terminal } from '../terminal/terminal.js';

/** What a key is made with, as typed; what is missing is asked for. */
export interface KeyWishes {
  readonly for?: KeyPurpose;
  /** `2of3` */
  readonly quorum?: string;
  /** Names, separated by commas. */
  readonly servers?: string;
  readonly recovery?: Recovery;
}

const PURPOSES: readonly { readonly value: KeyPurpose; readonly label: string; readonly hint: string }[] = [
  { value: 'message', label: 'messages and files', hint: 'signatures that programs and people check' },
  { value: 'bitcoin', label: 'bitcoin', hint: 'receive and pay' },
  { value: 'ssh', label: 'ssh and git', hint: 'log in, sign files, commits and tags' },
  { value: 'git', label: 'git only', hint: 'sign commits and tags' },
  {
    value: 'derive',
    label: 'secrets',
    hint: 'a secret for each label: backups, disks, passwords of programs',
  },
];

/** Names everything that is missing at once, where nobody can be asked for it. @throws UsageError `ARGUMENT_MISSING` */
export function assertAskable(
  terminal: Terminal,
  name: string,
  given: KeyWishes,
  command: 'create' | 'import' = 'create',
): void {
  const missing = (['for', 'quorum', 'servers'] as const).filter((flag) => given[flag] === undefined);
  if (missing.length > 0 && !canAsk(terminal)) throw notGiven(name, missing, command);
}

/**
 * Asks for what is missing, with a default for each.
 * @throws UsageError `SERVER_UNKNOWN`; StateError `CANCELLED_BY_PERSON`
 */
export async function completeWishes(
  terminal: Terminal,
  client: Client,
  name: string,
  given: KeyWishes & Pick<PolicyFlags, 'strict'>,
): Promise<Required<KeyWishes>> {
  const purpose =
    given.for ?? (await askChoice(terminal, `What is ${name} for?`, PURPOSES, 'message', hintFor('for')));
  const servers = given.servers ?? (await askServers(terminal, client));
  const quorum = given.quorum ?? (await askQuorum(terminal, servers, given.strict === true));
  const isAsked = [given.for, given.servers, given.quorum].includes(undefined);
  return {
    for: purpose,
    servers,
    quorum,
    recovery: given.recovery ?? (await askRecovery(terminal, isAsked)),
  };
}

/** A sentence each: a terminal shows the hint of the marked one alone, and both must be read to choose. */
const RECOVERY_CHOICES: readonly { readonly value: Recovery; readonly label: string }[] = [
  { value: 'epoch', label: 'other servers or its backup give it back; a refresh heals theft (epoch)' },
  { value: 'static', label: 'its identity file alone gives it back; nothing heals theft (static)' },
];

/** Only of whoever is asked other things too: what was typed in full is not made longer. */
async function askRecovery(terminal: Terminal, isAsked: boolean): Promise<Recovery> {
  if (!isAsked) return 'epoch';
  const question = 'When a server loses its share?';
  return askChoice(terminal, question, RECOVERY_CHOICES, 'epoch', hintFor('recovery'));
}

async function askServers(terminal: Terminal, client: Client): Promise<string> {
  const names = (await client.listServers()).map((server) => server.name);
  if (names.length < 2) throw tooFew(names.length);
  const options = names.map((name) => ({ value: name, label: name }));
  const chosen = await askSeveral(
    terminal,
    'Which servers make it with you?',
    options,
    names,
    hintFor('servers'),
  );
  return names.filter((name) => chosen.includes(name)).join(',');
}

/** Chosen by what it means; a majority unless told. */
async function askQuorum(terminal: Terminal, servers: string, strict: boolean): Promise<string> {
  const of = servers.split(',').length;
  if (of < 2) return `${of}of${of}`;
  const options = Array.from({ length: of - 1 }, (_, i) => {
    const needed = i + 2;
    const hint = quorumMeaning({ needed, of }, strict);
    return { value: `${needed}of${of}`, label: `${needed} of ${of}`, hint };
  });
  const majority = `${Math.max(2, Math.floor(of / 2) + 1)}of${of}`;
  return askChoice(terminal, 'How many must agree?', options, majority, hintFor('quorum'));
}

const EXAMPLES = {
  for: 'message',
  quorum: '2of3',
  servers: 'alpha,bravo,charlie',
  recovery: 'epoch',
} as const;

function hintFor(flag: keyof typeof EXAMPLES): string {
  return `give it: --${flag} ${EXAMPLES[flag]}`;
}

function notGiven(name: string, missing: readonly (keyof typeof EXAMPLES)[], command: string): UsageError {
  const flags = missing.map((flag) => `--${flag}`);
  const example = missing.map((flag) => `--${flag} ${EXAMPLES[flag]}`).join(' ');
  return new UsageError(`to make ${name}, ${flags.join(', ')} ${flags.length === 1 ? 'is' : 'are'} missing`, {
    code: 'ARGUMENT_MISSING',
    hint: `run this on a terminal, or write for example: ckm key ${command} ${name} ${example}`,
  });
}

function tooFew(count: number): UsageError {
  return new UsageError(
    `a key takes at least 2 servers, and you have added ${count === 0 ? 'none' : count}`,
    {
      code: 'SERVER_UNKNOWN',
      hint: 'add each of your servers with: ckm server add NAME URL',
    },
  );
}
