import { type Client, createClient, fetchSend, httpCarrier, memoryStore, type SignResult } from '@ckm/client';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { connectOperator } from '@ckm/server';
import { buildMessageRequest } from '@ckm/requests';
import type { ServerProcess } from './server-process.js';

/** Servers in processes of their own, and an owner whose client finds them again after they were killed and listen elsewhere. */
export interface MortalOwner {
  readonly client: Client;
  /** Signs a message that nobody has signed before, without these servers. */
  sign(key: string, without?: readonly string[]): Promise<SignResult>;
  /** How a key is, by all that can be asked of it from outside, and a signature of some quorum: another one each time. */
  look(key: string): Promise<Looked>;
  /** Every operator says yes to what waits at his server. */
  approveAll(): Promise<void>;
  close(): Promise<void>;
}

export interface Looked {
  readonly epoch: number;
  readonly groupKey: string;
  /** What its servers say of it, in order of slots: `holds` says that a server is in this epoch and in no other. */
  readonly verdicts: readonly string[];
  readonly signers: number;
}

/**
 * No server comes back while a command waits for it, and whoever has not decided is asked again by the next one: a command waits once, and so
 * asks those who can be asked only when others have answered.
 */
const TIMEOUT_MS = 150;
/** Longest wait for an answer all the same, on however slow a machine. */
const ANSWER_MS = 20_000;
const PATIENCE_MS = 1_500;

export interface MortalOwnerOptions {
  /** Of the processes of one server, which is asked next; default: the first. */
  readonly choose?: (processes: readonly ServerProcess[]) => ServerProcess;
  /** Hears the status of every answer. */
  readonly onStatus?: (status: number) => void;
}

/** Two of them are one owner at two devices: the second finds the keys of the first again from the seed. */
export async function createMortalOwner(
  servers: readonly ServerProcess[],
  { choose = ([first]) => first!, onStatus = () => undefined }: MortalOwnerOptions = {},
): Promise<MortalOwner> {
  let messages = 0;
  let turn = 0;
  const processesAt = (url: string) => servers.filter(({ name }) => url === urlOf(name));
  const client = createClient({
    seed: secret(new Uint8Array(32).fill(1)),
    store: memoryStore(),
    carrier: httpCarrier(async (url, request) => {
      const address = choose(processesAt(url)).url();
      const reply = await fetchSend(address, { ...request, timeoutMs: ANSWER_MS });
      onStatus(reply.status);
      return reply;
    }),
    timeoutMs: TIMEOUT_MS,
    patienceMs: PATIENCE_MS,
  });
  for (const name of new Set(servers.map((server) => server.name)))
    await client.addServer({ name, url: urlOf(name) });
  const sign: MortalOwner['sign'] = (key, without = []) =>
    client.sign({
      key,
      kind: 'message',
      payload: buildMessageRequest({ domain: 'crash', bytes: encodeUtf8(`message ${++messages}`) }),
      without,
    });
  return {
    client,
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
    close: () => client.close(),
  };
}

/** Where nobody listens: what the client is told in place of an address that changes with every start. */
function urlOf(name: string): string {
  return `http://${name}.test`;
}
