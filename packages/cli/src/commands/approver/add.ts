import { approverOf, MOST_ANSWER_CHARACTERS } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { compareWords } from '../../guide/compare-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { readCarried } from '../../picture/read-carried.js';

/** `ckm approver add ANSWER` */
export function approverAddCommand(): Command {
  return leaf('add', 'take in what somebody answered to your invitation', {
    65: 'the answer cannot be read',
    75: 'nobody was invited from here to that key, or one person answered under two names',
    77: 'the answer is to another invitation, or its six words differ',
  })
    .argument('<answer>', 'the file of: ckm approver join; - is stdin')
    .option('--likeness <words>', 'the six words, as the approver read them to you; anything else is refused')
    .action(run(add));
}

async function add(
  context: Context,
  path: string,
  { likeness }: { readonly likeness?: string },
): Promise<void> {
  const { terminal, flags } = context;
  const text = await readCarried(path, MOST_ANSWER_CHARACTERS, 'name the right file: no answer is so long');
  const client = await openOwner(context);
  const { answer, keyName } = await client.planAnswer(text, likeness);
  const { name, digest } = answer;
  const { xid, keys } = approverOf(answer);
  const machine = {
    key: keyName,
    name,
    xid: encodeHex(xid),
    keys: keys.map((one) => ({
      kind: one.kind,
      ...(one.kind === 'ed25519' ? { key: encodeHex(one.key) } : {}),
    })),
    likeness: likenessObject(digest),
  };
  if (flags.preview === true) {
    terminal.warn(`\n${formatLikeness(terminal, name, digest)}\n`);
    terminal.result(`would take in the answer of ${name}, for the key ${keyName}`, {
      preview: true,
      ...machine,
    });
    return;
  }
  const question = `Did ${name} read you the same six words?`;
  await compareWords(context, { name, digest, typed: likeness, question, by: 'approver' });
  const { waiting } = await client.takeAnswer(text, likeness);
  const result = `${name} has answered for ${keyName}: its terms may ask ${name}`;
  terminal.result(result, { ...machine, waiting });
  if (waiting.length > 0) terminal.talk(`  still to answer: ${waiting.join(', ')}`);
  else if ((await client.showDraft(keyName)) !== null)
    terminal.talk(`  everybody has answered; now make the key: ckm key create ${keyName}`);
}
