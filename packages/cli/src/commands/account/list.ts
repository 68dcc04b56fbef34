import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { caseObject, caseRow } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm account list` */
export function accountListCommand(): Command {
  return leaf('list', 'who wants your account at a server, and how far that is').action(run(list));
}

async function list(context: Context): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const { cases, silent } = await client.listCases();
  const text = cases.length === 0 ? 'nobody wants an account of yours' : formatTable(cases.map(caseRow));
  terminal.result(text, {
    cases: cases.map(({ server, ...one }) => ({ server, ...caseObject(one) })),
    silent,
  });
  for (const { server, text: why } of silent) terminal.warn(`  ${server}: ${plainText(why)}`);
  if (cases.some(({ state }) => state === 'waiting'))
    terminal.talk('  if that is not you: ckm account veto SERVER');
}
