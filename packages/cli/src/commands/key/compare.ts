import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { askCompared, noteCompared } from '../../guide/compare-likeness.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';

/** `ckm key compare NAME` */
export function keyCompareCommand(): Command {
  return leaf('compare', 'compare the likeness of a key with what operators see, and keep the outcome', {
    76: 'an operator sees another likeness: nothing is signed with the key until that is settled',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .addOption(
      new Option('--answer <answer>', 'what operators see, instead of being asked').choices([
        'same',
        'different',
      ]),
    )
    .action(run(compare));
}

interface Flags {
  readonly answer?: 'same' | 'different';
}

async function compare(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const key = await client.showKey(name);
  terminal.warn(formatLikeness(terminal, name, key.transcriptHash));
  const likeness = likenessObject(key.transcriptHash);
  if (flags.preview === true) {
    terminal.result('nothing was written', { preview: true, name, likeness });
    return;
  }
  const answer = given.answer ?? (await askCompared(context));
  await noteCompared(context, client, key, answer);
  const outcome = answer === 'same' ? `${name} is the same at every operator` : `${name} is not compared yet`;
  terminal.result(outcome, { name, likeness, outcome: answer });
}
