import { CkmError, UsageError } from '@ckm/foundation';
import { buildGitRequest, buildSshSigRequest } from '@ckm/requests';
import type { Command } from 'commander';
import type { Client } from '@ckm/client';
import type { Context } from '../command-line/context.js';
import { onTheTerminal } from '../command-line/on-the-terminal.js';
import { ProgramEnded } from '../command-line/program-ended.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { readPublicKey } from '../ssh/public-key-file.js';
import { runInForeground } from '../ssh/run-program.js';
import { parseSigningCall, type SigningCall } from '../ssh/signing-call.js';
import { listSshKeys, type SshKey } from '../ssh/ssh-keys.js';
import { agreeBlind } from '../requests/agree.js';
import { formatDescription } from '../terminal/description.js';
import { plainLines } from '../terminal/plain-text.js';
import { readInput } from '../terminal/read-input.js';
import { replaceOut } from '../terminal/write-out.js';

/** `ckm git-sign`: stands where git expects `ssh-keygen` (`gpg.ssh.program`), as `ckm-git-sign`. */
export function gitSignCommand(): Command {
  return leaf('git-sign', 'sign commits and tags for git')
    .argument(
      '[arguments...]',
      'those of ssh-keygen: -Y sign -n git -f KEY FILE; all but sign go to ssh-keygen',
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

async function sign(
  context: Context,
  { keyFile, namespace, file }: SigningCall,
  isBlindWanted: boolean,
): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const { name } = await keyFor(client, await readPublicKey(keyFile));
  const object = await readInput(file, MOST_BYTES);
  const request =
    namespace === 'git'
      ? { kind: 'git', payload: buildGitRequest(object) }
      : { kind: 'ssh', payload: buildSshSigRequest({ namespace, message: object }) };
  const asked = await client.prepare({ key: name, ...request, waitSeconds: WAIT_SECONDS });
  const { description, refusal } = asked;
  tell(context, formatDescription(terminal, description));
  if (context.flags.preview === true) {
    if (refusal !== null) throw refusal;
    terminal.result('nothing was sent', { preview: true, key: name, description });
    return;
  }
  const question = `Use ${name} for this?`;
  await agreeBlind(context, { description, key: name, question, isBlindWanted, refusal });
  const { artefact, signers } = await asked.sign();
  await replaceOut(`${file}.sig`, artefact);
  terminal.talk(`  signed by ${signers.join(', ')}`);
}

/** What is signed comes before the question for the passphrase, wherever that is asked. */
function tell({ terminal, flags, passphraseFile }: Context, text: string): void {
  terminal.warn(text);
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
