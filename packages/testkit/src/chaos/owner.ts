import { type Client, createClient, httpCarrier, identityForServer, type KeyPurpose } from '@ckm/client';
import { CkmError, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import type { SuiteName } from '@ckm/threshold';
import type { ChaosServer } from './chaos-server.js';
import { type Deed, drawDeed, perform } from './deeds.js';
import { createOwnerDisk, type OwnerDisk } from './fragile-store.js';
import { Crash, createCrashPoint, type CrashPoint } from './crash-point.js';
import type { Network } from './network.js';
import type { Seeded } from './seeded.js';
import { type OwnedKey, settleOwner } from './settle.js';
import { openTracks } from './tracks.js';

/** Longest wait for a server; nothing in a schedule hangs, so that it is only how often a client asks again. */
const TIMEOUT_MS = 60;
/** When all works again a busy machine is no fault: a slow answer must not look like a server that is gone. */
const PATIENT_MS = 20_000;
/** Within which a client that crashes does so: messages and what it reads and writes. */
const MOST_STEPS = 120;
/** A change has more. */
const MOST_STEPS_OF_DEEDS = 300;
const MOST_DEEDS = 8;
/** Old states of a disk that sign once more at the end. */
const MOST_OLD_DISKS = 3;
const SUITES: readonly SuiteName[] = ['ed25519', 'secp256k1', 'secp256k1-tr', 'P-256', 'ed25519'];
const QUORUMS = [
  [2, 3],
  [2, 2],
  [3, 3],
  [2, 3],
  [3, 4],
] as const;

export interface OwnerOptions {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly servers: readonly ChaosServer[];
  readonly network: Network;
  readonly seeded: Seeded;
  readonly now: () => number;
  /** Lets time pass for everybody. */
  readonly pass: (seconds: number) => void;
  /** What may not happen. */
  readonly violate: (what: string) => void;
}

/** An owner whose client crashes now and then, and whose disk is sometimes put back. */
export interface Owner {
  readonly name: string;
  readonly keys: readonly OwnedKey[];
  /** Signatures that came out. */
  readonly signed: number;
  /** What else came to its end, how often. */
  readonly done: ReadonlyMap<Deed, number>;
  /** Adds the servers, makes keys, signs with them and changes them, as well as the faults let it. */
  live(): Promise<void>;
  /** With everything working again: whatever was begun has a way on or out, and every complete key is whole and signs. */
  settle(): Promise<void>;
}

export function createOwner(options: OwnerOptions): Owner {
  const { name, seeded, servers, network, pass, violate } = options;
  const disk: OwnerDisk = createOwnerDisk();
  const keys: OwnedKey[] = [];
  const snapshots: (() => void)[] = [];
  const done = new Map<Deed, number>();
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
  async function attempt<T>(
    what: string,
    work: (client: Client) => Promise<T>,
    mostSteps = MOST_STEPS,
  ): Promise<T | undefined> {
    const crashPoint = createCrashPoint(seeded.oneIn(4) ? seeded.below(mostSteps) : Number.POSITIVE_INFINITY);
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
    const args = {
      name: keyName,
      purpose: 'message' as KeyPurpose,
      suite: seeded.pick(SUITES),
      quorum: { needed, of },
      servers: seeded.some(servers, of).map((server) => server.name),
      policy: {
        changes: seeded.pick(['automatic', 'automatic', 'automatic', 'operator'] as const),
        changeDelay: 0 as const,
        recovery: seeded.pick(['static', 'epoch'] as const),
      },
    };
    const setbacks = new Map(servers.map((server) => [server, server.setbacks]));
    let made = await attempt('key create', (client) => client.createKey(args));
    for (let tries = 0; made === undefined && tries < 4; tries++) {
      await attempt('resume', (client) => resumeAll(client));
      made = await attempt('show', (client) => client.usableKey(keyName));
    }
    if (made === undefined) return;
    keys.push({ name: keyName, groupKey: encodeHex(made.public.groupKey), setbacks });
  }

  async function resumeAll(client: Client): Promise<void> {
    for (const track of await openTracks(client)) {
      try {
        await track.resume(client);
      } catch (error) {
        if (isCrash(error)) throw error;
        judge('resume', error);
      }
    }
  }

  async function sign(client: Client, key: string, without: readonly string[] = []): Promise<void> {
    const text = `message ${++messages} of ${name}`;
    const payload = buildMessageRequest({ domain: 'chaos', bytes: encodeUtf8(text) });
    // The artefact was verified by the client with the key of the certificate; see also `settle`.
    await client.sign({ key, kind: 'message', payload, waitSeconds: 0, without });
    signed += 1;
  }

  /** Operators say yes to what waits, each when he looks. */
  async function operate(): Promise<void> {
    for (const server of servers) {
      if (!server.isUp() || !seeded.oneIn(2)) continue;
      try {
        await server.approve();
      } catch (error) {
        if (!isCrash(error)) judge(`the operator of ${server.name}`, error);
      }
    }
  }

  async function act({ name: key }: OwnedKey): Promise<void> {
    const deed = drawDeed(seeded);
    if (seeded.oneIn(3)) await operate();
    const result = await attempt(
      deed,
      async (client) => {
        await perform(deed, {
          client,
          key,
          servers,
          seeded,
          pass,
          violate,
          sign: () => sign(client, key),
          goOn: async () => {
            await operate();
            await resumeAll(client);
          },
        });
        return true;
      },
      deed === 'sign' ? MOST_STEPS : MOST_STEPS_OF_DEEDS,
    );
    if (result === true) done.set(deed, (done.get(deed) ?? 0) + 1);
  }

  return {
    name,
    keys,
    done,
    get signed() {
      return signed;
    },
    live: async () => {
      await addServers();
      for (let number = 1; number <= 2; number++) {
        await makeKey(number);
        for (const key of keys) for (let i = seeded.below(MOST_DEEDS); i >= 0; i--) await act(key);
      }
    },
    settle: async () => {
      const client = newClient(createCrashPoint(Number.POSITIVE_INFINITY), PATIENT_MS);
      try {
        await settleOwner({ name, keys, servers, client, pass, violate, judge, sign });
      } finally {
        await client.close();
      }
      for (const putBack of snapshots.slice(0, MOST_OLD_DISKS)) {
        putBack();
        await signFromOldDisk();
      }
    },
  };

  /** A machine of the owner that was away, or a copy that somebody kept: what it may get, the observer knows. */
  async function signFromOldDisk(): Promise<void> {
    const client = newClient(createCrashPoint(Number.POSITIVE_INFINITY), PATIENT_MS);
    try {
      for (const { name: key } of await client.listKeys())
        await sign(client, key).catch((error: unknown) => judge('sign from an old disk', error));
    } finally {
      await client.close();
    }
  }
}

/** Whether the client or a server was killed in the middle, also where the client made an error of its own out of that. */
function isCrash(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && error.cause instanceof Crash);
}
