import { type BoundFreeze, type KeyFreeze, MOST_FREEZE_SECONDS, type ServerFreeze } from '@ckm/client';
import { AvailabilityError, PolicyError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { optionInvalid, parseDuration } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { formatTable } from '../terminal/table.js';

/** `ckm freeze NAME` */
export function freezeCommand(): Command {
  return leaf('freeze', 'stop a key for a while at all its servers, as when a laptop was stolen', {
    69: 'NOT yet stopped: too few servers have been told',
    77: 'NOT yet stopped: servers refuse',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--for <time>', 'how long: at most 7d, and 7 days in 30; 72h if nothing else is said')
    .action(run(freeze));
}

async function freeze(context: Context, name: string, given: { readonly for?: string }): Promise<void> {
  const { terminal, flags } = context;
  const seconds = given.for === undefined ? null : parseFor(given.for);
  const client = await openOwner(context);
  const { public: publicPackage } = await client.showKey(name);
  if (flags.preview === true) {
    const { needed, of } = publicPackage.quorum;
    const text = `nothing was sent; would tell all ${of} servers of ${name}, and ${of - needed + 1} of them stop it`;
    terminal.result(text, { preview: true, name });
    return;
  }
  const done = await client.freezeKey(name, seconds);
  terminal.result(freezeText(done), done);
  if (!done.isStopped) throw afterAnswer(notStopped(done));
}

function parseFor(text: string): number {
  const seconds = parseDuration('--for', text);
  if (seconds > 0 && seconds <= MOST_FREEZE_SECONDS) return seconds;
  throw optionInvalid('--for is at most 7d', 'write for example --for 72h');
}

const LEVELS: Record<ServerFreeze['verdict'], 'ok' | 'warn' | 'fail'> = {
  frozen: 'ok',
  open: 'fail',
  lost: 'warn',
  refused: 'fail',
  silent: 'warn',
  unknown: 'warn',
};

/** "Stopped" only where enough servers have it, also of those that may hold the key next. */
function freezeText(frozen: KeyFreeze): string {
  const { name, quorum, servers, joining, stopping, isStopped, until } = frozen;
  const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const end = until === null ? '' : ` until ${formatInstant(until, unixNow())}`;
  const count = `${have} of ${quorum.of} servers have it, ${stopping} are needed`;
  const rows = (some: readonly ServerFreeze[]) =>
    formatTable(
      some.map((one) => [LEVELS[one.verdict], one.server, one.text]),
      '  ',
    );
  return [
    isStopped ? `${name} is stopped${end}: ${count}` : `${name} is NOT yet stopped: ${count}`,
    rows(servers),
    ...(joining.length === 0
      ? []
      : ['  a change of its servers lets in, and these were told too:', rows(joining)]),
    ...unstopped(frozen).map((one) => `  ${mayGoOn(one)}`),
    ...forkText(frozen, rows),
    ...(isStopped ? [`  it ends by itself; before that only their operators end it: ckm thaw ${name}`] : []),
  ].join('\n');
}

function forkText(
  { name, fork }: KeyFreeze,
  rows: (some: readonly ServerFreeze[]) => string,
): readonly string[] {
  if (fork === null) return [];
  const { branches, servers } = fork;
  return [
    `  ${name} is forked: its servers went on by ${branches.length} certificates of one epoch, and some signed twice, who are not counted; settle it: ckm key settle ${name}`,
    ...branches.map(
      ({ quorum: { needed, of }, have, stopping }) =>
        `  by one it is ${needed} of ${of}: ${have} have it, ${stopping} are needed`,
    ),
    ...(servers.length === 0 ? [] : ['  of the others these were told too:', rows(servers)]),
  ];
}

function unstopped({ bound }: KeyFreeze): readonly BoundFreeze[] {
  return bound.filter(({ have, stopping }) => have < stopping);
}

function mayGoOn({ quorum: { needed, of }, have, stopping }: BoundFreeze): string {
  return `its servers are bound to a change to ${needed} of ${of}, which no freeze stops: ${have} of those ${of} have it, ${stopping} are needed`;
}

/** Of those that hold it, of those that may hold it next, or of each certificate that it has forked into. */
function neededBy(frozen: KeyFreeze): string {
  const { servers, stopping, fork } = frozen;
  const [next] = unstopped(frozen);
  const branch = fork?.branches.find((one) => one.have < one.stopping);
  const isOwn = servers.filter(({ verdict }) => verdict === 'frozen').length < stopping;
  if (!isOwn && next !== undefined) return `${next.stopping} of the next servers`;
  if (!isOwn && branch !== undefined) return `${branch.stopping} servers of another certificate of it`;
  return `${stopping} servers`;
}

function notStopped(frozen: KeyFreeze): AvailabilityError | PolicyError {
  const { name, servers, joining, fork } = frozen;
  const told = [...servers, ...joining, ...(fork?.servers ?? [])];
  const refusing = told.find(({ verdict }) => verdict === 'refused');
  const facts = {
    servers: told.filter(({ verdict }) => verdict !== 'frozen').map(({ server }) => server),
  };
  const remedy = { kind: 'freezeKey', key: name } as const;
  const text = `${name} is NOT yet stopped: ${neededBy(frozen)} have to be told`;
  if (refusing === undefined)
    return new AvailabilityError(text, {
      code: 'KEY_NOT_FROZEN',
      hint: 'tell those that do not answer again, until it says that the key is stopped',
      remedy,
      facts,
    });
  return new PolicyError(`${text}; ${refusing.server} refuses`, {
    code: 'KEY_NOT_FROZEN',
    hint: `${refusing.text}: ask its operator to allow nothing for the key`,
    facts,
  });
}
