import { MOST_VOTES_CHARACTERS, parseVotes } from '@ckm/api';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { changeLines } from '../../owner/terms-change-words.js';
import { counted } from '../../terminal/counted.js';
import { readCarried } from '../../picture/read-carried.js';
import { showProposed } from './propose.js';

/** `ckm terms approve KEY VOTES` */
export function termsApproveCommand(): Command {
  return leaf('approve', 'bring servers what approvers said on paper about terms that you proposed', {
    75: 'NOT in force yet: it waits, or too few servers have heard of it',
  })
    .argument('<key>', 'what you call the key: see ckm key list')
    .argument('<votes>', 'the file of: ckm approver approve; - is stdin')
    .action(run(approve));
}

async function approve(context: Context, name: string, path: string): Promise<void> {
  const { terminal, flags } = context;
  const text = await readCarried(path, MOST_VOTES_CHARACTERS, 'name the right file: no votes are so long');
  const votes = parseVotes(text).map((one) => one.bytes);
  const client = await openOwner(context);
  const plan = await client.planTerms(name, null);
  terminal.talk(changeLines(plan).join('\n'));
  if (flags.preview === true) {
    const would = `would bring ${counted(votes.length, 'vote')} to the servers of ${name}`;
    terminal.result(would, { preview: true, name, votes: votes.length });
    return;
  }
  showProposed(context, await client.proposeTerms(name, null, votes));
}
