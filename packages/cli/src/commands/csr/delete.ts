import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import { GONE, GONE_SAYS, readDepositWords, WORDS_FILE } from '../../owner/deposit-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { deletedText, doneObject, notAtAll, serverNames } from '../../owner/share-words.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm csr delete` */
export function csrDeleteCommand(): Command {
  return leaf('delete', 'have every server keep no share under these words any more', {
    69: 'a server still has its share: do the same again when it answers',
    75: 'nothing is kept under these words',
  })
    .option(GONE, GONE_SAYS)
    .option(WORDS_FILE, 'read the words of the shares from a file; - is stdin')
    .action(run(remove));
}

interface Flags {
  readonly wordsFile?: string;
  readonly gone?: string;
}

async function remove(context: Context, { wordsFile, gone: named }: Flags): Promise<void> {
  const gone = serverNames(named, '--gone');
  const { terminal, flags, home } = context;
  await requireInitialised(home);
  if (flags.preview === true) {
    terminal.result('would have every server delete what lies under these words', { preview: true });
    return;
  }
  const client = await openOwner(context);
  const secret = await readDepositWords(context, wordsFile);
  try {
    const question = 'Delete the shares? Nobody brings them back';
    if (flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
    const servers = await client.deleteDeposit({ secret, ...(gone === undefined ? {} : { gone }) });
    const left = notAtAll(servers, 'still has its share');
    const good =
      left === null ? 'deleted: these words are worth nothing any more' : 'NOT deleted everywhere yet';
    terminal.result(`${good}\n${deletedText(servers)}`, { deleted: doneObject(servers) });
    if (left !== null) throw afterAnswer(left);
  } finally {
    wipe(secret);
  }
}
