import { MOST_VOUCH_CHARACTERS, planVoucher, type VouchView } from '@ckm/client';
import { AccessError, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { isLikenessOf } from '@ckm/gordian';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { confirm } from '../../terminal/prompt.js';
import { readCarried } from '../../picture/read-carried.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

/** `ckm contact vouch REQUEST --person NAME --out VOUCHER` */
export function contactVouchCommand(): Command {
  return leaf('vouch', 'vouch for somebody whose contact you are; nobody is told', {
    65: 'the request cannot be read',
    77: 'the six words differ: somebody else asks',
  })
    .argument('<request>', 'the file of whoever asks; - is stdin')
    .requiredOption('--person <name>', 'what you call whoever asks, the same each time')
    .requiredOption('--out <file>', 'a new file with your voucher; - is stdout')
    .option('--likeness <words>', 'the six words that whoever asks reads you; anything else is refused')
    .action(run(vouchFor));
}

interface Flags {
  readonly person: string;
  readonly out: string;
  readonly likeness?: string;
}

const WHAT: Readonly<Record<VouchView['vouched'], (person: string) => string>> = {
  contact: (person) => `be a contact of ${person}, whom you can bring back when every device is lost`,
  recovery: (person) =>
    `say that ${person} has lost every device, and that this new one is that of ${person}`,
  veto: (person) => `say that somebody else wants the account of ${person}, and is to be stopped`,
};

async function vouchFor(
  context: Context,
  path: string,
  { person, out: named, likeness }: Flags,
): Promise<void> {
  const { terminal, flags } = context;
  const out = outFile(named);
  await assertWritable(out, flags);
  const text = await readCarried(path, MOST_VOUCH_CHARACTERS, 'name the right file: no request is so long');
  const view = planVoucher(text);
  const what = WHAT[view.vouched](person);
  const machine = {
    person,
    vouched: view.vouched,
    server: encodeHex(view.server),
    likeness: likenessObject(view.about),
  };
  if (likeness !== undefined && !isLikenessOf(likeness, view.about)) throw someoneElse();
  terminal.warn(`\n${formatLikeness(terminal, person, view.about)}\n`);
  if (flags.preview === true) {
    terminal.result(`would ${what}`, { preview: true, ...machine });
    return;
  }
  const question = `Has ${person} read you these six words, by voice? You then ${what}.`;
  if (likeness === undefined && flags.yes !== true && !(await confirm(terminal, question)))
    throw someoneElse();
  const client = await openOwner(context);
  const voucher = await client.vouch(text, person);
  if (out === undefined) return terminal.copied(voucher, { ...machine, voucher });
  await writeOut(out, encodeUtf8(`${voucher}\n`));
  terminal.result(`your voucher is in ${out}, good for three days`, { ...machine, voucher: out });
}

function someoneElse(): AccessError {
  return new AccessError('nothing was vouched for: whoever asks shows other words', {
    code: 'DEVICE_LIKENESS_MISMATCH',
    hint: 'have whoever asks read the six words from the new device, by voice, and bring the file again',
  });
}
