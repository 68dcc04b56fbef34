import { AvailabilityError, PeerFaultError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../home/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm key verify NAME` */
export function keyVerifyCommand(): Command {
  return leaf('verify', 'check the certificate again and ask every server for its copy')
    .argument('<name>')
    .action(run(verify));
}

async function verify(context: Context, name: string): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const key = await client.showKey(name);
  const { isSound, servers } = await client.verifyKey(name);
  const table = formatTable(
    servers.map(({ server, verdict, text }) => [verdict === 'holds' ? 'ok' : 'fail', server, text]),
    '  ',
  );
  terminal.result(`${formatLikeness(terminal, name, key.certificateHash)}\n\n${table}`, {
    name,
    isSound,
    likeness: likenessObject(key.certificateHash),
    servers,
  });
  const differing = servers.filter(({ verdict }) => verdict === 'differs');
  if (differing.length > 0) {
    throw new PeerFaultError(
      `${differing.map(({ server }) => server).join(', ')} does not hold this key as it was made`,
      {
        code: 'KEY_DIFFERS',
        hint: 'ask the operators named; do not send value to this key before it is clear',
        facts: { servers: differing.map(({ server }) => server) },
      },
    );
  }
  const lost = servers.filter(({ verdict }) => verdict === 'lost' || verdict === 'forgot');
  if (lost.length > 0) {
    const names = lost.map(({ server }) => server);
    throw new AvailabilityError(`${names.join(', ')} has lost its share of ${name}`, {
      code: 'SHARE_LOST',
      hint: `let it recover the share from the certificate: ckm key restore ${name}`,
      facts: { servers: names },
    });
  }
}
