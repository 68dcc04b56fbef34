import { setTimeout } from 'node:timers/promises';
import type { Client, ExportAt, ExportPlan, KeyExport } from '@ckm/client';
import { formatSpan, PolicyError, StateError, UsageError, wipe } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { type Command, Option } from 'commander';
import type { Context } from '../command-line/context.js';
import { parseDuration } from '../command-line/option-values.js';
import { assertFormat, EXPORT_FORMATS, type ExportFormat } from './export-files.js';
import { warnOfClock } from './warn-of-clock.js';
import { assertTarget, parseTarget, writeExport } from './write-export.js';
import { unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { askTyped } from '../terminal/prompt.js';
import { canAsk, notTyped } from '../terminal/seat.js';

/** The options of every such command. */
export function takeOutOptions(command: Command): Command {
  return command
    .option('--to <file>', 'a new file for the key, readable by you alone')
    .option('--shares <dir>', 'a folder for the shares instead, one new file each')
    .addOption(
      new Option('--format <form>', 'scalar, for every suite, or pem for P-256 and secp256k1')
        .choices(EXPORT_FORMATS)
        .default('scalar'),
    )
    .option('--stop', 'stop every export of the key that may be stopped from here')
    .option('--wait <time>', 'how long to wait for operators: 30s, 2h (default: not at all)')
    .option('--key-name <name>', 'its name once more, in the place of typing it; --yes is not enough');
}

/** What the options of a command that takes a key out say. */
export interface TakeOutFlags {
  readonly to?: string;
  readonly shares?: string;
  readonly format: ExportFormat;
  readonly stop?: true;
  readonly wait?: string;
  readonly keyName?: string;
}

/** Who takes a key out, and by which command. */
export interface Taker {
  /** What the key is called here. */
  readonly name: string;
  /** The command as it is typed, without its options. */
  readonly command: string;
  /** What is said of whoever stops it meanwhile. */
  readonly stoppedBy: string;
  /** Opened once it is known that the options can be followed. */
  readonly open: () => Promise<Client>;
}

/** Takes a key out of its servers, or goes on with that, or stops it. */
export async function takeKeyOut(context: Context, taker: Taker, given: TakeOutFlags): Promise<void> {
  const { terminal, flags } = context;
  const { name } = taker;
  const waitSeconds = given.wait === undefined ? 0 : parseDuration('--wait', given.wait);
  if (given.stop === true) return stop(context, await taker.open(), name);
  const target = parseTarget(given.to, given.shares);
  const client = await taker.open();
  const key = await client.showKey(name);
  const plan = await client.planExport(name);
  assertFormat(key, given.format);
  await assertTarget(target, key, flags);
  terminal.warn(planLines(taker, plan));
  if (flags.preview === true) {
    terminal.result('nothing was written', { preview: true, name, ...plan });
    return;
  }
  await confirmByName(context, name, given.keyName);
  const progress = createProgress(terminal, 'the same command goes on where it was');
  await progress.during(untilDone(client, name, waitSeconds, progress), async (done) => {
    warnOfClock(context, client);
    if (done.exported === null) throw isOver(plan, done) ? over(taker, done) : waiting(name, plan, done);
    try {
      const files = await writeExport(key, done.exported, target, given.format);
      await client.closeExport(name);
      terminal.result(doneText(taker, files, done), {
        name,
        files,
        servers: done.servers,
        known: done.known,
      });
    } finally {
      forget(done.exported);
    }
  });
}

function forget({ scalar, shares }: NonNullable<KeyExport['exported']>): void {
  wipe(scalar);
  for (const { share } of shares) wipe(share);
}

async function stop({ terminal, flags }: Context, client: Client, name: string): Promise<void> {
  if (flags.preview === true) {
    terminal.result(`would stop every export of ${name}`, { preview: true, name });
    return;
  }
  const done = await client.stopExport(name);
  const where = done.stopped.length === 0 ? 'no export went on' : `stopped at ${done.stopped.join(', ')}`;
  const rest = done.unsaid.length === 0 ? '' : `; ${done.unsaid.join(', ')} did not say: one may go on there`;
  terminal.result(`${where}${rest}`, { name, ...done });
}

async function confirmByName(
  { terminal }: Context,
  name: string,
  keyName: string | undefined,
): Promise<void> {
  if (keyName === undefined && !canAsk(terminal)) {
    throw new UsageError('the name of the key has to be said once more to export it', {
      code: 'CONFIRMATION_NEEDED',
      hint: `run this on a terminal and type it, or add --key-name ${name}`,
    });
  }
  const about = { sentence: `Take the key ${name} out of its servers`, shown: null };
  const typed = keyName ?? (await askTyped(terminal, `Type ${name} to export it:`, about));
  if (typed.trim() !== name) throw notTyped(name);
}

const PAUSE_MS = 10_000;

/** Asks again while operators are waited for, as long as its owner said. What comes when he has left is forgotten. */
async function untilDone(
  client: Client,
  name: string,
  waitSeconds: number,
  { on, left }: Progress,
): Promise<KeyExport> {
  const until = unixNow() + waitSeconds;
  for (;;) {
    const done = await client.exportKey(name, on);
    if (left.aborted && done.exported !== null) forget(done.exported);
    if (done.exported !== null || unixNow() >= until || left.aborted) return done;
    await setTimeout(PAUSE_MS, undefined, { signal: left }).catch(() => undefined);
  }
}

function planLines({ name, stoppedBy }: Taker, { needed, servers, rules, isUnderWay }: ExportPlan): string {
  const { changes, changeDelay, people } = rules;
  const delay = changeDelay === 0 ? 'at once' : `${formatSpan(changeDelay)} after it first heard of it`;
  const who = changes === 'operator' ? ', and not before its operator has typed the six words' : '';
  return [
    '',
    `  Export      ${name}: the whole private key, for whoever has the file${isUnderWay ? ' (under way)' : ''}`,
    `  Asked       ${servers.map(plainText).join(', ')}: ${needed} of them have to give their shares`,
    `  Waits       each server gives its share ${delay}${who}`,
    ...(people === null
      ? []
      : [`  People      ${people.needed} of ${people.of.join(', ')} have to say yes: ckm approver list`]),
    '  For ever    no server is asked any more about what is signed with it, and nothing takes it back:',
    '              it counts as exported at its servers, in their logs, and in each later certificate',
    `  Meanwhile   ${stoppedBy}`,
    '',
  ].join('\n');
}

function doneText(
  { name, command }: Taker,
  files: readonly string[],
  { known: { told, untold } }: KeyExport,
): string {
  return [
    `${name} was exported to ${files.join(', ')}`,
    'whoever has that has the key: keep it where nobody else reads, and off this machine',
    ...(told.length === 0
      ? []
      : [`${told.map(plainText).join(', ')} gave no share, and has it in its log too`]),
    ...(untold.length === 0
      ? []
      : [
          `not in the log of ${untold.map(plainText).join(', ')} yet: ${command === `ckm key export ${name}` ? `ckm key verify ${name}` : command}, once it answers`,
        ]),
  ].join('\n');
}

/** What a server says of an export that nothing brings back. */
const ENDED = new Set(['SESSION_CANCELLED', 'SESSION_REJECTED', 'SESSION_EXPIRED', 'SESSION_ABORTED']);

/** Whether it ended at so many servers that the others are too few. */
function isOver({ needed }: ExportPlan, { servers }: KeyExport): boolean {
  return servers.filter(({ code }) => code === null || !ENDED.has(code)).length < needed;
}

function over({ name, command }: Taker, { servers }: KeyExport): StateError {
  return new StateError(`the export of ${name} is over: ${servers.map(stateText).join(', ')}`, {
    code: 'EXPORT_OVER',
    hint: `look who ended it, and why; to begin anew, first end this one here: ${command} --stop`,
    retryable: false,
  });
}

function waiting(
  name: string,
  { rules, needed }: ExportPlan,
  { orderHash, servers }: KeyExport,
): PolicyError {
  const out = servers.filter(({ state }) => state === 'given').length;
  const words = formatWords(likenessOf(orderHash));
  const told = rules.changes === 'operator' ? `; the six words for their operators: ${words}` : '';
  const left = out === 0 ? '' : `; ${out} of the ${needed} shares are out: if you stop here, refresh the key`;
  return new PolicyError(`the export of ${name} waits: ${servers.map(stateText).join(', ')}${left}${told}`, {
    code: 'EXPORT_WAITING',
    hint: 'tell the operators and whoever says yes the words yourself, and run the same command again',
    facts: { words, servers: servers.map(({ server, state }) => `${server} ${state}`) },
    retryable: true,
  });
}

const STATES: Readonly<Record<ExportAt['state'], string>> = {
  given: 'gave its share',
  agreed: 'has agreed',
  waits: 'waits for people, its operator or its delay',
  refused: 'refuses',
  silent: 'does not answer',
  faulty: 'answers what is not its own',
};

function stateText({ server, state, code, reason }: ExportAt): string {
  const why = reason === null ? '' : `: ${plainText(reason)}`;
  return `${plainText(server)} ${STATES[state]}${state === 'refused' && code !== null ? ` (${code})` : ''}${why}`;
}
