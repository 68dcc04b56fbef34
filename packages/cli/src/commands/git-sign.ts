import { CkmError, UsageError } from '@ckm/foundation';
import { buildGitRequest, buildSshSigRequest } from '@ckm/requests';
import type { Command } from 'commander';
import type { Client, SignArgs } from '@ckm/client';
import type { Context } from '../command-line/context.js';
import { onTheTerminal } from '../command-line/on-the-terminal.js';
import { ProgramEnded } from '../command-line/program-ended.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { readPublicKey } from '../ssh/public-key-file.js';
import { runInForeground } from '../ssh/run-program.js';
import { parseSigningCall, type SigningCall, STDIN } from '../ssh/signing-call.js';
import { listSshKeys, type SshKey } from '../ssh/ssh-keys.js';
import { agreeBlind } from '../requests/agree.js';
import { handOver } from '../requests/hand-over.js';
import { formatDescription } from '../terminal/description.js';
import { plainLines } from '../terminal/plain-text.js';
import { confirm } from '../terminal/prompt.js';
import { readInput } from '../terminal/read-input.js';
import { cancelled, canAsk } from '../terminal/seat.js';
import { assertOutput } from '../terminal/watch-output.js';
import { assertReplaceable, fileExists, writeSignature } from '../terminal/write-out.js';

/** `ckm git-sign`: stands where git expects `ssh-keygen` (`gpg.ssh.program`), as `ckm-git-sign`. */
export function gitSignCommand(): Command {
  return leaf('git-sign', 'sign commits and tags for git')
    .argument(
      '[arguments...]',
      'those of ssh-keygen: -Y sign -n git -f KEY [FILE…]; all but sign go to ssh-keygen',
    )
    .option('--blind', 'sign without a question what cannot be described, where the key allows it')
    .allowUnknownOption()
    .action(run(gitSign));
}

/** What git may sign at most; also what a server reads. */
const MOST_BYTES = 1_048_576;
/** git waits as long as we do. */
const WAIT_SECONDS = 600;

async function gitSign(
  context: Context,
  args: readonly string[],
  { blind }: { readonly blind?: true },
): Promise<void> {
  const call = parseSigningCall(args);
  if (call === null) {
    const status = await runInForeground('ssh-keygen', args).ended;
    if (status !== 0) throw new ProgramEnded(status);
    return;
  }
  await sign(onTheTerminal(context), call, blind === true).catch((error: unknown) => {
    throw error instanceof CkmError && error.code === 'INPUT_NEEDED' ? nobodyToAsk(error) : error;
  });
}

/** git hands on no flag of ours, and what calls git is often no terminal. */
function nobodyToAsk({ message, code }: CkmError): UsageError {
  const hint = 'run ckm unlock before git, or set CKM_PASSPHRASE_FILE to a file with the passphrase';
  return new UsageError(message, { code, hint });
}

async function sign(context: Context, call: SigningCall, isBlindWanted: boolean): Promise<void> {
  const { files, keyFile } = call;
  if (files.includes(STDIN)) assertStreams(context);
  const client = await openOwner(context);
  const { name } = await keyFor(client, await readPublicKey(keyFile));
  // Nobody signs anything before everything could be read and written.
  const contents: Uint8Array[] = [];
  for (const file of files) contents.push(await readInput(file, MOST_BYTES));
  const deliveries: Delivery[] = [];
  for (const [at, file] of files.entries())
    deliveries.push({ file, content: contents[at]!, replaces: await mayReplace(context, file) });
  for (const delivery of deliveries) {
    const request = { key: name, ...requestFor(call, delivery.content), waitSeconds: WAIT_SECONDS };
    await signOne(context, client, request, delivery, isBlindWanted);
  }
}

/** Something to sign, and where its signature goes. */
interface Delivery {
  readonly file: string;
  readonly content: Uint8Array;
  /** Whether a signature is there already, and may be replaced. */
  readonly replaces: boolean;
}

function signatureFile(file: string): string {
  return `${file}.sig`;
}

/**
 * Whether the signature of `file` replaces what is there, which its owner is asked about as `ssh-keygen` asks. That one ends well with
 * nothing signed where nobody answers; ours does not.
 * @throws UsageError `FILE_EXISTS` where nobody can be asked; StateError `CANCELLED_BY_PERSON`; StorageError `FILE_UNWRITABLE`
 */
async function mayReplace({ terminal, flags }: Context, file: string): Promise<boolean> {
  const path = signatureFile(file);
  if (file === STDIN || flags.preview === true || !(await assertReplaceable(path))) return false;
  if (flags.yes === true) return true;
  if (!canAsk(terminal)) throw fileExists(path, 'move it away, or run this on a terminal, or with --yes');
  if (!(await confirm(terminal, `${path} is already there. Replace it?`))) throw cancelled();
  return true;
}

function requestFor({ namespace, hash }: SigningCall, message: Uint8Array) {
  return namespace === 'git'
    ? { kind: 'git', payload: buildGitRequest(message) }
    : { kind: 'ssh', payload: buildSshSigRequest({ namespace, hash, message }) };
}

async function signOne(
  context: Context,
  client: Client,
  request: SignArgs,
  { file, replaces }: Delivery,
  isBlindWanted: boolean,
): Promise<void> {
  const { terminal } = context;
  const { key, kind } = request;
  const asked = await client.prepare(request);
  const { description, refusal } = asked;
  const shown = formatDescription(terminal, description, refusal);
  tell(context, shown);
  if (context.flags.preview === true) {
    if (refusal !== null) throw refusal;
    terminal.result('nothing was sent', { preview: true, key, description });
    return;
  }
  const question = `Use ${key} for this?`;
  await agreeBlind(context, { description, key, question, isBlindWanted, refusal, shown });
  const result = await asked.sign();
  if (file === STDIN) {
    await handOver(terminal, { key, kind, result, out: undefined, isExtracted: false, request: undefined });
    return;
  }
  await writeSignature(signatureFile(file), result.artefact, replaces);
  terminal.talk(`  signed by ${result.signers.join(', ')}`);
}

/** What comes on stdin and goes to stdout needs both. @throws UsageError `OPTION_INVALID`; StorageError `OUTPUT_CLOSED` */
function assertStreams({ passphraseFile, flags }: Context): void {
  if (flags.preview !== true) assertOutput();
  if (passphraseFile !== '-') return;
  throw new UsageError('stdin cannot be both the passphrase and what is to be signed', {
    code: 'OPTION_INVALID',
    hint: 'run ckm unlock first, or name a file with --passphrase-file',
  });
}

/** What is signed comes before the question for the passphrase, wherever that is asked. */
function tell({ terminal, flags, passphraseFile }: Context, text: string): void {
  terminal.warn(text, 'asWritten');
  const isAsked = passphraseFile === undefined && terminal.input && flags.preview !== true;
  if (isAsked && !process.stderr.isTTY) terminal.secretLines(`${plainLines(text)}\n`);
}

async function keyFor(client: Client, blob: Uint8Array): Promise<SshKey> {
  const found = (await listSshKeys(client)).find((key) => Buffer.from(key.blob).equals(blob));
  if (found !== undefined) return found;
  throw new UsageError('none of your keys is the one git wants to sign with', {
    code: 'SSH_KEY_UNKNOWN',
    hint: 'set user.signingkey to a file with the line of: ckm key show NAME --public',
  });
}
