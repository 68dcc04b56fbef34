import {
  type Client,
  type EndOfChanges,
  type KeyRepair,
  repairEndsChanges,
  type RepairKeyArgs,
  type RepairPlan,
  type StoppedRepair,
} from '@ckm/client';
import { AvailabilityError } from '@ckm/foundation';
import type { Command } from 'commander';
import { INVITE_FLAG, readInvite } from '../../command-line/invite-flag.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid, parseDuration } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { orderChange } from '../../owner/order-change.js';
import { untilDone } from '../../owner/until-done.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { askTyped, confirm } from '../../terminal/prompt.js';
import { canAsk, cancelled, notTyped } from '../../terminal/seat.js';

/** `ckm key repair NAME --server SERVER [--by SERVER]` */
export function keyRepairCommand(): Command {
  return leaf('repair', 'give a server that lost its share of a key the share back, by the others', {
    69: 'somebody is still waited for: the same command goes on',
    75: 'no change of its servers comes after this repair; with --by: too few servers decide for now',
    77: 'an operator says no; with --by also: servers wait for one, or for a delay',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .requiredOption('--server <name>', 'the server that lost its share')
    .option(
      '--by <name>',
      'no share is given back: this other server of yours takes its place, with new shares for all',
    )
    .option(
      '--key-name <name>',
      'with --by, or where no change comes after it: the name of the key once more, in the place of typing it',
    )
    .option('--helpers <names>', 'who is to help, separated by commas (default: those that answer)')
    .option(INVITE_FLAG, 'with the code, if it lost your account too and takes nobody without')
    .option('--stop', 'stop every repair of that share, whichever of your devices began it')
    .option('--wait <time>', 'how long to wait for operators: 30s, 2h (default: not at all)')
    .action(run(repair));
}

interface Flags {
  readonly server: string;
  readonly by?: string;
  readonly keyName?: string;
  readonly helpers?: string;
  readonly inviteFile?: string;
  readonly wait?: string;
  readonly stop?: true;
}

async function repair(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const { server, helpers, wait } = given;
  const waitSeconds = wait === undefined ? 0 : parseDuration('--wait', wait);
  if (given.by !== undefined) return replace(context, name, given.by, given);
  const invite = await readInvite(given.inviteFile);
  const args: RepairKeyArgs = {
    name,
    server,
    ...(helpers === undefined ? {} : { helpers: namesIn(helpers) }),
    ...(invite === undefined ? {} : { invite }),
  };
  const client = await openOwner(context);
  if (given.stop === true) return stop(context, client, args);
  const plan = await client.planRepair(args, { follows: flags.preview !== true });
  terminal.warn(planLines(name, plan));
  if (flags.preview === true) {
    terminal.result('nothing was written', { preview: true, name, ...plan, ends: endsForMachines(plan) });
    return;
  }
  const endsChanges = await readEnd(context, args, plan, given.keyName);
  const question = plan.isUnderWay ? 'Go on with it?' : 'Begin?';
  if (endsChanges === null && flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
  const progress = createProgress(terminal);
  const wanted = endsChanges === null ? args : { ...args, endsChanges };
  const once = () => client.repairKey(wanted, progress.on);
  let repaired: string | null = null;
  await progress.during(untilDone(terminal, progress, { wait: waitSeconds }, once), (done) => {
    if (done.outcome === 'repaired') repaired = done.key;
    showRepaired(context, done);
  });
  warnOfClock(context, client);
  await sayNext(context, client, repaired);
}

function endsForMachines({ ends }: RepairPlan) {
  if (ends === null) return null;
  const { transcriptHash: _epoch, ...said } = ends;
  return said;
}

/**
 * What the owner has read, and wants the share given back all the same, though no change of the key comes after it; null: nothing of the kind. Where it
 * can be refreshed first he is not even asked; a server may lie about that, so that the option takes him through. Of a server that is behind nobody knows yet: he is
 * asked for the name once it has lost its share, and may say it before.
 * @throws StateError `REPAIR_ENDS_CHANGES`; UsageError `OPTION_INVALID`
 */
async function readEnd(
  { terminal }: Context,
  { name, server }: RepairKeyArgs,
  { ends }: RepairPlan,
  keyName: string | undefined,
): Promise<EndOfChanges | null> {
  if (ends === null && keyName !== undefined)
    throw optionInvalid(
      '--key-name is for a change of servers, or a repair after which there is none',
      'leave it out, or say --by SERVER',
    );
  if (ends === null || (ends.ifLost && keyName === undefined)) return null;
  const isAsked = ends.missing.length > 0 && canAsk(terminal);
  if (keyName === undefined && !isAsked) throw repairEndsChanges({ name, server }, ends);
  const sentence = `Give ${server} its share of ${name} back, and change its servers never again`;
  const typed =
    keyName ??
    (await askTyped(terminal, `Type ${name} to give the share back all the same:`, {
      sentence,
      shown: null,
    }));
  if (typed.trim() !== name) throw notTyped(name);
  return ends;
}

/** Only the certified identity is given a share back: another server in its place is a change of who holds the key. */
function replace(context: Context, name: string, by: string, given: Flags): Promise<void> {
  const { server, wait, keyName } = given;
  if (given.stop === true || given.helpers !== undefined || given.inviteFile !== undefined)
    throw optionInvalid(
      '--by goes with none of --helpers, --invite-file and --stop',
      'leave those out: nobody gives a share back, and ckm sessions cancel takes the change back',
    );
  return orderChange(
    context,
    name,
    { kind: 'replace-server', server, by },
    {
      ...(keyName === undefined ? {} : { keyName }),
      ...(wait === undefined ? {} : { wait: parseDuration('--wait', wait) }),
    },
  );
}

/** What goes on elsewhere is not on record here: servers are asked. */
async function stop({ terminal, flags }: Context, client: Client, args: RepairKeyArgs): Promise<void> {
  const { name, server } = args;
  if (flags.preview === true) {
    terminal.result(`would stop every repair of the share of ${name} at ${server}`, {
      preview: true,
      name,
      server,
    });
    return;
  }
  const done = await client.stopRepair(args);
  const { stopped, silent, refused } = done;
  const left = [...silent, ...refused.map((one) => one.server)];
  const nowhere = left.length === 0 ? 'no repair goes on' : 'none was stopped';
  const where = stopped.length === 0 ? nowhere : `stopped at ${stopped.join(', ')}`;
  terminal.result(where, { name, server, ...done });
  if (left.length > 0) throw notStopped(done, left, args);
}

/** @param left where it may go on */
function notStopped({ refused }: StoppedRepair, left: readonly string[], { name, server }: RepairKeyArgs) {
  const said = refused.map((one) => `; ${one.server}: ${one.text}`).join('');
  return new AvailabilityError(`not stopped at ${left.join(', ')}: the repair may go on there${said}`, {
    code: 'REPAIR_NOT_STOPPED',
    hint: 'stop it again when they answer',
    remedy: { kind: 'stopRepair', key: name, server },
    facts: { servers: left },
  });
}

function planLines(name: string, { server, helpers, needed, isUnderWay, ends }: RepairPlan): string {
  return [
    '',
    `  Give back   the share of ${name} that ${server} has lost${isUnderWay ? ' (under way)' : ''}`,
    `  Helping     ${helpers.join(', ')}: ${needed} are needed, and none of them sees it`,
    `  First       if ${server} can take it from the certificate (static backup), that is all`,
    `  Asked       the operator of ${server} says that it is lost: ckm server requests FOLDER`,
    '              the operators of those who help agree, or say nothing for 24 hours',
    `  Same        key, addresses and all other shares stay; the old share stays valid`,
    '  Not         protected from: whoever has taken the old share',
    ...(ends === null
      ? [
          `  Then        ckm key refresh ${name}: new shares for all, beside which the old one is worth nothing`,
        ]
      : endLines(name, server, ends)),
    '',
  ].join('\n');
}

/** What is lost by it for good, and how not. */
function endLines(
  name: string,
  server: string,
  { ifLost, forgot, deciding, missing }: EndOfChanges,
): string[] {
  const who = forgot.join(', ');
  const what = [
    `  ${ifLost ? 'May end' : 'Ends   '}     every change and refresh of ${name}: ${who} came back in this epoch too, and fewer than the`,
    `              ${deciding} that decide would know what they said. It signs on, with these servers and shares for ever`,
  ];
  if (ifLost)
    return [
      ...what,
      `              Not where ${server}, which is behind, has kept what opens its share: that is found out first`,
    ];
  return [
    ...what,
    missing.length === 0
      ? `  Instead     ckm key refresh ${name}: new shares for all, also for who has lost his`
      : `  Instead     ckm key refresh ${name}, if ${missing.join(', ')} can be had back as it was`,
  ];
}

/** What came of it, for a person and as data. */
export function showRepaired({ terminal }: Context, done: KeyRepair): void {
  if (done.outcome === 'held') {
    terminal.result(`${done.server} has its share: it had it, or took it from the certificate`, done);
    return;
  }
  const { server, key, helpers } = done;
  terminal.result(`${server} has its share of ${key} again, by ${helpers.join(' and ')}`, done);
}

/** Longest wait for servers behind something that is done. */
const LOOK_MS = 1_500;

/**
 * What belongs behind a repair (L6): nobody knows who reads the old disk, and whoever was repaired decides on nothing in this epoch.
 * @param key its name; null: no share was given back
 */
export async function sayNext({ terminal }: Context, client: Client, key: string | null): Promise<void> {
  if (key === null || terminal.quiet) return;
  const { keys } = await client.status({ timeoutMs: LOOK_MS, isRemembered: false });
  const isOver = keys.some(({ name, changeable }) => name === key && changeable === 'never');
  terminal.talk(isOver ? 'next: make another key, and move' : `next: ckm key refresh ${key}`);
}

function namesIn(text: string): string[] {
  const names = text.split(',').map((one) => one.trim());
  if (names.every((one) => one !== '')) return names;
  throw optionInvalid(
    '--helpers holds an empty name',
    'write the names with single commas between: --helpers alpha,charlie',
  );
}
