import type { ServerVerdict } from '@ckm/client';
import { AvailabilityError, type CkmError, PeerFaultError, PolicyError, StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm key verify NAME` */
export function keyVerifyCommand(): Command {
  return leaf('verify', 'check the certificate again and ask every server for its copy', {
    69: 'a server is silent, or has lost its share',
    76: 'a server holds something else',
    77: 'a server refuses',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .action(run(verify));
}

async function verify(context: Context, name: string): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const key = await client.showKey(name);
  const { isSound, servers } = await client.verifyKey(name);
  const table = formatTable(
    servers.map(({ server, verdict, text }) => [LEVELS[verdict], server, text]),
    '  ',
  );
  terminal.result(`${formatLikeness(terminal, name, key.transcriptHash)}\n\n${table}`, {
    name,
    isSound,
    likeness: likenessObject(key.transcriptHash),
    servers,
  });
  const trouble = isSound ? null : troubleWith(name, servers);
  if (trouble !== null) throw afterAnswer(trouble);
}

const LEVELS: Record<ServerVerdict['verdict'], 'ok' | 'warn' | 'fail'> = {
  holds: 'ok',
  differs: 'fail',
  forked: 'fail',
  lost: 'fail',
  forgot: 'fail',
  refused: 'warn',
  silent: 'warn',
  pending: 'warn',
  behind: 'warn',
  unknown: 'warn',
};

/** The worst of it, as an error; only what was seen counts against a server. */
function troubleWith(name: string, servers: readonly ServerVerdict[]): CkmError | null {
  const those = (...verdicts: readonly ServerVerdict['verdict'][]) =>
    servers.filter(({ verdict }) => verdicts.includes(verdict)).map(({ server }) => server);
  const forked = those('forked');
  if (forked.length > 0) {
    return new StateError(`${forked.join(', ')} has seen two certificates of one epoch of ${name}`, {
      code: 'KEY_FORKED',
      hint: 'a server signed twice: have the servers of the key settle which of the two counts',
      remedy: { kind: 'settleKey', key: name },
      facts: { servers: forked },
    });
  }
  const differing = those('differs');
  if (differing.length > 0) {
    return new PeerFaultError(`${differing.join(', ')} does not hold this key as it was made`, {
      code: 'KEY_DIFFERS',
      hint: 'ask the operators named; do not send value to this key before it is clear',
      facts: { servers: differing },
    });
  }
  const lost = those('lost', 'forgot');
  if (lost.length > 0) {
    return new AvailabilityError(`${lost.join(', ')} has lost its share of ${name}`, {
      code: 'SHARE_LOST',
      hint: `have it get the share back: ckm key repair ${name} --server ${lost[0]!}`,
      facts: { servers: lost },
    });
  }
  const open = (text: string, hint: string, names: readonly string[]) =>
    [`${names.join(', ')} ${text}`, { code: 'KEY_NOT_VERIFIED', hint, facts: { servers: names } }] as const;
  const [refused, silent, unknown, behind, pending] = [
    those('refused'),
    those('silent'),
    those('unknown'),
    those('behind'),
    those('pending'),
  ];
  if (refused.length > 0) {
    const { text = '', code = '' } = servers.find(({ verdict }) => verdict === 'refused') ?? {};
    return new PolicyError(
      ...open(`says nothing about ${name}: ${text}`, `see: ckm explain ${code}; ask its operator`, refused),
    );
  }
  if (silent.length > 0) {
    return new AvailabilityError(
      ...open(`does not answer about ${name}`, 'look at it with: ckm doctor; then verify again', silent),
    );
  }
  if (unknown.length > 0) {
    return new StateError(
      ...open(`is not among your servers any more`, 'add it again: ckm server add NAME URL', unknown),
    );
  }
  if (behind.length > 0) {
    const repair = `ckm key repair ${name} --server ${behind[0]!}`;
    const hint = `go on with a change that is open: ckm sessions resume; if it came back from an older backup: ${repair}`;
    return new StateError(...open(`is in another epoch of ${name}`, hint, behind));
  }
  if (pending.length === 0) return null;
  const hint = `finish it with: ckm sessions resume; when no session is open: ckm key restore ${name}`;
  return new StateError(...open(`has not seen the certificate of ${name}`, hint, pending));
}
