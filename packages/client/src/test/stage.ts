import { suiteBackends } from '@ckm/threshold';
import {
  type NonceCommitment,
  type RequestReply,
  encodeReply,
  type FunctionName,
  isFunctionName,
  type Packet,
  type PacketBody,
  parsePacket,
  signPacket,
  type Parameters,
  parseCall,
  type Reply,
  type Result,
  toProblem,
} from '@ckm/api';
import { AccessError, AvailabilityError, encodeUtf8, secret } from '@ckm/foundation';
import {
  authenticateMessage,
  createIdentity,
  createMessageId,
  createXidDocument,
  formatEnvelopeUr,
  type Identity,
  type Message,
  type PublicKeys,
  sealMessage,
  signXidDocument,
  unsealMessage,
} from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { randomBytes } from 'node:crypto';
import {
  TEST_TIME,
  type BareCaller,
  type BareOptions,
  type BareServer,
  openBareServer,
  removeBareServer,
} from '@ckm/server/test';
import { httpCarrier } from '../carrier/http-carrier.js';
import { type Client, type ClientOptions, createClient } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import { deriveRecordKey } from '../store/record-seal.js';
import { createRecordStore, type RecordStore } from '../store/record-store.js';
import type { HttpSend, HttpReply, HttpRequest } from '../carrier/http-send.js';

/** One message as a server in the adversary's hands sees it. */
export interface Asked {
  readonly name: FunctionName;
  readonly parameters: unknown;
  readonly caller: BareCaller;
}

/** What a lying server says instead of the truth: another result, or whatever it throws. */
export type Tamper = (asked: Asked, honest: () => Promise<unknown>) => Promise<unknown>;

/** What happens to bytes between client and server. `pass` brings them there. */
export type Wire = (request: HttpRequest, pass: () => Promise<HttpReply>) => Promise<HttpReply>;

/** A real server (storage, policy, sessions) behind a door that a test can bend. */
export interface Actor {
  readonly name: string;
  readonly url: string;
  server: BareServer;
  identity: Identity;
  tamper: Tamper | null;
  wire: Wire | null;
  /** Names of the functions it was asked for, in order. */
  asked: FunctionName[];
  restart(changes?: Partial<BareOptions>): Promise<void>;
}

export interface Stage {
  readonly actors: readonly Actor[];
  readonly send: HttpSend;
  /** UnixSeconds, for everybody. */
  now: number;
  /** How long servers let messages be on their way, in seconds: what the operator sets as `messageLifetimeSeconds`. */
  messageLifetimeSeconds: number;
  actor(name: string): Actor;
  /** Everybody is honest and reachable again. */
  calmDown(): void;
  /** The client of somebody who has added all servers. */
  owner(options?: Partial<ClientOptions>): Promise<Client>;
  close(): Promise<void>;
}

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
const random = (length: number) => new Uint8Array(randomBytes(length));

export async function createStage(count = 3, options: Partial<BareOptions> = {}): Promise<Stage> {
  const stage = { now: TEST_TIME, messageLifetimeSeconds: 300 };
  const actors: Actor[] = [];
  for (const name of NAMES.slice(0, count))
    actors.push(await createActor(name, { now: () => stage.now, ...options }));
  const clients: Client[] = [];
  const send: HttpSend = (url, request) => {
    const actor = actors.find((one) => one.url === url);
    if (actor === undefined) return Promise.reject(unreachable(url));
    const pass = () => receive(actor, request, stage);
    return actor.wire === null ? pass() : actor.wire(request, pass);
  };
  return Object.assign(stage, {
    actors,
    send,
    actor: (name: string) => actors.find((one) => one.name === name)!,
    calmDown: () => {
      for (const actor of actors) Object.assign(actor, { tamper: null, wire: null, asked: [] });
    },
    owner: async (changes: Partial<ClientOptions> = {}) => {
      const client = ownerClient(send, () => stage.now, changes);
      clients.push(client);
      for (const { name, url } of actors) await client.addServer({ name, url });
      return client;
    },
    close: async () => {
      for (const client of clients) await client.close();
      for (const { server } of actors) {
        await server.stop();
        removeBareServer(server);
      }
    },
  });
}

export function ownerClient(
  send: HttpSend,
  clock: () => number,
  changes: Partial<ClientOptions> = {},
): Client {
  return createClient({
    seed: secret(OWNER_SEED.slice()),
    store: memoryStore(),
    carrier: httpCarrier(send),
    clock,
    timeoutMs: 1_000,
    ...changes,
  });
}

async function createActor(name: string, options: Partial<BareOptions>): Promise<Actor> {
  const server = await openBareServer({ name, ...options });
  const actor: Actor = {
    name,
    url: `http://${name}.test`,
    server,
    identity: server.context.identity,
    tamper: null,
    wire: null,
    asked: [],
    restart: async (changes) => {
      actor.server = await actor.server.restart(changes);
      actor.identity = actor.server.context.identity;
    },
  };
  return actor;
}

