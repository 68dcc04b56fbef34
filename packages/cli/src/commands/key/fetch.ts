import type { Client, FetchedKey, FetchedKeys, KeepKeyArgs, KeptKey } from '@ckm/client';
import { parseName } from '@ckm/client';
import {
  AccessError,
  AvailabilityError,
  CkmError,
  equalBytes,
  PeerFaultError,
  StateError,
  UsageError,
} from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { type Command, Option } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { askAgain } from '../../terminal/ask-again.js';
import { askLine } from '../../terminal/prompt.js';
import { likenessLine } from '../../terminal/likeness.js';
import { fetchedLines, fetchedObject } from '../../terminal/fetched-key.js';
import { keyLines, keyObject } from './show.js';

/** `ckm key fetch [KEY…]` */
export function keyFetchCommand(): Command {
  return leaf('fetch', 'get back the keys that servers hold of yours and that are not on record here', {
    69: 'not every server of a key has answered',
    75: 'the servers of a key went on by two certificates: it is forked',
    76: 'a server showed something that does not hold',
    77: 'too few of your servers say that a key is yours',
  })
    .argument('[keys...]', 'only these: the names suggested, or their likeness (default: all that are new)')
    .option('--name <name>', 'what to call it, where it is one key')
    .addOption(
      new Option(
        '--network <network>',
        'whose addresses a key for bitcoin shows; servers do not know (default: as on your sheet, else bitcoin)',
      ).choices(['bitcoin', 'testnet', 'signet', 'regtest']),
    )
    .action(run(fetch));
}

interface Flags {
  readonly name?: string;
  readonly network?: NonNullable<KeepKeyArgs['network']>;
}

async function fetch(context: Context, wanted: readonly string[], { name, network }: Flags): Promise<void> {
  const { terminal, flags } = context;
  if (name !== undefined) parseName('key', name);
  const client = await openOwner(context);
  if ((await client.listServers()).length === 0) throw noServers();
  const found = await client.fetchKeys();
  if (found.silent.length === found.asked.length) throw nobodyAnswers(found);
  const chosen = choose(found.keys, wanted);
  const keepable = chosen.filter(({ isVouched }) => isVouched);
  if (name !== undefined && chosen.length > 1) throw nameForMany(chosen);
  for (const { server, text } of found.silent) terminal.warn(`ckm: warning: no keys from ${server}: ${text}`);
  for (const one of chosen) terminal.warn(fetchedLines(terminal, one));
  if (flags.preview === true) {
    terminal.result('nothing was written', {
      preview: true,
      found: chosen.map(fetchedObject),
      ...problems(found),
    });
    return;
  }
  const { kept, refused } = await keepAll(context, client, keepable, {
    ...(name === undefined ? {} : { name }),
    ...(network === undefined ? {} : { network }),
  });
  const judged = chosen.map((one) => (refused.includes(one) ? { ...one, isVouched: false } : one));
  const completed = await completeOthers(client, found.incomplete);
  terminal.result(
    [...kept, ...completed].map(({ key }) => keyLines(terminal, key)).join('\n\n') || nothingText(judged),
    {
      fetched: kept.map(({ key }) => keyObject(key)),
      completed: completed.filter(({ key }) => key.isComplete).map(({ key }) => key.record.name),
      notFetched: judged.filter(({ isVouched }) => !isVouched).map(fetchedObject),
      ...problems(found),
    },
  );
  const trouble = troubleWith(found, judged, [...kept, ...completed]);
  if (trouble !== null) throw afterAnswer(trouble);
}

/** Keeps what is ours: a key that turns out not to be must not keep the others away. */
async function keepAll(
  context: Context,
  client: Client,
  keys: readonly FetchedKey[],
  flags: Flags,
): Promise<{ readonly kept: readonly KeptKey[]; readonly refused: readonly FetchedKey[] }> {
  const kept: KeptKey[] = [];
  const refused: FetchedKey[] = [];
  for (const one of keys) {
    try {
      kept.push(await keepOne(context, client, one, flags));
    } catch (error) {
      const code = error instanceof CkmError ? error.code : '';
      if (code === 'CANCELLED_BY_PERSON' && kept.length > 0) {
        context.terminal.warn('  you left: the other keys are not on record; fetch them with: ckm key fetch');
        break;
      }
      if (code !== 'KEY_NOT_VOUCHED') throw error;
      refused.push(one);
    }
  }
  return { kept, refused };
}

function problems({ silent, faulty }: FetchedKeys) {
  return { silent, faulty };
}

function nothingText(chosen: readonly FetchedKey[]): string {
  return chosen.length === 0 ? 'every key that your servers hold is on record' : 'no key was fetched';
}

/** @throws UsageError `KEY_UNKNOWN` */
function choose(keys: readonly FetchedKey[], wanted: readonly string[]): readonly FetchedKey[] {
  if (wanted.length === 0) return keys;
  return [...new Set(wanted)].map((text) => {
    const found = keys.filter(({ suggestedName, transcriptHash }) => {
      const likeness = likenessOf(transcriptHash);
      return [suggestedName, formatWords(likeness), likeness.digest].includes(text.toLowerCase());
    });
    if (found.length === 1) return found[0]!;
    throw new UsageError(
      `servers hold no new key that is called or looks like ${JSON.stringify(text.slice(0, 80))}`,
      {
        code: 'KEY_UNKNOWN',
        hint: 'see what there is with: ckm key fetch --preview',
      },
    );
  });
}

