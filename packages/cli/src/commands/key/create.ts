import type { KeyPlan, WrittenTerms } from '@ckm/client';
import { REQUEST_KIND_NAMES } from '@ckm/requests';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import {
  exportLines,
  policyOptions,
  recoveryText,
  wishedPolicyLines,
} from '../../command-line/policy-flags.js';
import { quorumMeaning } from '../../command-line/quorum-flag.js';
import { strictLines } from '../../command-line/strict-words.js';
import { leaf, run } from '../../command-line/run.js';
import { compareLikeness } from '../../guide/compare-likeness.js';
import { assertAskable } from '../../guide/complete-wishes.js';
import { waitForPeople, wishedTermsLines } from '../../owner/create-with-terms.js';
import { type CreateFlags, draftedKey, isWishSaid, wishedKey } from '../../owner/key-wish.js';
import { openOwner } from '../../owner/open-owner.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';
import { showMade } from './show.js';

/** `ckm key create NAME` */
export function keyCreateCommand(): Command {
  const command = leaf('create', 'make a key together with your servers: it never exists in one place', {
    75: 'people of its terms have yet to answer; the same command goes on',
  })
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
  command
    .option('--terms <file>', 'its terms, also whose yes it asks for; in the place of policy options')
    .option('--invitations <folder>', 'where to write an invitation for each approver in the terms');
  for (const option of policyOptions()) command.addOption(option);
  return command.action(run(create));
}

/** Whose addresses are shown; Bitcoin keys only. */
export function networkOption(): Option {
  const networks = ['bitcoin', 'testnet', 'signet', 'regtest'];
  return new Option('--network <network>', 'whose addresses are shown').choices(networks);
}

async function create(context: Context, name: string, given: CreateFlags): Promise<void> {
  const { terminal, flags } = context;
  const isSaid = isWishSaid(given);
  if (isSaid) assertAskable(terminal, name, given);
  const client = await openOwner(context);
  const draft = isSaid ? null : await client.showDraft(name);
  if (draft === null) assertAskable(terminal, name, given);
  const { args, termsFile } =
    draft === null ? await wishedKey(context, client, name, given) : draftedKey(draft);
  const { terms, ...plain } = args;
  if (terms !== undefined) {
    terminal.warn(planLines(name, await client.planKey(plain), terms));
    const wish = { args: { ...args, terms }, termsFile, invitations: given.invitations };
    if (!(await waitForPeople(context, client, wish))) return;
  }
  const plan = await client.planKey(args);
  if (terms === undefined && (flags.yes !== true || !terminal.quiet)) terminal.warn(planLines(name, plan));
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

function planLines(name: string, { proposal, servers, network }: KeyPlan, terms?: WrittenTerms): string {
  const { quorum, strict = false } = proposal;
  return [
    '',
    `  Make    ${name}   for ${proposal.purpose}${network === null || network === 'bitcoin' ? '' : ` (${network})`}, ${proposal.suite}`,
    `  Quorum  ${quorum.needed} of ${quorum.of}: ${quorumMeaning(quorum, strict)}`,
    `  Servers ${servers.map((server) => server.name).join(', ')}`,
    ...(terms === undefined
      ? wishedPolicyLines(proposal.policy).map((line) => `  ${line}`)
      : wishedTermsLines(terms)),
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
