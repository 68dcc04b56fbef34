import type { Client, Drill, DrillPlan } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid, parseDuration } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { createProgress } from '../../terminal/progress.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm drill restore NAME --lost SERVER` */
export function drillRestoreCommand(): Command {
  return leaf('restore', 'rehearse that a lost server of a key is made again by the others', {
    69: 'a server does not answer: the same command goes on',
    76: 'the drill failed, and a server is at fault',
    77: 'the drill failed: a server refuses',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--lost <server>', 'the server that is to be made again')
    .option('--due', 'only if a drill of the key is due: what a calendar runs')
    .option('--every <time>', 'drill nothing now, and say how often it is due: 180d, or never')
    .action(run(restore));
}

interface Flags {
  readonly lost?: string;
  readonly due?: true;
  readonly every?: string;
}

async function restore(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const { lost, every } = given;
  if ((lost === undefined) === (every === undefined))
    throw optionInvalid(
      'name the server with --lost, or say how often with --every',
      `write for example ckm drill restore ${name} --lost SERVER`,
    );
  const client = await openOwner(context);
  if (lost === undefined) return schedule(context, client, name, parseEvery(every!));
  const dueAt = await client.drillDue(name);
  if (given.due === true && (dueAt === null || dueAt > unixNow()))
    return terminal.result(`${name}: ${nextText(dueAt)}`, { name, isDue: false, nextAt: dueAt });
  const plan = await client.planDrill({ name, lost });
  terminal.warn(planLines(plan));
  if (flags.preview === true)
    return terminal.result('nothing was sent or written', { preview: true, ...plan });
  const progress = createProgress(terminal, `go on with it: ckm drill restore ${name} --lost ${lost}`);
  await progress.during(client.drillKey({ name, lost }, progress.on), (drill) => {
    terminal.result(drillText(drill), drill);
  });
  warnOfClock(context, client);
}

function parseEvery(text: string): number | null {
  if (text === 'never') return null;
  const seconds = parseDuration('--every', text);
  if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) return seconds;
  throw optionInvalid('--every is from 1d to 3650d, or never', 'write for example --every 180d');
}

const LEAST_SECONDS = 86_400;
const MOST_SECONDS = 3_650 * 86_400;

async function schedule(
  { terminal, flags }: Context,
  client: Client,
  name: string,
  everySeconds: number | null,
): Promise<void> {
  if (flags.preview === true) {
    await client.showKey(name);
    return terminal.result(`nothing was written; would write how often to drill ${name}`, {
      preview: true,
      name,
      everySeconds,
    });
  }
  const nextAt = await client.scheduleDrills(name, everySeconds);
  terminal.result(`${name}: ${nextText(nextAt)}`, { name, everySeconds, nextAt });
}

function nextText(nextAt: number | null): string {
  return nextAt === null ? 'is not to be drilled' : `next drill ${formatInstant(nextAt, unixNow())}`;
}

function planLines({ name, lost, servers, quorum, isUnderWay }: DrillPlan): string {
  return [
    '',
    `  Drill       ${lost} is lost, and is made again${isUnderWay ? ' (under way)' : ''}`,
    `  With        a key made for this drill by ${servers.join(', ')}, ${quorum.needed} of ${quorum.of} as ${name}`,
    `  Then        ${lost} forgets its share of that, gets it back from the others, and signs one fixed text with it`,
    `  Not         touched: any share of ${name}. Nobody is asked, and the drill's key is forgotten afterwards`,
    '',
  ].join('\n');
}

function drillText({ name, lost, quorum, way, helpers, signers, notTold, nextAt }: Drill): string {
  const { needed, of } = quorum;
  const back =
    way === 'peers'
      ? `by ${helpers.join(' and ')}; the share that came is the one that was certified`
      : 'from the certificate, by itself (static backup): the others were not needed, and were not tried';
  const forgotten =
    notTold.length === 0 ? 'at every server' : `but at ${notTold.join(', ')}, which will do so after a week`;
  const rows = [
    ['ok', 'made', `a key for this drill, ${needed} of ${of}, by every server of ${name}`],
    ['ok', 'lost', `${lost} forgot its share of it, as if its disk had died`],
    ['ok', 'given back', back],
    ['ok', 'signed', `by ${signers.join(' and ')}, with that share; the signature was checked here`],
    [notTold.length === 0 ? 'ok' : 'warn', 'forgotten', forgotten],
    ['-', 'not touched', `any share of ${name}`],
    ['-', 'not shown', `that every server still has its share of ${name}: ckm key check ${name}`],
    [
      '-',
      'not shown',
      `that the backup of ${lost} can be read: its operator, with ckm server drill FOLDER --backup FILE`,
    ],
  ];
  return [
    `${name}: ${lost} was made again${way === 'peers' ? ' by the others' : ''}, and signed`,
    formatTable(rows, '  '),
    `  ${nextText(nextAt)}`,
  ].join('\n');
}