/** Under the name that was given or is on the recovery sheet, else asking for one until it is free. */
async function keepOne(
  { terminal, flags }: Context,
  client: Client,
  fetched: FetchedKey,
  { name, network }: Flags,
): Promise<KeptKey> {
  const { suggestedName, transcriptHash, expected } = fetched;
  const keep = (called: string) =>
    client.keepKey(fetched, { name: called, ...(network === undefined ? {} : { network }) });
  if (name !== undefined || flags.yes === true) return keep(name ?? suggestedName);
  if (expected?.name === suggestedName) {
    terminal.talk(`  ${suggestedName}: as on your recovery sheet`);
    return keep(suggestedName);
  }
  const question = `What do you call this key? ${likenessLine(transcriptHash)} (empty: ${suggestedName})`;
  const hint = 'take the names above with --yes, or name one key with --name';
  return askAgain(terminal, ['NAME_INVALID', 'KEY_EXISTS'], async () => {
    const typed = (await askLine(terminal, question, hint)).trim();
    return keep(typed === '' ? suggestedName : parseName('key', typed));
  });
}

/** Keys on record that lack promises: what kept a server from giving them may be over. */
async function completeOthers(client: Client, names: readonly string[]): Promise<KeptKey[]> {
  const completed: KeptKey[] = [];
  for (const name of names) completed.push(await client.completeKey(name));
  return completed;
}

/** What is left to do, the worst first. */
function troubleWith(
  { faulty }: FetchedKeys,
  chosen: readonly FetchedKey[],
  kept: readonly KeptKey[],
): CkmError | null {
  if (faulty.length > 0) return shownFalsely(faulty);
  const unvouched = chosen.find(({ isVouched }) => !isVouched);
  if (unvouched !== undefined) return notVouched(unvouched);
  const forked = kept.find(({ key }) =>
    chosen.some(({ isForked, keyId }) => isForked && equalBytes(keyId, key.keyId)),
  );
  if (forked !== undefined) return keyForked(forked);
  const incomplete = kept.find(({ missing }) => missing.length > 0);
  return incomplete === undefined ? null : notComplete(incomplete);
}

function shownFalsely(faulty: FetchedKeys['faulty']): PeerFaultError {
  const servers = [...new Set(faulty.map(({ server }) => server))];
  const { server, text } = faulty[0]!;
  return new PeerFaultError(
    `${server} ${text}${servers.length > 1 ? `; so do ${servers.slice(1).join(', ')}` : ''}`,
    {
      code: 'FAULT_KEYS_SHOWN',
      hint: `what the other servers agree on was fetched; ask the operator of ${servers.join(', ')}`,
      facts: { servers },
    },
  );
}

/** It has to be on record to be settled. */
function keyForked({ key: { record } }: KeptKey): StateError {
  return new StateError(`the servers of ${record.name} went on by two certificates of one epoch`, {
    code: 'KEY_FORKED',
    hint: 'it is on record by the one that most of them show: have them settle which counts',
    remedy: { kind: 'settleKey', key: record.name },
    retryable: false,
  });
}

function notVouched({ suggestedName, quorum, servers }: FetchedKey): AccessError {
  const absent = servers.filter(({ verdict }) => verdict === 'not-added');
  const [first] = absent;
  return new AccessError(
    `fewer than ${quorum.needed} of your servers say that the key ${suggestedName} is yours`,
    {
      code: 'KEY_NOT_VOUCHED',
      hint:
        first === undefined
          ? 'when more of its servers answer: ckm key fetch'
          : `add its other servers (ckm server add NAME ${first.url === '' ? 'URL' : first.url}), then: ckm key fetch`,
      facts: { servers: absent.map(({ url }) => url) },
    },
  );
}

function notComplete({ key, missing }: KeptKey): CkmError {
  const { name } = key.record;
  const who = missing.map(({ server, slot }) => server ?? `the server in slot ${slot}, which is not added,`);
  const lost = missing.find(({ code, server }) => code === 'KEY_UNKNOWN' && server !== null);
  const isFault = missing.some(({ code }) => code.startsWith('FAULT_'));
  const text = `key ${name} is back and signs; ${who.join(', ')} has not promised to have stored it`;
  const again = lost === undefined ? 'ckm key fetch' : `ckm key repair ${name} --server ${lost.server!}`;
  const details = {
    code: 'SERVERS_MISSING',
    hint: `send nothing to it yet; when ${missing.length === 1 ? 'that server answers' : 'they answer'}: ${again}`,
    facts: { servers: missing.flatMap(({ server }) => (server === null ? [] : [server])) },
  };
  return isFault
    ? new PeerFaultError(text, {
        ...details,
        code: missing.find(({ code }) => code.startsWith('FAULT_'))!.code,
      })
    : new AvailabilityError(text, details);
}

function nameForMany(chosen: readonly FetchedKey[]): UsageError {
  return optionInvalid(
    `--name is for one key, and there are ${chosen.length}`,
    `say which: ckm key fetch ${chosen[0]!.suggestedName} --name NAME`,
  );
}

function noServers(): UsageError {
  return new UsageError('there is no server to ask yet', {
    code: 'SERVER_UNKNOWN',
    hint: 'add each of your servers with: ckm server add NAME URL',
  });
}

function nobodyAnswers({ silent }: FetchedKeys): AvailabilityError {
  return new AvailabilityError(`no server says which keys it holds: ${silent[0]!.text}`, {
    code: 'TOO_FEW_SERVERS',
    hint: 'look at each of them with: ckm doctor; then ask again',
    facts: { servers: silent.map(({ server }) => server) },
  });
}
