import type { ContactProof } from '@ckm/api';
import { MOST_VOUCH_CHARACTERS, readVoucher } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { contactObject, contactRow } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { readCode } from '../../owner/read-code.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { readCarried } from '../../picture/read-carried.js';
import { plainText } from '../../terminal/plain-text.js';

/** `ckm contact verify SERVER CONTACT` */
export function contactVerifyCommand(): Command {
  const command = leaf('verify', 'show that a contact works: it counts for nothing before', {
    65: 'the voucher cannot be read',
    77: 'the code or the voucher is not of this contact, or this device may not manage contacts',
  })
    .argument('<server>', 'what you call it')
    .argument('<contact>', 'its kind, or the first digits of its id: see ckm contact list')
    .option('--code-file <file>', 'first line is the code of the app or the message; - is stdin')
    .option('--voucher <file>', 'of xid: what the other person wrote; - is stdin');
  return addWordsFlags(command, 'verify it with the words: then it counts at once').action(run(verify));
}

interface Flags extends WordsFlags {
  readonly codeFile?: string;
  readonly voucher?: string;
}

async function verify(context: Context, server: string, contact: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const proof = flags.preview === true ? null : await readProof(context, given);
  const client = await openOwner(context);
  if (proof === null) {
    await client.showServer(server);
    terminal.result(`would show ${server} that ${contact} works`, { preview: true, server, contact });
    return;
  }
  const shown = await withWords(context, given, (words) =>
    client.verifyContact({ server, contact, proof, ...(words === undefined ? {} : { words }) }),
  );
  terminal.result(plainText(contactRow(shown).slice(2).join('  ')), contactObject(shown));
}

/** A code that is typed or in a file, or a voucher. */
export async function readProof(
  context: Context,
  { codeFile, voucher }: Pick<Flags, 'codeFile' | 'voucher'>,
): Promise<ContactProof> {
  if (voucher === undefined) return { code: await readCode(context, codeFile, 'The code') };
  const text = await readCarried(
    voucher,
    MOST_VOUCH_CHARACTERS,
    'name the right file: no voucher is so long',
  );
  return { voucher: readVoucher(text) };
}
