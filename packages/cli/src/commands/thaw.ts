import type { KeyFreeze, ServerFreeze } from '@ckm/client';
import { CkmError, encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { optionInvalid } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { failedObject, type FailedKey, openEveryKey, withEveryKey } from '../owner/every-key.js';
import { thawAccount } from '../owner/account-freezes.js';
import { openOwner } from '../owner/open-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

/** `ckm thaw NAME|--all|--account [SERVER]` */
export function thawCommand(): Command {
  return leaf('thaw', 'ask the operators, and whom the terms name, to end a freeze before its time')
    .argument('[name]', 'what you call the key: see ckm key list')
    .option('--all', 'every key on record')
    .option('--account [server]', 'your whole account there, or at all your servers')
    .action(run(thaw));
}

async function thaw(
  context: Context,
  name: string | undefined,
  given: { readonly all?: true; readonly account?: string | true },
): Promise<void> {
  const { terminal, flags } = context;
  const { all, account } = given;
  if ([name, all, account].filter((one) => one !== undefined).length !== 1)
    throw optionInvalid('name one key, or say --all or --account', 'write for example ckm thaw NAME');
  if (account !== undefined) return thawAccount(context, account);
  if (name === undefined) return thawAll(context);
  const client = await openOwner(context);
  const { keyId } = await client.showKey(name);
  if (flags.preview === true) {
    const text = `nothing was sent; would ask the operators of all servers of ${name} to thaw it`;
    terminal.result(text, { preview: true, name });
    return;
  }
  const asked = await client.thawKey(name);
  terminal.result(thawText(asked), asked);
  if (asked.servers.some(({ verdict }) => verdict === 'frozen'))
    terminal.talk(`each of them ends it with: ${operatorsCommand(keyId)}`);
}

async function thawAll(context: Context): Promise<void> {
  const { terminal, flags } = context;
  const { client, names, unreadable } = await openEveryKey(context);
  if (flags.preview === true) {
    const which = names.length === 0 ? 'no key' : names.join(', ');
    const text = `nothing was sent; would ask the operators of all servers of ${which} to thaw it`;
    terminal.result(text, { preview: true, keys: names });
    return;
  }
  const asked: KeyFreeze[] = [];
  const failed: FailedKey[] = [];
  const say = (text: string) => {
    if (!terminal.json) terminal.result(text, null);
  };
  const tell = (name: string, outcome: Asked | CkmError) => {
    if (!(outcome instanceof CkmError)) {
      asked.push(outcome.asked);
      return say(thawLine(outcome));
    }
    failed.push({ name, error: outcome });
    return say(`nobody was asked about ${name}: ${plainText(outcome.message)} (${outcome.code})`);
  };
  for (const { name, error } of unreadable) tell(name, error);
  const ask = async (name: string): Promise<Asked> => {
    const { keyId } = await client.showKey(name);
    return { keyId, asked: await client.thawKey(name) };
  };
  await withEveryKey(names, ask, tell);
  const none = asked.length + failed.length === 0 ? 'no keys yet' : '';
  terminal.result(none, { asked, failed: failed.map(failedObject) });
  const [first] = failed;
  if (first !== undefined) throw afterAnswer(first.error);
}

interface Asked {
  readonly keyId: Uint8Array;
  readonly asked: KeyFreeze;
}

function operatorsCommand(keyId: Uint8Array): string {
  return `ckm server policy thaw FOLDER ${encodeHex(keyId).slice(0, 8)}`;
}

function headLine({ name, quorum, servers }: KeyFreeze): string {
  const open = servers.filter(({ verdict }) => verdict === 'open').length;
  const asked = servers.some(({ waits }) => waits !== null)
    ? 'who has a say at the others is asked'
    : 'the operators of the others are asked';
  return servers.some(({ verdict }) => verdict === 'frozen')
    ? `${open} of ${quorum.of} servers go on with ${name}, ${quorum.needed} are needed to sign; ${asked}`
    : `${name} is frozen nowhere, as far as its servers answer`;
}

function thawText(asked: KeyFreeze): string {
  return `${headLine(asked)}\n${formatTable(
    asked.servers.map((one) => [one.verdict === 'open' ? 'ok' : 'warn', one.server, rowText(one)]),
    '  ',
  )}`;
}

/** The same in one line, with what each server says that neither goes on with it nor is asked. */
function thawLine({ keyId, asked }: Asked): string {
  const { servers } = asked;
  const others = servers.filter(({ verdict }) => verdict !== 'frozen' && verdict !== 'open');
  const isFrozen = servers.some(({ verdict }) => verdict === 'frozen');
  return [
    headLine(asked),
    ...(isFrozen ? [`each ends it with: ${operatorsCommand(keyId)}`] : []),
    ...others.map(({ server, text }) => `${server}: ${plainText(text)}`),
  ].join('; ');
}

function rowText({ verdict, until, text, waits }: ServerFreeze): string {
  if (verdict !== 'frozen' || until === null) return text;
  const waited = waits === null ? 'its operator has been asked to thaw it' : plainText(waits);
  return `frozen until ${formatInstant(until, unixNow())}; ${waited}`;
}
