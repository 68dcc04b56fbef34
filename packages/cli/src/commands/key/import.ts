import {
  type ImportKeyArgs,
  type ImportPlan,
  isLockedKeyFile,
  KEY_FORMATS,
  type KeyFormat,
  type KeyMaterial,
  readMaterial,
  unlockKeyFile,
} from '@ckm/client';
import { encodeUtf8, wipe } from '@ckm/foundation';
import { isSingleKey, purposeSuite, REQUEST_KIND_NAMES } from '@ckm/requests';
import type { SuiteName } from '@ckm/threshold';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { policyOptions, wishedPolicyLines } from '../../command-line/policy-flags.js';
import { quorumMeaning } from '../../command-line/quorum-flag.js';
import { strictLines } from '../../command-line/strict-words.js';
import { leaf, run } from '../../command-line/run.js';
import { compareLikeness } from '../../guide/compare-likeness.js';
import { assertAskable, completeWishes, type KeyWishes } from '../../guide/complete-wishes.js';
import { assertExpected, type ShownKey, shownForm } from '../../owner/expected-key.js';
import { argsFrom, type CreateFlags } from '../../owner/key-wish.js';
import { openOwner } from '../../owner/open-owner.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { askHiddenBytes } from '../../terminal/ask-hidden-bytes.js';
import { askHidden, confirm } from '../../terminal/prompt.js';
import { readInput } from '../../terminal/read-input.js';
import { cancelled } from '../../terminal/seat.js';
import type { Terminal } from '../../terminal/terminal.js';
import { networkOption } from './create.js';
import { DEALT, showMade } from './show.js';

/** A key file, with room to spare. */
const MOST_BYTES = 16_384;

/** `ckm key import NAME` */
export function keyImportCommand(): Command {
  const command = leaf('import', 'share out a private key that you have among your servers')
    .argument('<name>', 'what you call it: letters a-z, digits, dots, dashes')
    .option('--from <file>', 'the private key: words, xprv or WIF, OpenSSH file, hex digits; - is stdin')
    .addOption(
      new Option(
        '--format <form>',
        'what it is, where that cannot be told: hex digits are seed or scalar',
      ).choices(KEY_FORMATS),
    )
    .option(
      '--expect <public>',
      'only if it is this key: its public key, SSH fingerprint, or an address of it',
    )
    .addOption(new Option('--for <purpose>', 'what it may be used for').choices(REQUEST_KIND_NAMES))
    .option('--quorum <quorum>', 'how many of how many servers it takes to use it: 2of3')
    .option('--servers <names>', 'their names, separated by commas, in order')
    .option('--path <path>', 'of a wallet: from what is given to the account; default m/86h/0h/0h')
    .option('--with-passphrase', 'the words of the wallet have a passphrase; it is asked for')
    .addOption(new Option('--suite <suite>', 'another signature suite than the purpose’s own'))
    .addOption(networkOption());
  for (const option of policyOptions()) command.addOption(option);
  return command.action(run(importKey));
}

interface Flags extends CreateFlags {
  readonly from?: string;
  readonly format?: KeyFormat;
  readonly expect?: string;
  readonly path?: string;
  readonly withPassphrase?: true;
}

