import { REQUEST_KIND_NAMES } from '@ckm/requests';
import type { TightenBody } from '@ckm/server';
import { type Command, Option } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { optionInvalid, parseDuration, parseRate } from '../../../command-line/option-values.js';
import { run } from '../../../command-line/run.js';
import { formatPolicy } from '../../../operator/format-policy.js';
import { parseKeyId, parseOwner } from '../../../operator/key-id.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { unixNow } from '../../../terminal/instant.js';

/** `ckm server policy tighten` */
export function serverPolicyTightenCommand(): Command {
  return operatorLeaf('tighten', 'allow less for a key than its owner does, or take that back')
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .option('--kinds <list>', 'only these kinds of request, or all')
    .option('--rate <number/time>', 'at most so many in so long, such as 10/1h, or any')
    .option('--expires-in <time>', 'no more after so long, or never')
    .addOption(new Option('--blind <answer>', 'what cannot be described').choices(['yes', 'no']))
    .addOption(new Option('--approval <how>', 'who decides').choices(['automatic', 'operator']))
    .action(run(tighten));
}

interface Flags {
  readonly owner?: string;
  readonly kinds?: string;
  readonly rate?: string;
  readonly expiresIn?: string;
  readonly blind?: 'yes' | 'no';
  readonly approval?: 'automatic' | 'operator';
}

async function tighten(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  given: Flags,
): Promise<void> {
  const change = changeOf(given);
  if (Object.keys(change).length === 0) {
    throw optionInvalid('nothing to change was named', 'see: ckm server policy tighten --help');
  }
  const operator = operatorOf(folder);
  const before = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(given.owner) });
  if (flags.preview === true) {
    const tightening = { ...before.tightening, ...change } as typeof before.tightening;
    const after = { ...before, tightening };
    terminal.result(`would become:\n${formatPolicy(terminal, after)}`, { preview: true, ...after });
    return;
  }
  const after = await operator.tightenKey({ keyId: before.keyId, owner: before.owner, ...change });
  terminal.result(formatPolicy(terminal, after), after);
}

function changeOf({ kinds, rate, expiresIn, blind, approval }: Flags): TightenBody {
  return {
    ...(kinds === undefined ? {} : { kinds: kinds === 'all' ? null : kinds.split(',').map(kindNamed) }),
    ...(rate === undefined ? {} : { rateLimit: rate === 'any' ? null : parseRate('--rate', rate) }),
    ...(expiresIn === undefined ? {} : { expiresAt: expiryOf(expiresIn) }),
    ...(blind === undefined ? {} : { blindAllowed: blind === 'yes' }),
    ...(approval === undefined ? {} : { approval }),
  };
}

/** A misspelt kind would take away more than was meant, without a word. */
function kindNamed(text: string): string {
  const known = REQUEST_KIND_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  throw optionInvalid(
    `there is no request of kind ${JSON.stringify(text.slice(0, 32))}`,
    `choose from ${REQUEST_KIND_NAMES.join(', ')}, with commas between them, or all`,
  );
}

function expiryOf(text: string): number | null {
  return text === 'never' ? null : unixNow() + parseDuration('--expires-in', text);
}
