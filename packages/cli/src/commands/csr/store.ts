import { type Client, depositId, type DepositRecord, type DepositSecret, isStored } from '@ckm/client';
import { encodeHex, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { newDepositWords, readDepositWords, WORDS_FILE, WORDS_OUT } from '../../owner/deposit-words.js';
import { type KeptAtHand, withKept } from '../../owner/kept-secret.js';
import { openOwner } from '../../owner/open-owner.js';
import {
  doneObject,
  needText,
  notAtAll,
  notThoseBegun,
  placesObject,
  placesText,
  readInvites,
  serverNames,
  storedText,
} from '../../owner/share-words.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { assertWritable } from '../../terminal/write-out.js';

/** `ckm csr store` */
export function csrStoreCommand(): Command {
  return leaf('store', 'share your words out among three servers, any two of which bring them back', {
    69: 'a server has no share yet: do the same again, with the same words',
    75: 'they are stored already, or another secret lies under these words',
  })
    .option(
      '--servers <names>',
      'three or five of your servers, separated by commas (default: the first three)',
    )
    .option('--from <file>', 'another secret: words, ur:seed, or a file for each share of it', again, [])
    .option(WORDS_OUT, 'write the words of the shares to a new file instead of showing them')
    .option(WORDS_FILE, 'go on under these words of shares, as after a server was away; - is stdin')
    .option('--anew', 'store them once more, under new words: those of before are lost')
    .option('--invite-file <server=file>', 'the code for a server that takes nobody without', again, [])
    .action(run(store));
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface Flags {
  readonly servers?: string;
  readonly from: readonly string[];
  readonly wordsOut?: string;
  readonly wordsFile?: string;
  readonly anew?: true;
  readonly inviteFile: readonly string[];
}

async function store(context: Context, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const servers = serverNames(given.servers);
  const invites = await readInvites(given.inviteFile);
  await assertWritable(given.wordsOut, flags);
  const named = servers === undefined ? {} : { servers };
  if (flags.preview === true) {
    const client = await openOwner(context);
    const kind = given.from.length === 0 ? 'owner' : 'other';
    const plan = await client.planDeposit({
      ...named,
      kind,
      isAnew: given.anew === true || given.wordsFile !== undefined,
    });
    terminal.result(`would store a share at each of these: ${needText(plan)}\n${placesText(plan.places)}`, {
      preview: true,
      ...placesObject(plan),
    });
    return;
  }
  await withKept(context, given.from, async (at) => {
    const { client, kept, kind } = at;
    const secret = await wordsFor(context, at, given, named);
    try {
      const stored = await client.storeDeposit({ secret, kept, kind, ...named, invites });
      const left = notAtAll(stored.servers, 'has no share yet');
      const good = left === null ? `stored: ${needText(stored)}` : 'NOT stored everywhere yet';
      terminal.result(`${good}\n${storedText(stored.servers)}`, {
        ...placesObject(stored),
        kind,
        wordsOut: given.wordsOut ?? null,
        stored: doneObject(stored.servers),
      });
      if (left !== null) throw afterAnswer(left);
      terminal.talk(
        `  on the paper with the words of the shares, write where they lie:\n${placesText(stored.places)}`,
      );
      terminal.talk('next: try them, with the paper: ckm csr check');
    } finally {
      wipe(secret);
    }
  });
}

/** Those of what was begun, as long as that goes on; else new ones. */
async function wordsFor(
  context: Context,
  { client, kind }: KeptAtHand,
  { wordsFile, wordsOut, anew }: Flags,
  named: { readonly servers?: readonly string[] },
): Promise<DepositSecret> {
  if (wordsFile !== undefined) return readDepositWords(context, wordsFile);
  const begun = anew === true ? null : await unfinished(client, kind);
  if (begun !== null) return wordsOfBegun(context, begun);
  await client.planDeposit({ ...named, kind, isAnew: anew === true });
  return newDepositWords(context, wordsOut);
}

async function unfinished(client: Client, kind: KeptAtHand['kind']): Promise<DepositRecord | null> {
  const records = await client.listDeposits();
  // A rotation that is not over goes on by ckm csr rotate.
  const isOver = ({ replaces }: DepositRecord) =>
    replaces === null || !records.some(({ id }) => encodeHex(id) === encodeHex(replaces));
  const isOpen = (one: DepositRecord) => !isStored(one) && !one.isLeaving && isOver(one);
  return records.findLast((one) => one.kind === kind && isOpen(one)) ?? null;
}

async function wordsOfBegun(context: Context, { id, at, places }: DepositRecord): Promise<DepositSecret> {
  const where = places.map(({ name }) => name).join(', ');
  context.terminal.talk(
    `  goes on with the shares at ${where} that were begun ${formatInstant(at, unixNow())}`,
  );
  const secret = await readDepositWords(context, undefined, 'The 24 words of those shares');
  if (encodeHex(depositId(secret)) === encodeHex(id)) return secret;
  wipe(secret);
  throw notThoseBegun('begin anew: ckm csr store --anew');
}
