import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { readDepositWords, WORDS_FILE } from '../../owner/deposit-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { faultyShares, foundText, missingShares, needText, placesObject } from '../../owner/share-words.js';
import { requireInitialised } from '../../home/home.js';

/** `ckm csr check` */
export function csrCheckCommand(): Command {
  return leaf('check', 'see whether the shares at your servers still bring back what they keep', {
    69: 'a server did not answer: the others suffice',
    75: 'too few shares came back, or a server has none: the others suffice',
    76: 'a server gave what is not its share, and is named',
  })
    .option(WORDS_FILE, 'read the words of the shares from a file; - is stdin')
    .action(run(check));
}

async function check(context: Context, { wordsFile }: { readonly wordsFile?: string }): Promise<void> {
  const { terminal, flags, home } = context;
  await requireInitialised(home);
  if (flags.preview === true) {
    terminal.result('would ask the servers that have a share, and show nothing of what they keep', {
      preview: true,
    });
    return;
  }
  const client = await openOwner(context);
  const secret = await readDepositWords(context, wordsFile);
  try {
    const found = await client.checkDeposit(secret);
    const { servers, kind } = found;
    terminal.result(`what is shared out comes back: ${needText(found)}\n${foundText(servers)}`, {
      ...placesObject(found),
      kind,
      found: servers,
    });
    const wrong = faultyShares(servers) ?? missingShares(found.missing);
    if (wrong !== null) throw afterAnswer(wrong);
  } finally {
    wipe(secret);
  }
}
