import { REQUEST_KIND_NAMES } from '@ckm/requests';
import type { OperatorKeyPolicy, TightenBody } from '@ckm/server';
import { type Command, Option } from 'commander';
import type { Context } from '../command-line/context.js';
import { CHANGE_DELAYS } from '../command-line/policy-flags.js';
import { optionInvalid, parseDuration, parseRate } from '../command-line/option-values.js';
import { run } from '../command-line/run.js';
import { unixNow } from '../terminal/instant.js';
import { describeChanges, formatPolicy } from './format-policy.js';
import { parseKeyId, parseOwner } from './key-id.js';
import { operatorLeaf, operatorOf } from './operator-leaf.js';

/** What an operator may set for a key, as flags. */
interface Flags {
  readonly owner?: string;
  readonly kinds?: string;
  readonly rate?: string;
  readonly expiresIn?: string;
  readonly blind?: 'yes' | 'no';
  readonly approval?: 'automatic' | 'operator';
  readonly changeDelay?: keyof typeof CHANGE_DELAYS;
}

interface PolicyChange {
  readonly word: 'tighten' | 'loosen';
  readonly summary: string;
  /** What is said in front of what has changed. */
  readonly said: string;
}

/** A command that changes what the operator takes away from a key: both directions have the same flags. */
export function policyChangeCommand(change: PolicyChange): Command {
  return operatorLeaf(change.word, change.summary)
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .option('--kinds <list>', 'only these kinds of request, or all')
    .option('--rate <number/time>', 'at most so many in so long, such as 10/1h, or any')
    .option('--expires-in <time>', 'no more after so long, or never')
    .addOption(new Option('--blind <answer>', 'what cannot be described').choices(['yes', 'no']))
    .addOption(new Option('--approval <how>', 'who decides').choices(['automatic', 'operator']))
    .addOption(
      new Option(
        '--change-delay <time>',
        'how long a change of its servers, or its export, waits here',
      ).choices(Object.keys(CHANGE_DELAYS)),
    )
    .action(
      run((context: Context, folder: string, key: string, flags: Flags) =>
        changePolicy(context, folder, key, flags, change),
      ),
    );
}

async function changePolicy(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  given: Flags,
  { word, said }: PolicyChange,
): Promise<void> {
  const change = changeOf(given);
  if (Object.keys(change).length === 0) {
    throw optionInvalid('nothing to change was named', `see: ckm server policy ${word} --help`);
  }
  const operator = operatorOf(folder);
  const before = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(given.owner) });
  const parameters = { keyId: before.keyId, owner: before.owner, ...change };
  if (flags.preview === true) {
    const tightening = { ...before.tightening, ...change } as OperatorKeyPolicy['tightening'];
    const after = { ...before, tightening };
    terminal.result(`would become:\n${formatPolicy(terminal, after)}`, { preview: true, ...after });
    return;
  }
  const after = await (word === 'tighten' ? operator.tightenKey(parameters) : operator.loosenKey(parameters));
  terminal.result(formatPolicy(terminal, after), after);
  terminal.talk(`${said}: ${describeChanges(before, after)}`);
}

function changeOf({ kinds, rate, expiresIn, blind, approval, changeDelay }: Flags): TightenBody {
  return {
    ...(kinds === undefined ? {} : { kinds: kinds === 'all' ? null : kinds.split(',').map(kindNamed) }),
    ...(rate === undefined ? {} : { rateLimit: rate === 'any' ? null : parseRate('--rate', rate) }),
    ...(expiresIn === undefined ? {} : { expiresAt: expiryOf(expiresIn) }),
    ...(blind === undefined ? {} : { blindAllowed: blind === 'yes' }),
    ...(approval === undefined ? {} : { approval }),
    ...(changeDelay === undefined ? {} : { changeDelay: CHANGE_DELAYS[changeDelay] }),
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
