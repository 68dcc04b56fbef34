import type { CreateKeyArgs, KeyPlan } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import { REQUEST_KIND_NAMES } from '@ckm/requests';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import {
  exportLines,
  parsePolicyFlags,
  policyOptions,
  recoveryText,
  type PolicyFlags,
  wishedPolicyLines,
} from '../../command-line/policy-flags.js';
import { parseQuorumFlag, quorumMeaning } from '../../command-line/quorum-flag.js';
import { strictLines } from '../../command-line/strict-words.js';
import { leaf, run } from '../../command-line/run.js';
import { compareLikeness } from '../../guide/compare-likeness.js';
import { assertAskable, completeWishes, type KeyWishes } from '../../guide/complete-wishes.js';
import { openOwner } from '../../owner/open-owner.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';
import { showMade } from './show.js';

/** `ckm key create NAME` */
export function keyCreateCommand(): Command {
  const command = leaf('create', 'make a key together with your servers: it never exists in one place')
    .argument('<name>', 'what you call it: letters a-z, digits, dots, dashes')
    .addOption(new Option('--for <purpose>', 'what it may be used for').choices(REQUEST_KIND_NAMES))
    .option('--quorum <quorum>', 'how many of how many servers it takes to use it: 2of3')
    .option('--servers <names>', 'their names, separated by commas, in order')
    .addOption(new Option('--suite <suite>', 'another signature suite than the purpose’s own'))
    .addOption(networkOption());
  command.option(
    '--exportable',
    'its servers may give it out to you later, whole; fixed for ever, no children',
  );
  for (const option of policyOptions()) command.addOption(option);
  return command.action(run(create));
}

/** Whose addresses are shown; Bitcoin keys only. */
export function networkOption(): Option {
  const networks = ['bitcoin', 'testnet', 'signet', 'regtest'];
  return new Option('--network <network>', 'whose addresses are shown').choices(networks);
}

/** What a key is made with, as typed. */
export interface CreateFlags extends PolicyFlags, KeyWishes {
  readonly suite?: NonNullable<CreateKeyArgs['suite']>;
  readonly network?: NonNullable<CreateKeyArgs['network']>;
  readonly exportable?: true;
}

async function create(context: Context, name: string, given: CreateFlags): Promise<void> {
  const { terminal, flags } = context;
  assertAskable(terminal, name, given);
  const client = await openOwner(context);
  const args = argsFrom(name, { ...given, ...(await completeWishes(terminal, client, name, given)) });
  const plan = await client.planKey(args);
  if (flags.yes !== true || !terminal.quiet) terminal.warn(planLines(name, plan));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, name, ...planObject(plan) });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Make this key?'))) throw cancelled();
  const progress = createProgress(terminal);
  await progress.during(client.createKey(args, progress.on), (key) => showMade(context, key));
  warnOfClock(context, client);
  await compareLikeness(context, client, name);
}

/** @throws UsageError `OPTION_INVALID`, or for a flag that is no quorum or policy */
export function argsFrom(name: string, given: CreateFlags & Required<KeyWishes>): CreateKeyArgs {
  const servers = given.servers.split(',').map((one) => one.trim());
  if (servers.some((one) => one === '')) {
    throw new UsageError('--servers holds an empty name', {
      code: 'OPTION_INVALID',
      hint: 'write the names with single commas between: --servers alpha,bravo,charlie',
    });
  }
  return {
    name,
    purpose: given.for,
    quorum: parseQuorumFlag(given.quorum),
    servers,
    policy: parsePolicyFlags(given),
    ...(given.suite === undefined ? {} : { suite: given.suite }),
    ...(given.network === undefined ? {} : { network: given.network }),
    ...(given.exportable === true ? { exportable: true } : {}),
    ...(given.strict === true ? { strict: true } : {}),
  };
}

function planLines(name: string, { proposal, servers, network }: KeyPlan): string {
  const { quorum, strict = false } = proposal;
  return [
    '',
    `  Make    ${name}   for ${proposal.purpose}${network === null || network === 'bitcoin' ? '' : ` (${network})`}, ${proposal.suite}`,
    `  Quorum  ${quorum.needed} of ${quorum.of}: ${quorumMeaning(quorum, strict)}`,
    `  Servers ${servers.map((server) => server.name).join(', ')}`,
    ...wishedPolicyLines(proposal.policy).map((line) => `  ${line}`),
    ...(strict ? strictLines(quorum).map((line) => `  Strict  ${line}`) : []),
    ...(proposal.policy.recovery === 'static' ? [`  Recovery ${recoveryText(proposal.policy)}`] : []),
    ...(proposal.exportable === true ? exportLines(proposal.policy).map((line) => `  Export  ${line}`) : []),
    '',
  ].join('\n');
}

function planObject({ proposal, servers, network }: KeyPlan) {
  const { purpose, suite, quorum, policy, exportable = false, strict = false } = proposal;
  return {
    purpose,
    suite,
    quorum,
    policy,
    exportable,
    strict,
    network,
    servers: servers.map((server) => server.name),
  };
}
