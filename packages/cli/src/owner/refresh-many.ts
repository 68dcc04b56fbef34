import type { ChangedKey, Client } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { counted } from '../terminal/counted.js';
import { plainText } from '../terminal/plain-text.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { confirm } from '../terminal/prompt.js';
import { cancelled } from '../terminal/seat.js';
import { unixNow } from '../terminal/instant.js';
import { changedObject, forgettingLine, protectionLine } from './change-words.js';
import { warnOfClock } from './warn-of-clock.js';

/** Servers take part in a refresh once a day. Seconds. */
const DAY = 86_400;

interface Failed {
  readonly name: string;
  readonly error: CkmError;
}

/** Keys that are refreshed at the same time: servers wait for their disks and for each other most of the time. */
const AT_ONCE = 4;

/**
 * Gives new shares to the servers of many keys, some keys at a time: what was refreshed within a day is passed over, and what
 * goes on is gone on with, so that the same command goes on where it was broken off.
 */
export async function refreshMany(context: Context, client: Client, names: readonly string[]): Promise<void> {
  const { terminal, flags } = context;
  const due = await dueOf(client, names);
  const isPassed = (name: string) => !due.includes(name);
  const passed = names.filter(isPassed);
  terminal.warn(manyLines(due.length, passed.length));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, refresh: due, passed });
    return;
  }
  if (due.length > 0 && flags.yes !== true && !(await confirm(terminal, 'Make new shares?')))
    throw cancelled();
  const progress = createProgress(terminal, 'the same command goes on where it was');
  const changed: ReturnType<typeof changedObject>[] = [];
  const failed: Failed[] = [];
  const work = refreshEach(client, due, progress, (name, outcome) => {
    progress.end();
    const place = `${changed.length + failed.length + 1} of ${due.length}`;
    if (outcome instanceof CkmError) failed.push({ name, error: outcome });
    else changed.push(changedObject(outcome));
    if (!terminal.json) terminal.result(`${place}  ${name}  ${outcomeText(outcome)}`, null);
  });
  await progress.during(work, () => {
    terminal.result(
      [counted(changed.length, 'key') + ' refreshed', ...restText(passed.length, failed.length)].join('; '),
      {
        refreshed: changed,
        passed,
        failed: failed.map(({ name, error: { code, message } }) => ({ name, code, text: message })),
      },
    );
  });
  warnOfClock(context, client);
  const [first] = failed;
  if (first !== undefined) throw afterAnswer(first.error);
}

/** Those that were not given new shares within a day, and those whose change goes on. */
async function dueOf(client: Client, names: readonly string[]): Promise<string[]> {
  const now = unixNow();
  const open = new Set(
    (await client.listChanges()).flatMap(({ state, keyName }) => (state === 'open' ? [keyName] : [])),
  );
  const since = new Map((await client.listKeys()).map(({ name, changedAt }) => [name, changedAt]));
  return names.filter((name) => {
    const changedAt = since.get(name);
    return open.has(name) || changedAt === undefined || now >= changedAt + DAY || now < changedAt;
  });
}

/** Begins with the keys in their order; of those under way the first is the one whose steps are told. */
async function refreshEach(
  client: Client,
  names: readonly string[],
  { on, left }: Progress,
  each: (name: string, outcome: ChangedKey | CkmError) => void,
): Promise<void> {
  /** Servers that did not answer for an earlier key: to wait for them again for each key would take hours. */
  const silent = new Map<string, CkmError>();
  const underWay = new Set<string>();
  const rest = names.values();
  const refreshSome = async () => {
    for (const name of rest) {
      if (left.aborted) return;
      underWay.add(name);
      const outcome = await refreshOne(client, name, silent, (event) => {
        const [told] = underWay;
        if (name === told) on(event);
      });
      underWay.delete(name);
      each(name, outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, refreshSome));
}

async function refreshOne(
  client: Client,
  name: string,
  silent: Map<string, CkmError>,
  on: Progress['on'],
): Promise<ChangedKey | CkmError> {
  try {
    const { next } = await client.planChange({ name, wish: { kind: 'refresh' } });
    const away = next.find((server) => silent.has(server.name));
    if (away !== undefined) return silent.get(away.name)!;
    return await client.changeKey({ name, wish: { kind: 'refresh' } }, on);
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    // One that refuses this key may do so for this key alone.
    const { silent: away } = error.facts;
    for (const server of Array.isArray(away) ? away : []) silent.set(String(server), error);
    return error;
  }
}

function manyLines(due: number, passed: number): string {
  return [
    '',
    `  Keys            ${counted(due, 'key')}, up to ${AT_ONCE} at a time: public keys, addresses and likenesses stay as they are`,
    ...(passed === 0
      ? []
      : [`  Passed over     ${counted(passed, 'key')} with new shares since less than a day`]),
    '  Must be there   all servers of each key, for some seconds; until then it signs as before',
    '  Old shares      servers are told to destroy theirs: what was stolen before is worth nothing once enough have',
    '  Does not help   against a server that keeps its old share in secret, or an old backup of one; nor where a key has recovery static',
    '  Broken off      the same command goes on where it was',
    '',
  ].join('\n');
}

function outcomeText(outcome: ChangedKey | CkmError): string {
  if (outcome instanceof CkmError) return `NOT refreshed: ${plainText(outcome.message)} (${outcome.code})`;
  return `epoch ${outcome.epoch}; told to destroy their old shares: ${forgettingLine(outcome)}; ${protectionLine(outcome)}`;
}

function restText(passed: number, failed: number): string[] {
  return [
    ...(passed === 0 ? [] : [`${passed} passed over`]),
    ...(failed === 0 ? [] : [`${failed} NOT refreshed: say the same again`]),
  ];
}
