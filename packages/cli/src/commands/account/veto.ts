import { recoveryUnknown } from '@ckm/api';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { caseObject, caseText } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';

/** `ckm account veto SERVER` */
export function accountVetoCommand(): Command {
  const command = leaf('veto', 'say no to whoever wants your account at a server', {
    75: 'nobody wants it',
  }).argument('<server>', 'what you call it: see ckm account list');
  return addWordsFlags(command, 'say it with the words: nobody overrules them').action(run(veto));
}

async function veto(context: Context, server: string, given: WordsFlags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { cases } = await client.listCases();
  const found = cases.find((one) => one.server === server && one.state === 'waiting');
  if (found === undefined) {
    await client.showServer(server);
    throw recoveryUnknown();
  }
  if (flags.preview === true) {
    terminal.result(`would say no at ${server}`, { preview: true, server, ...caseObject(found) });
    return;
  }
  const view = await withWords(context, given, (words) => client.vetoCase(server, found.caseId, words));
  terminal.result(`${server}: ${caseText(view)}`, { ...caseObject(view) });
}
