import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  assertAllowed,
  devicesKeyName,
  encodeCall,
  encodeReply,
  type FunctionName,
  mayStillStop,
  needsOf,
  type Parameters,
  parseCall,
  parseReply,
  type Result,
  waitsWhileFrozen,
} from '@ckm/api';
import { secret, type Secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { createChangeMemory } from '@ckm/threshold';
import { createAccounts } from '../../accounts/create-accounts.js';
import type { Account, AccountKey } from '../../accounts/accounts.js';
import { createAuditLog } from '../../audit/create-audit-log.js';
import type { ServerConfig } from '../../config/config.js';
import { toConfig } from '../../config/load-config.js';
import type {
  AnybodyCall,
  ApprovalFunctionName,
  AskerCall,
  AskerFunctionName,
  Call,
  Handler,
  LifeFunctionName,
  Outgoing,
  ServerContext,
  SessionFunctionName,
  Sessions,
} from '../../context.js';
import type { Events } from '../../events.js';
import { createPolicy } from '../../policy/create-policy.js';
import { createRandom } from '../../random.js';
import { openStorage } from '../../server/database/open-storage.js';
import type { Storage } from '../../storage/storage.js';
import { createVault } from '../../vault/create-vault.js';
import { handleKeyOf } from '../../vault/handle-key.js';
import { openEpochKeys } from '../../vault/epoch-keys.js';
import { createStaticSeeds, hostSeedOf } from '../../vault/static-seeds.js';
import { createPeople } from '../../votes/people.js';
import { openSessions, type RoomsOf } from '../../server/open-sessions.js';

/** What whoever has no account may call. */
type AnybodysName = ApprovalFunctionName | LifeFunctionName;

/** What one bare server is made of. */
export interface BareOptions {
  readonly name: string;
  /** Null: SQLite in a directory of its own. */
  readonly databaseUrl?: string | null;
  readonly dataDir?: string;
  readonly settings?: object;
  /** Wraps the storage: where a test breaks it. */
  readonly wrap?: (storage: Storage) => Storage;
  /** Replicas share these. */
  readonly seed?: Uint8Array;
  readonly storageKey?: Uint8Array;
  readonly now?: () => number;
  /** Milliseconds that its process has run; as {@link now} unless a test says otherwise. */
  readonly elapsed?: () => number;
  /** Takes what would go out to people. */
  readonly sent?: Outgoing[];
  /** Other kinds of ceremonies. */
  readonly rooms?: RoomsOf;
}

/**
 * A server that does not listen: real storage, vault, accounts, policy, audit log and sessions, called directly on behalf of
 * an account. What `http/` and `messages/` check has been checked.
 */
export interface BareServer {
  readonly name: string;
  readonly context: ServerContext;
  readonly sessions: Sessions;
  readonly dataDir: string;
  /** Opens the account of an identity, and calls as it; each call is a message of its own. */
  as(identity: Identity): Promise<BareCaller>;
  /** A device of somebody who has an account: it calls as far as it may, and as long as it is there. */
  asDevice(device: Identity): BareCaller;
  /** Somebody who has no account: he may be asked for a yes. */
  asAnybody(identity: Identity): {
    readonly name: string;
    call<F extends AnybodysName>(name: F, parameters: Parameters<F>): Promise<Result<F>>;
  };
  /** Somebody without an account, who asks to be let into one again. */
  asStranger(stranger: Identity): BareCaller;
  /** Ends it without a word to anybody, as a crash does to memory. */
  stop(): Promise<void>;
  /** A new life on the same database and keys. */
  restart(changes?: Partial<BareOptions>): Promise<BareServer>;
}

export interface BareCaller {
  readonly name: string;
  call<F extends FunctionName>(name: F, parameters: Parameters<F>): Promise<Result<F>>;
}

/** The time of these servers, unless a test says otherwise. */
export const TEST_TIME = 1_800_000_000;

export async function openBareServer(options: BareOptions): Promise<BareServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'ckm-bare-'));
  const seed = options.seed ?? new Uint8Array(randomBytes(32));
  const storageKey = options.storageKey ?? new Uint8Array(randomBytes(32));
  const context = await createBareContext(
    { ...options, dataDir },
    secret(seed.slice()),
    secret(storageKey.slice()),
  );
  const sessions = await openSessions(context, options.rooms);
  const server: BareServer = {
    name: options.name,
    context,
    sessions,
    dataDir,
    async as({ xid, publicKeys }) {
      const introduction = { xid, publicKeys };
      const { account } = await context.storage.transact((transaction) =>
        context.accounts.open(transaction, introduction, null),
      );
      return {
        name: options.name,
        call: (name, parameters) => callOverWire(server, account, account.keys.words, name, parameters),
      };
    },
    asAnybody: ({ xid }) => ({
      name: options.name,
      call: (name, parameters) => callAsAnybody(server, xid, name, parameters),
    }),
    asDevice: ({ xid, publicKeys }) => ({
      name: options.name,
      call: async (name, parameters) => {
        const account = await context.storage.read((reader) => context.accounts.find(reader, xid));
        const named = devicesKeyName(publicKeys);
        const by = account?.keys.devices.get(named) ?? removedKey(account, named, name);
        if (account === null || by === undefined) throw new Error('this device is not there');
        assertAllowed(by.may, needsOf(name, parameters) ?? 'look');
        return callOverWire(server, account, by, name, parameters);
      },
    }),
    asStranger: ({ xid, publicKeys }) => ({
      name: options.name,
      call: async (name, parameters) => {
        const account = await context.storage.read((reader) => context.accounts.find(reader, xid));
        const handler = sessions.handlers[name as AskerFunctionName] as unknown as (
          call: AskerCall,
          parsed: unknown,
        ) => Promise<Result<typeof name>>;
        const { transact } = anybodyCall(context, xid);
        return handler(
          { sender: xid, publicKeys, account, transact },
          parseCall(name, encodeCall(name, parameters)),
        );
      },
    }),
    async stop() {
      sessions.close();
      await context.storage.close();
    },
    async restart(changes = {}) {
      await server.stop();
      return openBareServer({ ...options, dataDir, seed, storageKey, ...changes });
    },
  };
  return server;
}

