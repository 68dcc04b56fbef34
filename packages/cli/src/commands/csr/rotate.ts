import { type Client, depositId, type DepositRecord, type DepositSecret } from '@ckm/client';
import { encodeHex, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import {
  GONE,
  GONE_SAYS,
  newDepositWords,
  readDepositWords,
  WORDS_FILE,
  WORDS_OUT,
} from '../../owner/deposit-words.js';
import { openOwner } from '../../owner/open-owner.js';
import {
  deletedText,
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
import { askAgain } from '../../terminal/ask-again.js';
import { assertWritable } from '../../terminal/write-out.js';

/** `ckm csr rotate` */
export function csrRotateCommand(): Command {
  return leaf('rotate', 'store new shares under new words, and delete the old ones when all are there', {
    69: 'a server has no new share yet, or still has an old one: do the same again',
    75: 'too few of the old shares came back',
  })
    .option('--servers <names>', 'three or five of your servers (default: those that have the old shares)')
    .option('--anew', 'begin new shares, though others were begun that never came to their end')
    .option(GONE, GONE_SAYS)
    .option(WORDS_FILE, 'read the words of the old shares from a file; - is stdin')
    .option(WORDS_OUT, 'write the words of the new shares to a new file instead of showing them')
    .option('--new-words-file <file>', 'go on under these words of new shares; - is stdin')
    .option('--invite-file <server=file>', 'the code for a server that takes nobody without', again, [])
    .action(run(rotate));
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface Flags {
  readonly servers?: string;
  readonly wordsFile?: string;
  readonly wordsOut?: string;
  readonly newWordsFile?: string;
  readonly anew?: true;
  readonly gone?: string;
  readonly inviteFile: readonly string[];
}

async function rotate(context: Context, given: Flags): Promise<void> {
  const { terminal, flags, home } = context;
  await requireInitialised(home);
  const servers = serverNames(given.servers);
  const gone = serverNames(given.gone, '--gone');
  const invites = await readInvites(given.inviteFile);
  await assertWritable(given.wordsOut, flags);
  if (flags.preview === true) {
    terminal.result('would store new shares under new words, and then delete the old ones', {
      preview: true,
    });
    return;
  }
  const client = await openOwner(context);
  const old = await readDepositWords(context, given.wordsFile, 'The 24 words of the old shares');
  context.onEnd(() => wipe(old));
  const fresh = await freshWords(context, client, old, given);
  context.onEnd(() => wipe(fresh));
  const rotated = await client.rotateDeposit({
    old,
    fresh,
    invites,
    ...(servers === undefined ? {} : { servers }),
    ...(gone === undefined ? {} : { gone }),
  });
  const left =
    notAtAll(rotated.servers, 'has no new share yet, and no old one is deleted') ??
    notAtAll(rotated.deleted, 'still has its old share');
  const good = left === null ? `rotated: ${needText(rotated)}` : 'NOT rotated everywhere yet';
  const lines = [good, storedText(rotated.servers), deletedText(rotated.deleted)];
  terminal.result(lines.filter((line) => line !== '').join('\n'), {
    ...placesObject(rotated),
    wordsOut: given.wordsOut ?? null,
    stored: doneObject(rotated.servers),
    deleted: doneObject(rotated.deleted),
  });
  if (left !== null) throw afterAnswer(left);
  terminal.talk(
    `  the old words are worth nothing any more: destroy that paper. The new shares lie here:\n${placesText(rotated.places)}`,
  );
}

/** Those of what was begun, as long as that goes on; else new ones. */
async function freshWords(
  context: Context,
  client: Client,
  old: DepositSecret,
  { newWordsFile, wordsOut, anew }: Flags,
): Promise<DepositSecret> {
  if (newWordsFile !== undefined) return readDepositWords(context, newWordsFile);
  const replaced = encodeHex(depositId(old));
  const isBegun = ({ replaces }: DepositRecord) => replaces !== null && encodeHex(replaces) === replaced;
  const begun = anew === true ? [] : (await client.listDeposits()).filter(isBegun);
  if (begun.length > 0) return askAgain(context.terminal, ['DEPOSIT_UNKNOWN'], () => wordsOf(context, begun));
  // What cannot be rotated is known before anybody writes anything down.
  await client.checkDeposit(old);
  return newDepositWords(context, wordsOut);
}

/** The words of one of these: with others the old shares would go, and what these were begun for would not be done. */
async function wordsOf(context: Context, begun: readonly DepositRecord[]): Promise<DepositSecret> {
  const question = 'The 24 words of the new shares, which were begun';
  const typed = await readDepositWords(context, undefined, question, '--new-words-file');
  if (begun.some(({ id }) => encodeHex(id) === encodeHex(depositId(typed)))) return typed;
  wipe(typed);
  throw notThoseBegun('begin new ones: ckm csr rotate --anew');
}
