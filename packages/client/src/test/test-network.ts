// Longer than other files, because it is one stand-in: the servers of every test here, the wires to them, and their owners.
import { suiteBackends } from '@ckm/threshold';
import {
  type NonceCommitment,
  type RequestReply,
  devicesKeyName,
  encodeReply,
  type FunctionName,
  FUNCTIONS,
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

/** A real server (storage, policy, sessions) whose messages a test can change on their way. */
export interface NetworkServer {
  readonly name: string;
  readonly url: string;
  bare: BareServer;
  identity: Identity;
  tamper: Tamper | null;
  wire: Wire | null;
  /** Names of the functions it was asked for, in order. */
  asked: FunctionName[];
  restart(changes?: Partial<BareOptions>): Promise<void>;
}

/** Real servers, their clock, and what brings messages to them. */
export interface TestNetwork {
  readonly servers: readonly NetworkServer[];
  readonly send: HttpSend;
  /** UnixSeconds, for everybody. */
  now: number;
  /** How long servers let messages be on their way, in seconds: what the operator sets as `messageLifetimeSeconds`. */
  messageLifetimeSeconds: number;
  server(name: string): NetworkServer;
  /** Nothing reaches a server, or no question for one of these functions, until everybody is honest again. */
  cut(name: string, ...functions: readonly FunctionName[]): void;
  /** Everybody is honest and reachable again. */
  makeHonest(): void;
  /** The client of somebody who has added all servers. */
  owner(options?: Partial<ClientOptions>): Promise<Client>;
  close(): Promise<void>;
}

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
const random = (length: number) => new Uint8Array(randomBytes(length));

/** @param options of every server, or of each by its name */
export async function createTestNetwork(
  count = 3,
  options: Partial<BareOptions> | ((name: string) => Partial<BareOptions>) = {},
): Promise<TestNetwork> {
  const network = { now: TEST_TIME, messageLifetimeSeconds: 300 };
  const servers: NetworkServer[] = [];
  for (const name of NAMES.slice(0, count))
    servers.push(
      await openNetworkServer(name, {
        now: () => network.now,
        ...(typeof options === 'function' ? options(name) : options),
      }),
    );
  const clients: Client[] = [];
  const send: HttpSend = (url, request) => {
    const server = servers.find((one) => one.url === url);
    if (server === undefined) return Promise.reject(unreachable(url));
    const pass = () => receive(server, request, network);
    return server.wire === null ? pass() : server.wire(request, pass);
  };
  const server = (name: string) => servers.find((one) => one.name === name)!;
  return Object.assign(network, {
    servers,
    send,
    server,
    cut: (name: string, ...functions: readonly FunctionName[]) => {
      const refuse = () => Promise.reject(unreachable(name));
      if (functions.length === 0) server(name).wire = refuse;
      else server(name).tamper = (asked, honest) => (functions.includes(asked.name) ? refuse() : honest());
    },
    makeHonest: () => {
      for (const server of servers) Object.assign(server, { tamper: null, wire: null, asked: [] });
    },
    owner: async (changes: Partial<ClientOptions> = {}) => {
      const client = ownerClient(send, () => network.now, changes);
      clients.push(client);
      for (const { name, url } of servers) await client.addServer({ name, url });
      return client;
    },
    close: async () => {
      for (const client of clients) await client.close();
      for (const { bare } of servers) {
        await bare.stop();
        removeBareServer(bare);
      }
    },
  });
}

/** Three servers, and the client of one who has added them, with what it stores. */
export async function createOwnedNetwork(): Promise<{
  readonly network: TestNetwork;
  readonly store: ClientStore;
  readonly client: Client;
}> {
  const network = await createTestNetwork(3);
  const store = memoryStore();
  return { network, store, client: await network.owner({ store }) };
}

/** Two keys of two servers each: `savings` of alpha and bravo, `trash` of bravo and charlie. */
export async function createTwoKeys(client: Client): Promise<void> {
  const quorum = { needed: 2, of: 2 } as const;
  await client.createKey({ name: 'savings', purpose: 'message', quorum, servers: ['alpha', 'bravo'] });
  await client.createKey({ name: 'trash', purpose: 'message', quorum, servers: ['bravo', 'charlie'] });
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

async function openNetworkServer(name: string, options: Partial<BareOptions>): Promise<NetworkServer> {
  const bare = await openBareServer({ name, ...options });
  const server: NetworkServer = {
    name,
    url: `http://${name}.test`,
    bare,
    identity: bare.context.identity,
    tamper: null,
    wire: null,
    asked: [],
    restart: async (changes) => {
      server.bare = await server.bare.restart(changes);
      server.identity = server.bare.context.identity;
    },
  };
  return server;
}

/** What `http/` and `messages/` of the real server do, in a form that tests can bend. */
async function receive(
  server: NetworkServer,
  request: HttpRequest,
  { now, messageLifetimeSeconds }: Pick<TestNetwork, 'now' | 'messageLifetimeSeconds'>,
): Promise<HttpReply> {
  if (request.method === 'GET') return json(200, cardOf(server));
  const { identity } = server;
  const opened = unsealMessage({
    recipient: identity,
    bytes: request.body!,
    now,
    maxAgeSeconds: messageLifetimeSeconds,
  });
  const { claimedKey, introduction } = opened;
  const keys = introduction ?? (await keysOf(server, opened.claimed.sender, claimedKey));
  if (keys === null) return json(401, toProblem(unknownSender()));
  const message = authenticateMessage(opened, keys);
  const reply = await answer(server, message, keys, claimedKey !== null);
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

async function answer(
  server: NetworkServer,
  message: Message,
  keys: PublicKeys,
  isOfDevice: boolean,
): Promise<Reply<FunctionName>> {
  try {
    const { function: name, body } = message;
    if (!isFunctionName(name)) throw unreachable(server.url);
    const parameters = parseCall(name, body);
    if (!(await mayAsk(server, name, message.header.sender))) throw unknownAccount();
    const caller = await callerAt(server, name, { xid: message.header.sender, publicKeys: keys }, isOfDevice);
    server.asked.push(name);
    const honest = () => perform(server, caller, name, parameters);
    const result =
      server.tamper === null ? await honest() : await server.tamper({ name, parameters, caller }, honest);
    return { ok: true, result: result as Result<FunctionName> };
  } catch (error) {
    return { ok: false, problem: toProblem(error) };
  }
}

/** What is for accounts is refused to whoever has none, though he shows who he is. */
async function mayAsk(
  { bare: { context } }: NetworkServer,
  name: FunctionName,
  xid: Message['header']['sender'],
): Promise<boolean> {
  const isForAccounts = FUNCTIONS[name].may === 'account' || FUNCTIONS[name].may === 'owner';
  if (!isForAccounts) return true;
  return (await context.storage.read((reader) => context.accounts.find(reader, xid))) !== null;
}

/** An account by its words or by one of its devices, or somebody who has none. */
async function callerAt(
  { bare }: NetworkServer,
  name: FunctionName,
  who: Pick<Identity, 'xid' | 'publicKeys'>,
  isOfDevice: boolean,
): Promise<BareCaller> {
  const identity = who as Identity;
  if (isOfDevice) return bare.asDevice(identity);
  const isAsker = FUNCTIONS[name].may === 'stranger' && name !== 'account.open';
  return isAsker ? bare.asStranger(identity) : bare.as(identity);
}

async function perform(
  server: NetworkServer,
  caller: BareCaller,
  name: FunctionName,
  parameters: Parameters<FunctionName>,
): Promise<unknown> {
  const time = server.bare.context.clock();
  if (name === 'account.open') return { openedAt: time };
  if (name === 'server.describe') {
    const { keys } = await caller.call('key.list', { after: null });
    return {
      name: server.name,
      version: '0.1.0',
      time,
      keys: keys.length,
      keyQuota: 100,
      arithmetic: suiteBackends(),
    };
  }
  return caller.call(name, parameters);
}

async function keysOf(
  { bare: { context } }: NetworkServer,
  xid: Uint8Array,
  named: PublicKeys | null,
): Promise<PublicKeys | null> {
  const account = await context.storage.read((reader) => context.accounts.find(reader, xid as never));
  if (named === null) return account?.keys.words.publicKeys ?? null;
  return account?.keys.devices.get(devicesKeyName(named))?.publicKeys ?? null;
}

export function cardOf({ name, identity }: Pick<NetworkServer, 'name' | 'identity'>) {
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

function unknownAccount(): AccessError {
  return new AccessError('there is no account for this sender', {
    code: 'ACCOUNT_UNKNOWN',
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

/** What another machine of the same owner has to have to go on with everything. */
const COPIED = [
  'servers',
  'keys',
  'sessions',
  'changes',
  'settlements',
  'exports',
  'requests',
  'pool',
  'evidence',
  'freezes',
  'drills',
  'drillkeys',
  'drillsessions',
  'drillrequests',
  'drillpool',
  'csr',
];

/** Another store with the same servers and keys, and all that goes on. */
export async function copyStore(store: ClientStore): Promise<ClientStore> {
  const copy = memoryStore();
  for (const folder of COPIED) {
    for (const path of await store.list(folder)) await copy.put(path, (await store.get(path))!);
  }
  return copy;
}

/** A store whose writes can be watched and cut off, as a crash of the process would. */
export function crashingStore(
  store: ClientStore = memoryStore(),
): ClientStore & { writes: number; crashAt: number } {
  const crashing = {
    ...store,
    writes: 0,
    crashAt: Number.POSITIVE_INFINITY,
    put: async (path: string, bytes: Uint8Array) => {
      if (++crashing.writes > crashing.crashAt) throw new Error('the process is dead');
      await store.put(path, bytes);
    },
  };
  return crashing;
}

/** The reply with other commitments in place of those it gives. */
export function giving(reply: RequestReply, commitments: NonceCommitment[]): RequestReply {
  return reply.prepared === null ? reply : { ...reply, prepared: { craft: 'frost', commitments } };
}

/** The same packet with other words, signed by its server all the same. */
export function otherWords(
  { identity }: Pick<NetworkServer, 'identity'>,
  bytes: Uint8Array,
  change: (body: Packet) => Partial<PacketBody>,
): Uint8Array {
  const packet = parsePacket(bytes);
  const { signature: _signature, bytes: _bytes, signed: _signed, digest: _digest, ...body } = packet;
  return signPacket(identity, { ...body, ...change(packet) });
}
