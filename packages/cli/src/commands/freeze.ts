import { MOST_FREEZE_SECONDS } from '@ckm/client';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { optionInvalid, parseDuration } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { freezeAll } from '../owner/freeze-all.js';
import { freezeAccount } from '../owner/account-freezes.js';
import { freezeFromPaper, freezeOntoPaper } from '../sheet/freeze-paper.js';
import { freezeText, notStopped } from '../owner/freeze-words.js';
import { openOwner } from '../owner/open-owner.js';

/** `ckm freeze NAME|--all|--account [SERVER]|--from FILE` */
export function freezeCommand(): Command {
  return leaf('freeze', 'stop a key for a while at all its servers, as when a laptop was stolen', {
    65: 'with --from: the file holds no freeze that was kept on paper',
    69: 'NOT yet stopped: too few servers have been told; with --account: not each of them',
    75: 'with --all: servers hold keys that are not on record here, and those are NOT stopped',
    77: 'NOT yet stopped: servers refuse',
  })
    .argument('[name]', 'what you call the key: see ckm key list')
    .option('--all', 'every key on record; said again it tells whoever has not heard')
    .option('--account [server]', 'whatever your account asks for there, or at all your servers')
    .option('--for <time>', 'how long: at most 7d, and 7 days in 30; 72h if nothing else is said')
    .option('--paper', 'stop nothing now: make a freeze to keep on paper, good once, for seven days')
    .option('--out <file>', 'with --paper: a new file; - is stdout, as without it')
    .option('--from <file>', 'bring a freeze that was kept on paper, from anywhere; - is stdin')
    .action(run(freeze));
}

interface Flags {
  readonly all?: true;
  readonly account?: string | true;
  readonly for?: string;
  readonly paper?: true;
  readonly out?: string;
  readonly from?: string;
}

async function freeze(context: Context, name: string | undefined, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  assertFits(name, given);
  if (given.from !== undefined) return freezeFromPaper(context, given.from);
  if (given.paper === true) return freezeOntoPaper(context, name!, given.out);
  const seconds = given.for === undefined ? null : parseFor(given.for);
  if (given.account !== undefined) return freezeAccount(context, given.account, seconds);
  if (name === undefined) return freezeAll(context, seconds);
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

/** One key, all of them, or what a paper says. */
function assertFits(name: string | undefined, given: Flags): void {
  const { all, account, from } = given;
  const which = [name, all, account, from].filter((one) => one !== undefined).length;
  if (which !== 1)
    throw optionInvalid('name one key, or say --all or --account', 'write for example ckm freeze NAME');
  const isPaper = given.paper === true || given.from !== undefined;
  if (isPaper && given.for !== undefined)
    throw optionInvalid('a freeze on paper is for seven days', 'leave --for out');
  if (given.paper === true && name === undefined)
    throw optionInvalid('a paper is for one key', 'write for example ckm freeze NAME --paper --out FILE');
  if (given.out !== undefined && given.paper !== true)
    throw optionInvalid('--out is of a paper', 'write for example ckm freeze NAME --paper --out FILE');
}

function parseFor(text: string): number {
  const seconds = parseDuration('--for', text);
  if (seconds > 0 && seconds <= MOST_FREEZE_SECONDS) return seconds;
  throw optionInvalid('--for is at most 7d', 'write for example --for 72h');
}
