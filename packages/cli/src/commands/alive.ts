import type { ToldAlive } from '@ckm/client';
import { AvailabilityError, formatSpan, StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

/** `ckm alive [NAME]` */
export function aliveCommand(): Command {
  return leaf('alive', 'give the servers of keys that have heirs a sign of life', {
    69: 'a server has not heard it, or too few say which terms are in force',
    75: 'this device is not on the list of devices of a key',
  })
    .argument('[name]', 'what you call the key (default: every key that has heirs)')
    .action(run(alive));
}

async function alive(context: Context, name: string | undefined): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  if (flags.preview === true) {
    if (name !== undefined) await client.showKey(name);
    const which = name ?? 'every key that has heirs';
    terminal.result(`nothing was sent; would tell all servers of ${which} that you live`, {
      preview: true,
      ...(name === undefined ? {} : { name }),
    });
    return;
  }
  const told = await client.alive(name);
  const text =
    told.length === 0 ? 'no key has heirs: nobody waits for a sign of life' : told.map(textOf).join('\n');
  terminal.result(text, { keys: told });
  const fault = faultIn(told);
  if (fault !== null) throw afterAnswer(fault);
}

const NOT_LEARNT =
  'too few servers say which terms are in force, so that heirs whom another device has named may be missed';

function textOf(told: ToldAlive): string {
  const { key, afterSeconds, outcome, isCertain, servers } = told;
  if (outcome === 'unknown' || afterSeconds === null) return `${key}: ${NOT_LEARNT}; nothing was sent`;
  if (outcome === 'unlisted')
    return `${key}: this device is not on its list, and nobody would believe it; do it with one that is, or where the words are`;
  const have = servers.filter(({ isHeard }) => isHeard).length;
  const head = `${key}: ${have} of ${servers.length} servers have heard that you live; after ${formatSpan(afterSeconds)} without a sign its heirs may ask for it`;
  const known = isCertain ? head : `${head}; ${NOT_LEARNT}`;
  const rows = servers.map(({ server, isHeard, text }) => [isHeard ? 'ok' : 'warn', server, plainText(text)]);
  return `${known}\n${formatTable(rows, '  ')}`;
}

function faultIn(told: readonly ToldAlive[]): AvailabilityError | StateError | null {
  const unlisted = told.find(({ outcome }) => outcome === 'unlisted');
  if (unlisted !== undefined)
    return new StateError(`this device is not on the list of devices of ${unlisted.key}`, {
      code: 'KEY_DEVICE_UNLISTED',
      hint: 'do it with a device that is, or where the words are',
      retryable: false,
      facts: { key: unlisted.key },
    });
  const deaf = told.flatMap(({ servers }) =>
    servers.filter(({ isHeard }) => !isHeard).map(({ server }) => server),
  );
  if (deaf.length === 0) return unlearnt(told.filter(({ isCertain }) => !isCertain).map(({ key }) => key));
  return new AvailabilityError(`${[...new Set(deaf)].join(', ')} has not heard it`, {
    code: 'ALIVE_NOT_HEARD',
    hint: 'say it again when it answers; each command that it answers says it, too',
    facts: { servers: [...new Set(deaf)] },
  });
}

function unlearnt(keys: readonly string[]): AvailabilityError | null {
  if (keys.length === 0) return null;
  return new AvailabilityError(`too few servers of ${keys.join(', ')} say which terms are in force`, {
    code: 'ALIVE_TERMS_UNKNOWN',
    hint: 'say it again when more of them answer: another device may have named heirs',
    facts: { keys: [...keys] },
  });
}
