import type { Client, KeyFreeze } from '@ckm/client';
import { CkmError, StateError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { counted } from '../terminal/counted.js';
import { plainText } from '../terminal/plain-text.js';
import { failedObject, type FailedKey, openEveryKey, withEveryKey } from './every-key.js';
import { freezeLine, notStopped } from './freeze-words.js';

/** Stops every key on record, and says of each whether it is stopped; of keys that servers hold besides, that those are not. */
export async function freezeAll(context: Context, seconds: number | null): Promise<void> {
  const { terminal, flags } = context;
  const { client, names, unreadable } = await openEveryKey(context);
  if (flags.preview === true) {
    const text = `nothing was sent; would tell all servers of ${names.length === 0 ? 'no key' : names.join(', ')}`;
    terminal.result(text, { preview: true, keys: names });
    return;
  }
  const of = names.length + unreadable.length;
  const frozen: KeyFreeze[] = [];
  const failed: FailedKey[] = [];
  const say = (text: string) => {
    const place = `${frozen.length + failed.length} of ${of}`;
    if (!terminal.json) terminal.result(`${place}  ${text}`, null);
  };
  const tell = (name: string, outcome: KeyFreeze | CkmError) => {
    if (!(outcome instanceof CkmError)) {
      frozen.push(outcome);
      return say(freezeLine(outcome));
    }
    failed.push({ name, error: outcome });
    return say(`${name} is NOT stopped: ${plainText(outcome.message)} (${outcome.code})`);
  };
  for (const { name, error } of unreadable) tell(name, error);
  const asking = unrecordedAt(client);
  // Whatever comes of it, keys are stopped first.
  asking.catch(() => undefined);
  await withEveryKey(names, (name) => client.freezeKey(name, seconds), tell);
  const unrecorded = await asking;
  const open = openKeys([...unreadable.map(({ name }) => name), ...names], { frozen, failed });
  terminal.result(summary(of - open.length, open, unrecorded), {
    frozen,
    failed: failed.map(failedObject),
    unrecorded,
  });
  if (of > open.length)
    terminal.talk('  before its end only the operators of a key end it: ckm thaw NAME, or ckm thaw --all');
  const [first] = open;
  if (first !== undefined) throw afterAnswer(first.error);
  if (unrecorded.length > 0) throw afterAnswer(notOnRecord(unrecorded));
}

/** A server that holds keys of ours which this computer knows nothing of. */
interface Unrecorded {
  readonly server: string;
  readonly count: number;
}

async function unrecordedAt(client: Client): Promise<readonly Unrecorded[]> {
  const servers = await client.listServers();
  const counts = await Promise.all(
    servers.map(async ({ name: server }) => ({ server, count: await client.countUnrecorded(server) })),
  );
  return counts.filter(({ count }) => count > 0);
}

/** Those that are not stopped, in the order of all, with what keeps them from it. */
function openKeys(
  all: readonly string[],
  { frozen, failed }: { readonly frozen: readonly KeyFreeze[]; readonly failed: readonly FailedKey[] },
): readonly FailedKey[] {
  const open = [
    ...failed,
    ...frozen.flatMap((one) => (one.isStopped ? [] : [{ name: one.name, error: notStopped(one) }])),
  ];
  return open.toSorted((a, b) => all.indexOf(a.name) - all.indexOf(b.name));
}

function summary(stopped: number, open: readonly FailedKey[], unrecorded: readonly Unrecorded[]): string {
  return [
    `${counted(stopped, 'key')} stopped`,
    ...(open.length === 0
      ? []
      : [`NOT stopped: ${open.map(({ name }) => name).join(', ')}: say the same again`]),
    ...unrecorded.map(
      ({ server, count }) => `NOT stopped: ${counted(count, 'key')} at ${server} not on record here`,
    ),
  ].join('; ');
}

function notOnRecord(unrecorded: readonly Unrecorded[]): StateError {
  const servers = unrecorded.map(({ server }) => server);
  return new StateError(
    `${servers.join(', ')}: there are keys of yours that are not on record here, and those are NOT stopped`,
    {
      code: 'KEY_NOT_FROZEN',
      hint: 'get them on record, then say the same again',
      remedy: { kind: 'fetchKeys' },
      facts: { servers },
      retryable: false,
    },
  );
}