export function removeBareServer({ dataDir }: BareServer): void {
  rmSync(dataDir, { recursive: true, force: true });
}

async function createBareContext(
  options: BareOptions & { readonly dataDir: string },
  seed: Secret<Uint8Array>,
  storageKey: Secret<Uint8Array>,
): Promise<ServerContext> {
  const random = createRandom();
  const clock = options.now ?? (() => TEST_TIME);
  const config = bareConfig(options);
  const opened = await openStorage({
    dataDir: options.dataDir,
    databaseUrl: options.databaseUrl ?? null,
  });
  const storage = options.wrap?.(opened) ?? opened;
  const vault = createVault({ epoch: 1, key: storageKey }, random);
  const identity: Identity = createIdentity(seed);
  const staticSeeds = createStaticSeeds({ backup: config.backup, hostSeed: hostSeedOf(seed), random });
  const { policy: operator, quota } = config;
  const accounts = createAccounts({ vault, clock, random, admission: 'open', most: 100, quota });
  return {
    clock,
    elapsed: options.elapsed ?? (() => clock() * 1_000),
    random,
    config,
    storage,
    vault,
    identity,
    staticSeeds,
    handleKey: handleKeyOf(seed),
    outbox: {
      put: (_transaction, outgoing) => {
        options.sent?.push(outgoing);
        return Promise.resolve(true);
      },
    },
    epochKeys: openEpochKeys(config, vault, random),
    accounts,
    policy: createPolicy({ vault, operator }),
    people: createPeople({ accounts, clock, config, identity, vault }),
    audit: createAuditLog({ vault, clock, random }),
    events: silentEvents(),
    checkedChanges: createChangeMemory(),
  };
}

function bareConfig({
  name,
  dataDir,
  settings = {},
}: BareOptions & { readonly dataDir: string }): ServerConfig {
  const file = { name, listen: { host: '127.0.0.1', port: 1 }, log: { level: 'silent' }, ...settings };
  const none = undefined;
  return toConfig(dataDir, file, {
    databaseUrl: none,
    publicUrl: none,
    listen: none,
    tlsCertificate: none,
    tlsKey: none,
    storageKeyFile: none,
    epochKeys: none,
    logLevel: none,
    trustProxy: none,
    allowInspect: none,
    acceptClock: none,
    allowSlowArithmetic: none,
  });
}

/** Parameters and result cross the wire format both ways, as they do in a message. */
async function callOverWire<F extends FunctionName>(
  { context, sessions }: BareServer,
  account: Account,
  by: AccountKey,
  name: F,
  parameters: Parameters<F>,
): Promise<Result<F>> {
  const handler = sessions.handlers[name as SessionFunctionName] as unknown as Handler<F>;
  const parsed = parseCall(name, encodeCall(name, parameters));
  return handler(bareCall(context, account, by, name), parsed);
}

async function callAsAnybody<F extends AnybodysName>(
  { context, sessions }: BareServer,
  sender: Uint8Array,
  name: F,
  parameters: Parameters<F>,
): Promise<Result<F>> {
  const handler = sessions.handlers[name] as unknown as (
    call: AnybodyCall,
    parsed: Parameters<F>,
  ) => Promise<Result<F>>;
  const parsed = parseCall(name, encodeCall(name, parameters));
  return parseReply(
    name,
    encodeReply({ ok: true, result: await handler(anybodyCall(context, sender), parsed) }),
  );
}

/** A device that was removed, for what it may still stop. */
function removedKey(account: Account | null, named: string, name: FunctionName): AccountKey | undefined {
  return mayStillStop(name) ? account?.keys.removed.get(named) : undefined;
}

function bareCall(
  context: ServerContext,
  account: Account,
  by: AccountKey,
  name: FunctionName,
): Call & AnybodyCall {
  const { sender, transact } = anybodyCall(context, account.xid);
  const isStopped = waitsWhileFrozen(name);
  return {
    account,
    by,
    sender,
    transact: (work) =>
      transact(async (transaction) => {
        if (isStopped) await context.accounts.assertGoesOn(transaction, account.xid);
        return work(transaction);
      }),
  };
}

function anybodyCall({ storage, clock }: ServerContext, sender: Uint8Array): AnybodyCall {
  const messageId = new Uint8Array(randomBytes(32));
  return {
    sender,
    transact: (work) =>
      storage.transact(async (transaction) => {
        await transaction.messages.record(sender, messageId, clock() + 60);
        return work(transaction);
      }),
  };
}

function silentEvents(): Events {
  return new Proxy({} as Events, { get: () => () => undefined });
}

/** Somebody with an account. */
export function testPerson(number: number): Identity {
  return createIdentity(secret(new Uint8Array(32).fill(number)));
}
