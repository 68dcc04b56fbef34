import { type KeyFreeze, MOST_FREEZE_SECONDS, type ServerFreeze } from '@ckm/client';
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

/** "Stopped" only where enough servers have it. */
function freezeText({ name, quorum, servers, stopping, isStopped, until }: KeyFreeze): string {
  const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const end = until === null ? '' : ` until ${formatInstant(until, unixNow())}`;
  const count = `${have} of ${quorum.of} servers have it, ${stopping} are needed`;
  return [
    isStopped ? `${name} is stopped${end}: ${count}` : `${name} is NOT yet stopped: ${count}`,
    formatTable(
      servers.map((one) => [LEVELS[one.verdict], one.server, one.text]),
      '  ',
    ),
    ...(isStopped ? [`  it ends by itself; before that only their operators end it: ckm thaw ${name}`] : []),
  ].join('\n');
}

function notStopped({ name, servers, stopping }: KeyFreeze): AvailabilityError | PolicyError {
  const refusing = servers.find(({ verdict }) => verdict === 'refused');
  const facts = {
    servers: servers.filter(({ verdict }) => verdict !== 'frozen').map(({ server }) => server),
  };
  const remedy = { kind: 'freezeKey', key: name } as const;
  const text = `${name} is NOT yet stopped: ${stopping} servers have to be told`;
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
