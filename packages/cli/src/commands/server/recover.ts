import { encodeVouchRequest } from '@ckm/api';
import { MOST_VOUCH_CHARACTERS, planVoucher, readVouchRequest } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { findAccount } from '../../operator/find-account.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { likenessObject } from '../../terminal/likeness.js';
import { askLine } from '../../terminal/prompt.js';
import { readCarried } from '../../picture/read-carried.js';

/** `ckm server recover FOLDER REQUEST --account XID` */
export function serverRecoverCommand(): Command {
  return operatorLeaf('recover', 'vouch for whoever stands before you, and wants an account back', {
    65: 'the request cannot be read',
    75: 'another recovery of that account goes on, or this one is over',
    77: 'the account has not named its operator as a contact',
  })
    .argument('<request>', 'the file that whoever asks has written: ckm account recover --request-out')
    .requiredOption('--account <xid>', 'whose account: its first digits; who that is, you have to know')
    .option('--likeness <words>', 'the six words that whoever asks reads from the new device')
    .addOption(asOption())
    .action(run(recover));
}

interface Flags {
  readonly account: string;
  readonly likeness?: string;
  readonly as?: string;
}

async function recover(
  { terminal, flags }: Context,
  folder: string,
  path: string,
  { account, likeness, as }: Flags,
): Promise<void> {
  const text = await readCarried(path, MOST_VOUCH_CHARACTERS, 'name the right file: no request is so long');
  const { about } = planVoucher(text);
  const operator = operatorOf(folder);
  const { xid } = await findAccount(operator, account);
  if (flags.preview === true) {
    const machine = { preview: true, xid, likeness: likenessObject(about) };
    terminal.result(`would vouch for whoever wants ${xid}`, machine);
    return;
  }
  const words =
    likeness ??
    (await askLine(
      terminal,
      'The six words, as whoever stands before you reads them from the new device',
      'name them with --likeness, or run this on a terminal',
    ));
  const request = encodeHex(encodeVouchRequest(readVouchRequest(text)));
  const done = await operator.recoverAccount({ xid, request, words, ...(as === undefined ? {} : { as }) });
  const until = done.readyAt === null ? '' : ` until ${formatInstant(done.readyAt, unixNow())}`;
  terminal.result(
    `the recovery of ${xid} ${done.state === 'waiting' ? 'waits' : 'is stopped'}${until}`,
    done,
  );
}