async function importKey(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  assertAskable(terminal, name, given, 'import');
  const client = await openOwner(context);
  const wishes = await completeWishes(terminal, client, name, given);
  const material = await readKey(context, given, wishes);
  try {
    const { suite: _suite, ...rest } = argsFrom(name, { ...given, ...wishes });
    const args: ImportKeyArgs = { ...rest, material };
    const plan = await client.planImport(args);
    if (given.expect !== undefined) assertExpected(given.expect, shownKey(name, plan));
    if (flags.yes !== true || !terminal.quiet) terminal.warn(planLines(name, plan, material));
    if (flags.preview === true) {
      terminal.result('nothing was sent', { preview: true, name, ...planObject(name, plan, material) });
      return;
    }
    const question = 'Is this public key the one you have, and shall it be dealt to these servers?';
    if (flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
    const progress = createProgress(terminal);
    await progress.during(client.importKey(args, progress.on), (key) => showMade(context, key));
  } finally {
    wipe(material.secret);
  }
  warnOfClock(context, client);
  await compareLikeness(context, client, name);
}

/** Read before anything is sent; whatever is wrong with it is said then. */
async function readKey(
  { terminal }: Context,
  given: Flags,
  wishes: Required<KeyWishes>,
): Promise<KeyMaterial> {
  const bytes = await unlocked(terminal, await readBytes(terminal, given.from));
  try {
    const passphrase =
      given.withPassphrase === true
        ? (await askHidden(terminal, 'The passphrase of the words', 'run this on a terminal')).normalize(
            'NFKD',
          )
        : null;
    const suite: SuiteName = given.suite ?? purposeSuite(wishes.for);
    const { network = 'bitcoin', path = null, format = null } = given;
    return readMaterial(bytes, { purpose: wishes.for, suite, network, path, passphrase, format });
  } finally {
    bytes.fill(0);
  }
}

async function readBytes(terminal: Terminal, from: string | undefined): Promise<Uint8Array> {
  if (from !== undefined)
    return readInput(from, MOST_BYTES, 'name the file that holds the private key alone');
  const hint = 'give it: --from FILE';
  return encodeUtf8(await askHidden(terminal, 'The words of the wallet, or the private key', hint));
}

/** A key file without its passphrase, which is asked for. */
async function unlocked(terminal: Terminal, bytes: Uint8Array): Promise<Uint8Array> {
  if (!isLockedKeyFile(bytes)) return bytes;
  try {
    const passphrase = await askHiddenBytes(
      terminal,
      'The passphrase of the key file',
      'run this on a terminal, or name a copy without one',
    );
    try {
      return await unlockKeyFile(bytes, passphrase);
    } finally {
      wipe(passphrase);
    }
  } finally {
    bytes.fill(0);
  }
}

const FORMATS: Readonly<Record<KeyMaterial['format'], string>> = {
  words: 'words of a wallet',
  xprv: 'extended private key',
  wif: 'single private key (WIF)',
  openssh: 'OpenSSH file',
  seed: 'seed in hex digits',
  scalar: 'scalar in hex digits',
};

function planLines(name: string, plan: ImportPlan, material: KeyMaterial): string {
  const { proposal, servers, network, goesOn } = plan;
  const { quorum, strict = false } = proposal;
  const where = network === null || network === 'bitcoin' ? '' : ` (${network})`;
  const path = material.path === null || material.path === 'm' ? '' : `, ${material.path}`;
  const facts: readonly (readonly [string, string])[] = [
    ['Import', `${name}   for ${proposal.purpose}${where}, ${proposal.suite}${goesOn ? ': goes on' : ''}`],
    ['From', `${FORMATS[material.format]}${path}`],
    ...shownForm(shownKey(name, plan)).rows.map(({ label, value }) => [label, value] as const),
    ['Quorum', `${quorum.needed} of ${quorum.of}: ${quorumMeaning(quorum, strict)}`],
    ['Servers', servers.map((server) => server.name).join(', ')],
    ...wishedPolicyLines(proposal.policy).map((line) => [line.slice(0, 8).trim(), line.slice(8)] as const),
    ...(strict ? strictLines(quorum).map((line) => ['Strict', line] as const) : []),
    ...(isSingleAddress(plan) ? [['Only', ONE_ADDRESS] as const] : []),
    ['Dealt', DEALT],
  ];
  return ['', ...facts.map(([label, text]) => `  ${label.padEnd(12)}${text}`), ''].join('\n');
}

const ONE_ADDRESS = 'this Taproot address: coins of this key at other addresses stay where they are';

function isSingleAddress({ proposal, shown }: ImportPlan): boolean {
  return proposal.purpose === 'bitcoin' && isSingleKey(shown);
}

function shownKey(name: string, { proposal, network, shown }: ImportPlan): ShownKey {
  return { name, purpose: proposal.purpose, network, public: shown };
}

function planObject(name: string, plan: ImportPlan, material: KeyMaterial) {
  const { purpose, suite, quorum, policy, groupKey, strict = false } = plan.proposal;
  const { form, value } = shownForm(shownKey(name, plan));
  return {
    purpose,
    suite,
    quorum,
    policy,
    strict,
    format: material.format,
    path: material.path,
    groupKey,
    public: { form, value },
    network: plan.network,
    goesOn: plan.goesOn,
    servers: plan.servers.map((server) => server.name),
  };
}