/** What `http/` and `messages/` of the real server do, in a form that tests can bend. */
async function receive(
  actor: Actor,
  request: HttpRequest,
  { now, messageLifetimeSeconds }: Pick<Stage, 'now' | 'messageLifetimeSeconds'>,
): Promise<HttpReply> {
  if (request.method === 'GET') return json(200, cardOf(actor));
  const { identity } = actor;
  const opened = unsealMessage({
    recipient: identity,
    bytes: request.body!,
    now,
    maxAgeSeconds: messageLifetimeSeconds,
  });
  const keys = opened.introduction ?? (await keysOf(actor, opened.claimed.sender));
  if (keys === null) return json(401, toProblem(unknownSender()));
  const message = authenticateMessage(opened, keys);
  const reply = await answer(actor, message, keys);
  const bytes = sealMessage({
    sender: identity,
    recipient: { xid: message.header.sender, publicKeys: keys },
    id: createMessageId(random),
    date: now,
    expiresAt: now + messageLifetimeSeconds,
    inReplyTo: message.header.id,
    function: message.function,
    body: encodeReply(reply),
    random,
  });
  return { status: 200, contentType: 'application/octet-stream', body: bytes };
}

async function answer(actor: Actor, message: Message, keys: PublicKeys): Promise<Reply<FunctionName>> {
  try {
    const { function: name, body } = message;
    if (!isFunctionName(name)) throw unreachable(actor.url);
    const parameters = parseCall(name, body);
    const caller = await actor.server.as({ xid: message.header.sender, publicKeys: keys } as Identity);
    actor.asked.push(name);
    const honest = () => perform(actor, caller, name, parameters);
    const result =
      actor.tamper === null ? await honest() : await actor.tamper({ name, parameters, caller }, honest);
    return { ok: true, result: result as Result<FunctionName> };
  } catch (error) {
    return { ok: false, problem: toProblem(error) };
  }
}

async function perform(
  actor: Actor,
  caller: BareCaller,
  name: FunctionName,
  parameters: Parameters<FunctionName>,
): Promise<unknown> {
  const time = actor.server.context.clock();
  if (name === 'account.open') return { openedAt: time };
  if (name === 'server.describe') {
    const { keys } = await caller.call('key.list', { after: null });
    return {
      name: actor.name,
      version: '0.1.0',
      time,
      keys: keys.length,
      keyQuota: 100,
      arithmetic: suiteBackends(),
    };
  }
  return caller.call(name, parameters);
}

async function keysOf({ server: { context } }: Actor, xid: Uint8Array): Promise<PublicKeys | null> {
  const account = await context.storage.read((reader) => context.accounts.find(reader, xid as never));
  return account?.publicKeys ?? null;
}

export function cardOf({ name, identity }: Pick<Actor, 'name' | 'identity'>) {
  const document = signXidDocument(createXidDocument(identity.publicKeys), identity);
  return { document: formatEnvelopeUr(document), name, version: '0.1.0', accounts: 'open', protocols: [1] };
}

export function json(status: number, value: unknown): HttpReply {
  return { status, contentType: 'application/json', body: encodeUtf8(JSON.stringify(value)) };
}

export function unreachable(url: string): AvailabilityError {
  return new AvailabilityError(`no server answers at ${url}`, {
    code: 'SERVER_UNREACHABLE',
    hint: 'try again',
  });
}

function unknownSender(): AccessError {
  return new AccessError('the message is not from anybody this server knows', {
    code: 'MESSAGE_NOT_AUTHENTICATED',
    hint: 'open an account',
  });
}

export function stranger(): Identity {
  return createIdentity(secret(random(32)));
}

export function messageOf(text: string): { readonly kind: 'message'; readonly payload: Uint8Array } {
  return { kind: 'message', payload: buildMessageRequest({ domain: 'test', bytes: encodeUtf8(text) }) };
}

/** The seed of every owner here who has no other. */
export const OWNER_SEED = new Uint8Array(32).fill(7);

/** The records of that owner, opened and sealed as its client does. */
export function recordsOf(store: ClientStore, seed = OWNER_SEED): RecordStore {
  return createRecordStore(store, () => Promise.resolve(deriveRecordKey(secret(seed.slice()))), undefined);
}

/** Another store with the same records. */
export async function copyStore(store: ClientStore): Promise<ClientStore> {
  const copy = memoryStore();
  for (const folder of ['servers', 'keys', 'sessions', 'requests', 'pool', 'evidence']) {
    for (const path of await store.list(folder)) await copy.put(path, (await store.get(path))!);
  }
  return copy;
}

/** A store whose writes can be watched and cut off, as a crash of the process would. */
export function mortalStore(
  store: ClientStore = memoryStore(),
): ClientStore & { writes: number; dieAt: number } {
  const mortal = {
    ...store,
    writes: 0,
    dieAt: Number.POSITIVE_INFINITY,
    put: async (path: string, bytes: Uint8Array) => {
      if (++mortal.writes > mortal.dieAt) throw new Error('the process is dead');
      await store.put(path, bytes);
    },
  };
  return mortal;
}

/** The reply with other commitments in place of those it gives. */
export function giving(reply: RequestReply, commitments: NonceCommitment[]): RequestReply {
  return reply.prepared === null ? reply : { ...reply, prepared: { craft: 'frost', commitments } };
}

/** The same packet with other words, signed by its server all the same. */
export function otherWords(
  { identity }: Pick<Actor, 'identity'>,
  bytes: Uint8Array,
  change: (body: Packet) => Partial<PacketBody>,
): Uint8Array {
  const packet = parsePacket(bytes);
  const { signature: _signature, bytes: _bytes, signed: _signed, digest: _digest, ...body } = packet;
  return signPacket(identity, { ...body, ...change(packet) });
}
