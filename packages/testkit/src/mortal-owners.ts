import { type Client, createClient, fetchSend, httpCarrier, memoryStore, type SignResult } from '@ckm/client';
import { CkmError, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { connectOperator } from '@ckm/server';
import { buildMessageRequest } from '@ckm/requests';
import type { PlannedKill, ServerProcess } from './server-process.js';

/** Servers in processes of their own, and an owner whose client finds them again after they were killed and listen elsewhere. */
export interface MortalOwner {
  readonly client: Client;
  /** Signs a message that nobody has signed before, without these servers. */
  sign(key: string, without?: readonly string[]): Promise<SignResult>;
  /** How a key is, by all that can be asked of it from outside, and a signature of some quorum: another one each time. */
  look(key: string): Promise<Looked>;
  /** Every operator says yes to what waits at his server. */
  approveAll(): Promise<void>;
  /** A second process of the same owner, with the same records. */
  again(): Client;
  close(): Promise<void>;
}

export interface Looked {
  readonly epoch: number;
  readonly groupKey: string;
  /** What its servers say of it, in order of slots: `holds` says that a server is in this epoch and in no other. */
  readonly verdicts: readonly string[];
  readonly signers: number;
}

const TIMEOUT_MS = 2_500;

export async function createMortalOwner(servers: readonly ServerProcess[], number = 1): Promise<MortalOwner> {
  const store = memoryStore();
  const clients: Client[] = [];
  let messages = 0;
  let turn = 0;
  const again = (): Client => {
    const client = createClient({
      seed: secret(new Uint8Array(32).fill(number)),
      store,
      carrier: httpCarrier((url, request) => fetchSend(serverAt(url).url(), request)),
      timeoutMs: TIMEOUT_MS,
    });
    clients.push(client);
    return client;
  };
  const serverAt = (url: string) => servers.find(({ name }) => url === urlOf(name))!;
  const client = again();
  for (const { name } of servers) await client.addServer({ name, url: urlOf(name) });
  const sign: MortalOwner['sign'] = (key, without = []) =>
    client.sign({
      key,
      kind: 'message',
      payload: buildMessageRequest({ domain: 'crash', bytes: encodeUtf8(`message ${++messages}`) }),
      without,
    });
  return {
    client,
    again,
    sign,
    async look(name) {
      const { servers: asked } = await client.verifyKey(name);
      const { newest, public: key } = await client.showKey(name);
      const { needed, of } = key.quorum;
      const without = needed === of ? [] : [asked[turn++ % of]!.server];
      const { signers } = await sign(name, without);
      return {
        epoch: newest.params.epoch,
        groupKey: encodeHex(key.groupKey),
        verdicts: asked.map(({ verdict }) => verdict),
        signers: signers.length,
      };
    },
    async approveAll() {
      for (const { dataDir } of servers) {
        const operator = connectOperator(dataDir);
        for (const { owner, sessionId, proposalHash } of (await operator.sessions()).sessions)
          await operator.approveSession({ owner, sessionId, proposalHash });
      }
    },
    close: async () => {
      for (const one of clients) await one.close();
    },
  };
}

/** Where nobody listens: what the client is told in place of an address that changes with every start. */
function urlOf(name: string): string {
  return `http://${name}.test`;
}

/** What an owner's command came to. */
export interface Survived<T> {
  readonly value: T;
  /** Whether the server died of it. */
  readonly died: boolean;
  /** How often the command was given. */
  readonly tries: number;
}

const MOST_TRIES = 6;

/**
 * Has a server kill itself (SIGKILL) at one of its commits while a command runs, starts it again, and repeats the command until it is through.
 * @throws when it never is, or what fails is not said in words
 */
export async function survive<T>(
  victim: ServerProcess,
  plannedKill: PlannedKill,
  command: () => Promise<T>,
  { isThrough = () => true, beforeAgain = async () => undefined, whileDown }: SurviveOptions<T> = {},
): Promise<Survived<T>> {
  await victim.kill();
  whileDown?.();
  await victim.start(plannedKill);
  const said: string[] = [];
  let died = false;
  /** Undefined: it failed, in words; a server that died of it runs again. */
  const attempt = async <R>(work: () => Promise<R>): Promise<R | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      said.push(`${error.code} (${error.message})`);
      return undefined;
    } finally {
      if (!died && (await isGone(victim))) {
        died = true;
        await victim.start();
      }
    }
  };
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const value = await attempt(command);
    if (value !== undefined && isThrough(value)) {
      // It would die of whatever it is asked next.
      if (!died) await victim.kill().then(() => victim.start());
      return { value, died, tries };
    }
    await attempt(beforeAgain);
  }
  throw new Error(`${victim.name} at ${plannedKill.when} ${plannedKill.commit}: ${said.join('; ')}`);
}

export interface SurviveOptions<T> {
  readonly isThrough?: (value: T) => boolean;
  /** What becomes of its files before all this. */
  readonly whileDown?: () => void;
  /** What people do between two commands. */
  readonly beforeAgain?: () => Promise<void>;
}

/** Whether it killed itself; what it said last has been heard then. */
async function isGone(server: ServerProcess): Promise<boolean> {
  try {
    await fetch(`${server.url()}/healthz`);
    return false;
  } catch {
    await server.gone();
    return true;
  }
}
