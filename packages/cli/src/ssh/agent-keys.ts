import type { Client, PreparedRequest, SignArgs } from '@ckm/client';
import { decodeUtf8, UsageError } from '@ckm/foundation';
import { buildSshAgentRequest, sshSignatureBlobOf } from '@ckm/requests';
import type { AgentKey, Asker } from '../agent/agent.js';
import type { Hop } from '../agent/bound-sessions.js';
import type { Context } from '../command-line/context.js';
import { agree, agreeBlind } from '../requests/agree.js';
import { formatDescription } from '../terminal/description.js';
import { listSshKeys, type SshKey } from './ssh-keys.js';

export interface AgentOptions {
  /** How long a program is kept waiting for people. */
  readonly waitSeconds: number;
  /** Whether the owner is asked before each signature. */
  readonly isAsking: boolean;
  /** Whether what cannot be described is signed without a question. */
  readonly isBlindWanted: boolean;
}

/**
 * The keys an agent offers.
 * @param names of keys; none: all that were made for SSH
 * @throws UsageError `KEY_NOT_FOR_SSH`, `AGENT_WITHOUT_KEYS`; StateError `KEY_NOT_USABLE`
 */
export async function chooseKeys(client: Client, names: readonly string[]): Promise<readonly SshKey[]> {
  // Unknown names, and keys that are not complete or are disputed, are the client's to refuse.
  for (const name of names) await client.usableKey(name);
  const made = (await listSshKeys(client)).filter(({ kinds }) => kinds.includes('ssh'));
  const possible = made.filter(({ isHandedOut }) => isHandedOut);
  const stranger = names.find((name) => !possible.some((key) => key.name === name));
  if (stranger !== undefined) throw notForSsh(stranger);
  const chosen = names.length === 0 ? possible : possible.filter(({ name }) => names.includes(name));
  if (chosen.length > 0) return chosen;
  if (made[0] !== undefined) await client.usableKey(made[0].name);
  throw withoutKeys();
}

/**
 * Keys as an agent offers them: each signature is described, then asked of the quorum. What cannot be described is
 * asked about first, and refused where nobody can be asked.
 */
export function agentKeys(
  context: Context,
  client: Client,
  keys: readonly SshKey[],
  options: AgentOptions,
): AgentKey[] {
  let asking: Promise<unknown> = Promise.resolve();
  const ask = (key: string, { description, refusal }: PreparedRequest, asker: Asker) => {
    const { isAsking, isBlindWanted } = options;
    const question = `Use ${key} for this?`;
    const agreement = { description, key, question, isBlindWanted, refusal, shown: null };
    // Two questions at once could not be told apart.
    const answer = asking.then(async () => {
      const isThere = await asker.isThere();
      if (isThere) await (isAsking ? agree : agreeBlind)(context, agreement);
      return isThere;
    });
    asking = answer.catch(() => undefined);
    return answer;
  };
  return keys.map(({ name, blob, quorum }) => ({
    blob,
    comment: `ckm:${name} (${quorum.needed} of ${quorum.of})`,
    sign: async (data, asker) => {
      const { type, payload } = buildSshAgentRequest(data);
      const request: SignArgs = { key: name, kind: 'ssh', payload, waitSeconds: options.waitSeconds };
      const asked = await client.prepare(request);
      const shown = formatDescription(context.terminal, asked.description, asked.refusal);
      context.terminal.warn(shown, 'asWritten');
      if (asker.hops.length > 0) context.terminal.warn(hopsLine(asker.hops));
      if (!(await ask(name, asked, asker))) return null;
      const { artefact, signers } = await asked.sign();
      context.terminal.talk(`  signed by ${signers.join(', ')}`);
      return type === 'login' ? artefact : sshSignatureBlobOf(decodeUtf8(artefact));
    },
  }));
}

/** A log-in that the owner types is asked for from here, and one that somebody makes elsewhere is not. */
function hopsLine(hops: readonly Hop[]): string {
  const [first, ...others] = hops.map(
    ({ server, isProven }) => `${server}${isProven ? '' : ' (a kind of key that cannot be checked here)'}`,
  );
  const nearest = `ckm: note: asked from the SSH server ${first}, to which this agent was handed on (ssh -A)`;
  if (others.length === 0) return nearest;
  return `${nearest}, or from behind it: it says that it handed the agent on to ${others.join(', then to ')}`;
}

function notForSsh(name: string): UsageError {
  return new UsageError(`key ${name} was not made for SSH`, {
    code: 'KEY_NOT_FOR_SSH',
    hint: 'make one that is: ckm key create NAME --for ssh',
  });
}

function withoutKeys(): UsageError {
  return new UsageError('you have no key that was made for SSH', {
    code: 'AGENT_WITHOUT_KEYS',
    hint: 'make one first: ckm key create NAME --for ssh',
  });
}
