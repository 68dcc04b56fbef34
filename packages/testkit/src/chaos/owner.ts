import { type Client, createClient, httpCarrier, identityForServer, type KeyPurpose } from '@ckm/client';
import { CkmError, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import type { SuiteName } from '@ckm/threshold';
import type { ChaosServer } from './chaos-server.js';
import { createOwnerDisk, type OwnerDisk } from './fragile-store.js';
import { Crash, createCrashPoint, type CrashPoint } from './crash-point.js';
import type { Network } from './network.js';
import type { Seeded } from './seeded.js';

/** Longest wait for a server; nothing in a schedule hangs, so that it is only how often a client asks again. */
const TIMEOUT_MS = 60;
/** When all works again a busy machine is no fault: a slow answer must not look like a server that is gone. */
const PATIENT_MS = 20_000;
const SUITES: readonly SuiteName[] = ['ed25519', 'secp256k1', 'secp256k1-tr', 'P-256', 'ed25519'];
const QUORUMS = [
  [2, 3],
  [2, 2],
  [3, 3],
  [2, 3],
] as const;

/** A key that its owner was told is complete. */
export interface OwnedKey {
  readonly name: string;
  readonly servers: readonly ChaosServer[];
  readonly needed: number;
  /**
   * How often each server had been put back when the key was begun: one that was put back between its part in the key and
   * the end may have lost the key although its owner rightly heard that it holds it.
   */
  readonly restores: readonly number[];
}

export interface OwnerOptions {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly servers: readonly ChaosServer[];
  readonly network: Network;
  readonly seeded: Seeded;
  readonly now: () => number;
  /** What may not happen. */
  readonly violate: (what: string) => void;
}

/** An owner whose client crashes now and then, and whose disk is sometimes put back. */
export interface Owner {
  readonly name: string;
  readonly keys: readonly OwnedKey[];
  /** Signatures that came out. */
  readonly signed: number;
  /** Adds the servers, makes keys, signs, as well as the faults let it. */
  live(): Promise<void>;
  /** With everything working again: whatever was begun has a way on or out, and every complete key signs. */
  settle(): Promise<void>;
}

export function createOwner(options: OwnerOptions): Owner {
  const { name, seeded, servers, network, violate } = options;
  const disk: OwnerDisk = createOwnerDisk();
  const keys: OwnedKey[] = [];
  const snapshots: (() => void)[] = [];
  let signed = 0;
  let messages = 0;

  function newClient(crashPoint: CrashPoint, timeoutMs = TIMEOUT_MS): Client {
    return createClient({
      seed: secret(options.seed.slice()),
      store: disk.storeFor(crashPoint),
      carrier: httpCarrier(
        network.senderOf(
          (server) => identityForServer(secret(options.seed.slice()), server.identity().xid as Xid),
          crashPoint,
        ),
      ),
      clock: options.now,
      random: (length) => seeded.bytes(length),
      timeoutMs,
    });
  }

  /** Runs something with a client that may crash meanwhile. @returns undefined when it, or the client, did not succeed */
  async function attempt<T>(what: string, work: (client: Client) => Promise<T>): Promise<T | undefined> {
    const crashPoint = createCrashPoint(seeded.oneIn(4) ? seeded.below(120) : Number.POSITIVE_INFINITY);
    const client = newClient(crashPoint);
    try {
      return await work(client);
    } catch (error) {
      if (!crashPoint.isCrashed()) judge(what, error);
      return undefined;
    } finally {
      await client.close().catch((error: unknown) => {
        if (!crashPoint.isCrashed()) judge(`close after ${what}`, error);
      });
      if (crashPoint.isCrashed() && snapshots.length > 0 && seeded.oneIn(3)) seeded.pick(snapshots)();
      if (seeded.oneIn(6)) snapshots.push(disk.snapshot());
    }
  }

  /** Whatever goes wrong is said in words, and is not a defect of ours. */
  function judge(what: string, error: unknown): void {
    const isInWords = error instanceof CkmError && error.errorClass !== 'BugError';
    if (!isInWords) violate(`${name}: ${what} failed with ${String((error as Error).stack)}`);
  }

  async function addServers(): Promise<void> {
    for (const { name: server, url } of servers) {
      for (let tries = 0; tries < 20; tries++) {
        const added = await attempt(`add ${server}`, async (client) => {
          const known = (await client.listServers()).some((one) => one.name === server);
          if (!known) await client.addServer({ name: server, url });
          return true;
        });
        if (added === true) break;
      }
    }
  }

  async function makeKey(number: number): Promise<void> {
    const keyName = `key-${number}`;
    const [needed, of] = seeded.pick(QUORUMS);
    const chosen = servers.slice(0, of);
    const args = {
      name: keyName,
      purpose: 'message' as KeyPurpose,
      suite: seeded.pick(SUITES),
      quorum: { needed, of },
      servers: chosen.map((server) => server.name),
    };
    const restores = chosen.map((server) => server.restores);
    let done = await attempt('key create', (client) => client.createKey(args));
    for (let tries = 0; done === undefined && tries < 4; tries++) {
      await attempt('resume', (client) => resumeAll(client));
      done = await attempt('show', (client) => client.usableKey(keyName));
    }
    if (done === undefined) return;
    keys.push({ name: keyName, servers: chosen, needed, restores });
  }

  async function resumeAll(client: Client): Promise<void> {
    for (const session of await openTracks(client)) {
      try {
        await session.resume(client);
      } catch (error) {
        if (isCrash(error)) throw error;
        judge('resume', error);
      }
    }
  }

  async function sign(client: Client, key: string): Promise<void> {
    const text = `message ${++messages} of ${name}`;
    const payload = buildMessageRequest({ domain: 'chaos', bytes: encodeUtf8(text) });
    // The artefact was verified by the client with the key of the certificate; see also `settle`.
    await client.sign({ key, kind: 'message', payload, waitSeconds: 0 });
    signed += 1;
  }

  return {
    name,
    keys,
    get signed() {
      return signed;
    },
    live: async () => {
      await addServers();
      for (let number = 1; number <= 2; number++) {
        await makeKey(number);
        for (const key of keys) {
          for (let i = seeded.below(5); i >= 0; i--) {
            await attempt('sign', (client) => sign(client, key.name));
          }
        }
      }
    },
    settle: () => settle({ name, keys, violate, newClient, sign, judge }),
  };
}

/** A ceremony or a request that goes on. */
interface OpenTrack {
  readonly id: string;
  readonly what: string;
  resume(client: Client): Promise<unknown>;
  /** @param isStuck whether a key is given up by its name */
  cancel(client: Client, isStuck: boolean): Promise<unknown>;
}

const REASON = 'the schedule is over';

async function openTracks(client: Client): Promise<readonly OpenTrack[]> {
  const sessions = (await client.listSessions()).filter(({ state }) => state === 'open');
  const requests = (await client.listRequests()).filter(({ state }) => state === 'open');
  return [
    ...sessions.map((session) => {
      const id = encodeHex(session.sessionId).slice(0, 16);
      return {
        id,
        what: `making ${session.keyName}`,
        resume: (of: Client) => of.resumeSession(id),
        cancel: (of: Client, isStuck: boolean) =>
          of.cancelSession(id, REASON, isStuck ? { forget: session.keyName } : {}),
      };
    }),
    ...requests.map((request) => {
      const id = encodeHex(request.requestId).slice(0, 16);
      return {
        id,
        what: `signing with ${request.keyName}`,
        resume: async (of: Client) => (await of.prepareAgain(id, { waitSeconds: 0 })).sign(),
        cancel: (of: Client) => of.cancelRequest(id, REASON),
      };
    }),
  ];
}

interface Settling {
  readonly name: string;
  readonly keys: readonly OwnedKey[];
  readonly violate: (what: string) => void;
  readonly newClient: (crashPoint: CrashPoint, timeoutMs: number) => Client;
  readonly sign: (client: Client, key: string) => Promise<void>;
  readonly judge: (what: string, error: unknown) => void;
}

async function settle({ name, keys, violate, newClient, sign, judge }: Settling): Promise<void> {
  const client = newClient(createCrashPoint(Number.POSITIVE_INFINITY), PATIENT_MS);
  try {
    for (const session of await openTracks(client)) await findWayOut(client, session);
    const names = new Set((await client.listKeys()).map((key) => key.name));
    for (const key of keys) {
      // A disk that was put back may have lost the record; the key is fetched back from the seed, which is tested elsewhere.
      if (!names.has(key.name)) continue;
      const steady = key.servers.filter((server, i) => server.restores === key.restores[i]);
      try {
        await sign(client, key.name);
      } catch (error) {
        const of = `${key.needed} of ${key.servers.length}, never put back: ${steady.map(({ name }) => name).join(' ')}`;
        if (steady.length >= key.needed)
          violate(`${name}: ${key.name} (${of}) does not sign any more: ${words(error)}`);
        else judge('sign at the end', error);
      }
    }
  } finally {
    await client.close();
  }

  async function findWayOut(of: Client, { id, what, resume, cancel }: OpenTrack): Promise<void> {
    let resumed: unknown;
    for (let tries = 0; tries < 3; tries++) {
      try {
        await resume(of);
        return;
      } catch (error) {
        judge('resume at the end', error);
        resumed = error;
      }
      if (!(await openTracks(of)).some((one) => one.id === id)) return;
    }
    // A key that a server will never hold again by itself is given up by its name; silence is no reason to name it.
    const isStuck = resumed instanceof CkmError && resumed.code === 'KEY_NOT_STORED';
    try {
      await cancel(of, isStuck);
    } catch (error) {
      judge('cancel at the end', error);
      violate(
        `${name}: no way on and no way out of ${what}: resume says ${words(resumed)}; cancel says ${words(error)}`,
      );
    }
  }
}

function words(error: unknown): string {
  return error instanceof CkmError ? `${error.code} (${error.message})` : String(error);
}

/** Whether the client was killed in the middle, also where it made an error of its own out of that. */
function isCrash(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && error.cause instanceof Crash);
}
