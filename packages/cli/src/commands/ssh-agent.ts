import type { Client } from '@ckm/client';
import { CkmError, equalBytes, StorageError } from '@ckm/foundation';
import { sshFingerprint } from '@ckm/requests';
import type { Command } from 'commander';
import { join, resolve } from 'node:path';
import { type RunningAgent, startAgent } from '../agent/agent.js';
import type { Context } from '../command-line/context.js';
import { onTheTerminal } from '../command-line/on-the-terminal.js';
import { parseDuration } from '../command-line/option-values.js';
import { ProgramEnded } from '../command-line/program-ended.js';
import { leaf, run } from '../command-line/run.js';
import { openOwnerNow } from '../owner/open-owner.js';
import { stopOnSignals } from '../operator/stop-on-signals.js';
import { agentKeys, chooseKeys } from '../ssh/agent-keys.js';
import { runInForeground } from '../ssh/run-program.js';
import type { SshKey } from '../ssh/ssh-keys.js';
import { plainText } from '../terminal/plain-text.js';
import { errorLines, toCkmError } from '../terminal/print-error.js';

/** `ckm ssh-agent` */
export function sshAgentCommand(): Command {
  return leaf('ssh-agent', 'offer your keys to OpenSSH')
    .argument('[command...]', 'run this with the agent, and stop with it (write -- in front)')
    .option('--key <name>', 'offer only this key; may be given again', collect, [])
    .option('--socket <path>', 'where programs find the agent (default: agent.sock in the owner’s folder)')
    .option('--confirm', 'ask before each signature')
    .option('--blind', 'sign without a question what cannot be described, where the key allows it')
    .option('--wait <time>', 'how long a program is kept waiting for operators', '100s')
    .action(run(sshAgent));
}

interface Flags {
  readonly key: readonly string[];
  readonly socket?: string;
  readonly confirm?: true;
  readonly blind?: true;
  readonly wait: string;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function sshAgent(context: Context, command: readonly string[], given: Flags): Promise<void> {
  const waitSeconds = parseDuration('--wait', given.wait);
  const socketPath =
    given.socket === undefined ? join(context.home.path, 'agent.sock') : resolve(given.socket);
  const client = await openOwnerNow(context);
  const keys = await chooseKeys(client, given.key);
  if (context.flags.preview === true) {
    const names = keys.map(({ name }) => name);
    context.terminal.result(`would offer ${names.join(', ')} at ${socketPath}`, {
      preview: true,
      socketPath,
      keys: names,
    });
    return;
  }
  const options = { waitSeconds, isAsking: given.confirm === true, isBlindWanted: given.blind === true };
  const agent = await listen(context, client, keys, socketPath, options);
  try {
    if (command.length > 0) await serveCommand(agent, command);
    else await serveUntilTold(context, agent, keys);
  } finally {
    await agent.close();
  }
}

async function listen(
  context: Context,
  client: Client,
  keys: readonly SshKey[],
  socketPath: string,
  options: Parameters<typeof agentKeys>[3],
): Promise<RunningAgent> {
  try {
    return await startAgent({
      socketPath,
      keys: agentKeys(onTheTerminal(context), client, keys, options),
      onRefusal: (key, reason) => {
        const name = keys.find(({ blob }) => equalBytes(blob, key.blob))?.name ?? 'KEY';
        const error = withWayOn(toCkmError(reason), name);
        // The agent goes on: there is no command to run again.
        const isNo = error.code === 'CANCELLED_BY_PERSON';
        context.terminal.warn(isNo ? 'ckm: note: not signed, as you wished' : errorLines(error));
      },
      onDenial: (what) => context.terminal.warn(`ckm: note: refused: ${plainText(what)}`),
    });
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new StorageError(`the agent cannot listen at ${socketPath}`, {
      code: 'AGENT_SOCKET_UNUSABLE',
      hint: 'name a path in a folder that exists, of at most 107 characters, with --socket',
      cause,
    });
  }
}

/** An agent is given the digest of a file only, and `ckm sign` reads the file itself. */
function withWayOn(error: CkmError, key: string): CkmError {
  if (error.code !== 'POLICY_BLIND') return error;
  const { errorClass, message, code, facts } = error;
  const hint = `sign the file itself: ckm sign ${key} FILE --ssh-namespace file --out FILE.sig`;
  return new CkmError(errorClass, message, { code, hint, facts, retryable: false, cause: error });
}

/** As `ssh-agent COMMAND` does: the agent lives as long as the program, whose exit status becomes ours. */
async function serveCommand(agent: RunningAgent, command: readonly string[]): Promise<void> {
  const [program, ...args] = command;
  const child = runInForeground(program!, args, { ...process.env, SSH_AUTH_SOCK: agent.socketPath });
  const release = stopOnSignals({
    close: () => {
      child.stop();
      return Promise.resolve();
    },
  });
  const status = await child.ended.finally(release);
  if (status !== 0) throw new ProgramEnded(status);
}

async function serveUntilTold(
  { terminal }: Context,
  { socketPath, close }: RunningAgent,
  keys: readonly SshKey[],
): Promise<void> {
  const told = new Promise<void>((resolvePromise) => {
    stopOnSignals({ close: () => close().then(resolvePromise) });
  });
  for (const { name, blob } of keys) terminal.talk(`offers ${name}   ${sshFingerprint(blob)}`);
  terminal.result(`SSH_AUTH_SOCK=${quoted(socketPath)}; export SSH_AUTH_SOCK;`, {
    socket: socketPath,
    keys: keys.map(({ name, blob }) => ({ name, fingerprint: sshFingerprint(blob) })),
  });
  terminal.talk('Ctrl-C stops it');
  await told;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
