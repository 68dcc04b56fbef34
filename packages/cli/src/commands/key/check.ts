import type { CheckVerdict, Client, KeyCheck, ServerCheck } from '@ckm/client';
import {
  AvailabilityError,
  type CkmError,
  type ErrorDetails,
  PeerFaultError,
  PolicyError,
  type Remedy,
  StateError,
} from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid, parseDuration } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm key check NAME|--all` */
export function keyCheckCommand(): Command {
  return leaf('check', 'have every server of a key prove that it holds its share; the key is not used', {
    69: 'a server is silent, or has lost its share',
    76: 'a server gave a wrong proof, or says that its share is damaged',
    77: 'a server refuses, which says nothing about its share',
  })
    .argument('[name]', 'what you call the key: see ckm key list')
    .option('--all', 'every key')
    .option('--due', 'only keys that are due; with --all what a calendar runs')
    .option('--every <time>', 'check nothing now, and say how often it is due: 90d, or never')
    .action(run(check));
}

interface Flags {
  readonly all?: boolean;
  readonly due?: boolean;
  readonly every?: string;
}

async function check(context: Context, name: string | undefined, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  if ((name === undefined) === (given.all !== true))
    throw optionInvalid('name one key, or say --all', 'write for example ckm key check NAME');
  const everySeconds = given.every === undefined ? undefined : parseEvery(given.every);
  const client = await openOwner(context);
  const all = name === undefined ? (await client.listKeys()).map((key) => key.name) : [name];
  const names = given.due === true ? await dueOf(client, all) : all;
  if (flags.preview === true) {
    const what = everySeconds === undefined ? 'would ask all servers of' : 'would write how often to check';
    const text = `nothing was sent or written; ${what} ${names.length === 0 ? 'no key' : names.join(', ')}`;
    terminal.result(text, { preview: true, keys: names });
    return;
  }
  if (everySeconds !== undefined) return schedule(context, client, names, everySeconds);
  if (names.length === 0) {
    terminal.result(given.due === true ? 'no key is due' : 'no keys yet', []);
    return;
  }
  const checks: KeyCheck[] = [];
  for (const one of names) {
    const found = await client.checkKey(one, hanging(checks));
    checks.push(found);
    if (!terminal.json) terminal.result(checkText(found), null);
  }
  if (terminal.json) terminal.result('', name === undefined ? checks : checks[0]!);
  const trouble = troubleWith(checks);
  if (trouble !== null) throw afterAnswer(trouble);
}

/** Servers that were waited for in vain: to wait for them again for each key would take minutes. */
function hanging(checks: readonly KeyCheck[]): string[] {
  const all = checks.flatMap(({ servers }) => servers);
  return all.filter(({ code }) => code === 'SERVER_TIMEOUT').map(({ server }) => server);
}

function parseEvery(text: string): number | null {
  if (text === 'never') return null;
  const seconds = parseDuration('--every', text);
  if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) return seconds;
  throw optionInvalid('--every is from 1d to 3650d, or never', 'write for example --every 90d');
}

const LEAST_SECONDS = 86_400;
const MOST_SECONDS = 3_650 * 86_400;

async function dueOf(client: Client, names: readonly string[]): Promise<string[]> {
  const due: string[] = [];
  for (const name of names) {
    const at = await client.checkDue(name);
    if (at !== null && at <= unixNow()) due.push(name);
  }
  return due;
}

async function schedule(
  { terminal }: Context,
  client: Client,
  names: readonly string[],
  everySeconds: number | null,
): Promise<void> {
  const due: {
    readonly name: string;
    readonly everySeconds: number | null;
    readonly nextAt: number | null;
  }[] = [];
  for (const name of names) {
    const nextAt = await client.scheduleChecks(name, everySeconds);
    due.push({ name, everySeconds, nextAt });
  }
  terminal.result(due.map(({ name, nextAt }) => `${name}: ${nextText(nextAt)}`).join('\n'), due);
}

function nextText(nextAt: number | null): string {
  return nextAt === null ? 'is not to be checked' : `next check ${formatInstant(nextAt, unixNow())}`;
}

function checkText({ name, servers, quorum, margin, deciding, nextAt }: KeyCheck): string {
  const rows = servers.map(({ server, verdict, text }) => [LEVELS[verdict], server, text]);
  const proved = margin + quorum.needed;
  const change = deciding === quorum.needed ? '' : `; it takes ${deciding} to change hands`;
  const more = margin < 0 ? `too few to sign: ${quorum.needed} are needed` : `${mayFail(margin)}${change}`;
  return [
    `${name}: ${proved} of ${quorum.of} have proved that they hold their share, ${more}`,
    formatTable(rows, '  '),
    `  ${nextText(nextAt)}`,
  ].join('\n');
}

function mayFail(margin: number): string {
  if (margin === 0) return 'none may fail';
  return margin === 1 ? '1 server may fail' : `${margin} servers may fail`;
}

const LEVELS: Record<CheckVerdict, 'ok' | 'warn' | 'fail'> = {
  holds: 'ok',
  wrong: 'fail',
  damaged: 'fail',
  lost: 'fail',
  forgot: 'warn',
  refused: 'warn',
  silent: 'warn',
  unknown: 'warn',
};

interface Found extends ServerCheck {
  readonly key: string;
}

/** The worst of it, as an error; a refusal is told as one and not as a loss. */
function troubleWith(checks: readonly KeyCheck[]): CkmError | null {
  const found = checks.flatMap(({ name, servers }) => servers.map((one): Found => ({ ...one, key: name })));
  for (const [verdicts, errorOf] of WORST_FIRST) {
    const those = found.filter(({ verdict }) => verdicts.includes(verdict));
    if (those.length > 0) return errorOf(those);
  }
  return null;
}

type ErrorOf = (found: readonly Found[]) => CkmError;

const WORST_FIRST: readonly (readonly [verdicts: readonly CheckVerdict[], errorOf: ErrorOf])[] = [
  [
    ['wrong', 'damaged'],
    (found) =>
      new PeerFaultError(`${subjectOf(found)} does not hold what was certified`, {
        code: 'SHARE_NOT_PROVED',
        ...wayFrom(found),
        facts: factsOf(found),
      }),
  ],
  [
    ['lost'],
    (found) =>
      new AvailabilityError(`${subjectOf(found)} has lost its share`, {
        code: 'SHARE_LOST',
        hint: 'have it get its share back',
        remedy: repairOf(found),
        facts: factsOf(found),
      }),
  ],
  [
    ['refused'],
    (found) =>
      new PolicyError(`${subjectOf(found)} refuses to be checked: ${found[0]!.text}`, {
        code: 'KEY_NOT_CHECKED',
        ...wayTo(found),
        facts: factsOf(found),
      }),
  ],
  [
    ['forgot'],
    (found) =>
      new AvailabilityError(
        `${subjectOf(found)} does not know you any more, or somebody on the way says so`,
        {
          code: 'KEY_NOT_CHECKED',
          hint: 'look at it with: ckm doctor; then check again',
          facts: factsOf(found),
        },
      ),
  ],
  [
    ['silent'],
    (found) =>
      new AvailabilityError(`${subjectOf(found)} does not answer`, {
        code: 'KEY_NOT_CHECKED',
        hint: 'look at it with: ckm doctor; then check again',
        facts: factsOf(found),
      }),
  ],
  [
    ['unknown'],
    (found) =>
      new StateError(`${subjectOf(found)} is not among your servers any more`, {
        code: 'KEY_NOT_CHECKED',
        hint: 'add it again: ckm server add NAME URL',
        facts: factsOf(found),
      }),
  ],
];

/** What does not open any more, or is not what was certified, the others give back; of one that proves what is wrong its operator has to look at the machine. */
function wayFrom(found: readonly Found[]): Pick<ErrorDetails, 'hint' | 'remedy'> {
  const look = 'ask its operator to look at the machine and its database';
  const damaged = found.filter(({ verdict }) => verdict === 'damaged');
  if (damaged.length < found.length) return { hint: `${look}; the others go on meanwhile` };
  return { hint: `${look}; what is gone the others give back`, remedy: repairOf(damaged) };
}

/** Whoever is in an earlier epoch still, though it was shown the newest, has nothing that opens its share of that. */
function wayTo(found: readonly Found[]): Pick<ErrorDetails, 'hint' | 'remedy'> {
  const behind = found.filter(({ code }) => BEHIND.includes(code ?? ''));
  if (behind.length > 0)
    return {
      hint: 'if it came back from an older backup, have the others give it its share',
      remedy: repairOf(behind),
    };
  return { hint: `ask its operator; what that means: ckm explain ${found[0]!.code ?? ''}`.trim() };
}

const BEHIND: readonly string[] = ['KEY_EPOCH_DIFFERS', 'CHANGE_SHARE_LOST'];

/** In the certificate or at the others, whichever has it: the first server, with all of its keys. */
function repairOf(found: readonly Found[]): Remedy {
  const { server } = found[0]!;
  return { kind: 'repairKey', keys: keysOf(found.filter((one) => one.server === server)), server };
}

function subjectOf(found: readonly Found[]): string {
  return [...new Set(found.map(({ server }) => server))].join(', ');
}

function keysOf(found: readonly Found[]): string[] {
  return [...new Set(found.map(({ key }) => key))];
}

function factsOf(found: readonly Found[]): { readonly servers: string[]; readonly keys: string[] } {
  return { servers: [...new Set(found.map(({ server }) => server))], keys: keysOf(found) };
}
