import { encodeUtf8 } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { assertQrWritable, QR_OUT, type QrFlags, writeQr } from '../../picture/qr-out.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

/** `ckm approver invite KEY NAME --out FILE` */
export function approverInviteCommand(): Command {
  return leaf('invite', 'write an invitation for somebody whose yes a key of yours is to ask for')
    .argument('<key>', 'the key, also one that you are yet to make')
    .argument('<name>', 'what that person is called in the terms of the key: bob')
    .requiredOption('--out <file>', 'a new file, for that person; - is stdout')
    .option(...QR_OUT)
    .option('--servers <names>', 'of a key that you are yet to make: its servers, in order, with commas')
    .action(run(invite));
}

interface Flags extends QrFlags {
  readonly out: string;
  readonly servers?: string;
}

async function invite(context: Context, key: string, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const out = outFile(given.out);
  await assertWritable(out, flags);
  await assertQrWritable(given, flags);
  const client = await openOwner(context);
  const args = { key, name, ...(given.servers === undefined ? {} : { servers: given.servers.split(',') }) };
  const planned = await client.planInvitation(args);
  const servers = planned.servers.map((one) => one.name);
  const machine = { key, name, servers, isMade: planned.isMade, outdated: planned.outdated };
  if (flags.preview === true) {
    const would = `would invite ${name} to say yes or no to what ${key} does, at ${servers.join(', ')}`;
    terminal.result(would, { preview: true, ...machine });
    return;
  }
  const { text, outdated } = await client.inviteApprover(args);
  const written = { ...machine, invitation: out ?? text, ...(await writeQr(given, text)) };
  if (out !== undefined) await writeOut(out, encodeUtf8(`${text}\n`));
  if (out === undefined) terminal.copied(text, written);
  else terminal.result(`${name} is invited to ${key}: give ${name} the file ${out}`, written);
  terminal.talk(`  bring what ${name} answers, and compare six words by telephone: ckm approver add ANSWER`);
  if (outdated.length > 0)
    terminal.warn(`  the servers are others than before: invite ${outdated.join(', ')} anew`);
}
