import type { KeyRestoration, ServerRestoration } from '@ckm/client';
import { AvailabilityError, PeerFaultError, UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { INVITE_FLAG, readInvite } from '../../command-line/invite-flag.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm key restore NAME` */
export function keyRestoreCommand(): Command {
  return leaf('restore', 'give servers that lost their share of a key the certificate, to recover it from', {
    69: 'a share did not come back',
    76: 'a server holds something else',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--servers <names>', 'only these servers of the key, separated by commas')
    .option(INVITE_FLAG, 'with the code, for a server that lost your account too and takes nobody without')
    .action(run(restore));
}

interface Flags {
  readonly servers?: string;
  readonly inviteFile?: string;
}

async function restore(context: Context, name: string, { servers, inviteFile }: Flags): Promise<void> {
  const { terminal } = context;
  const invite = await readInvite(inviteFile);
  const args = {
    name,
    ...(servers === undefined ? {} : { servers: namesIn(servers) }),
    ...(invite === undefined ? {} : { invite }),
  };
  const client = await openOwner(context);
  const planned = await client.planRestoration(args);
  if (context.flags.preview === true) {
    terminal.result(
      `nothing was sent; would ask ${planned.join(', ')}, and restore where the share of ${name} is lost`,
      { preview: true, name, servers: planned },
    );
    return;
  }
  const { transcriptHash } = await client.showKey(name);
  const restoration = await client.restoreKey(args);
  const rows = restoration.servers.map((one) => [isThere(one) ? 'ok' : 'fail', one.server, one.text]);
  terminal.result(`${formatLikeness(terminal, name, transcriptHash)}\n\n${formatTable(rows, '  ')}`, {
    ...restoration,
    likeness: likenessObject(transcriptHash),
  });
  if (!restoration.isSound) throw afterAnswer(notRestored(restoration));
}

function namesIn(text: string): string[] {
  const names = text.split(',').map((one) => one.trim());
  if (names.every((one) => one !== '')) return names;
  throw new UsageError('--servers holds an empty name', {
    code: 'OPTION_INVALID',
    hint: 'write the names with single commas between: --servers alpha,bravo',
  });
}

function isThere({ outcome }: ServerRestoration): boolean {
  return outcome === 'restored' || outcome === 'held';
}

function notRestored({ name, servers }: KeyRestoration): AvailabilityError | PeerFaultError {
  const differing = servers.filter(({ outcome }) => outcome === 'differs').map(({ server }) => server);
  if (differing.length > 0) {
    return new PeerFaultError(`${differing.join(', ')} does not hold this key as it was made`, {
      code: 'KEY_DIFFERS',
      hint: 'ask the operators named; do not send value to this key before it is clear',
      facts: { servers: differing },
    });
  }
  const [first, ...more] = servers.filter((one) => !isThere(one));
  const names = [first!, ...more].map(({ server }) => server);
  return new AvailabilityError(`the share of ${name} did not come back at ${names.join(', ')}`, {
    code: 'KEY_NOT_RESTORED',
    ...(more.length === 0 && first!.hint !== null
      ? { hint: first!.hint, ...(first!.remedy === null ? {} : { remedy: first!.remedy }) }
      : {
          hint: `each line marked fail says what to do; what a certificate does not give back the others do: ckm key repair ${name} --server SERVER`,
        }),
    facts: { servers: names },
  });
}
