import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { createCeremony, createQuorumSigner, type CeremonyOptions, type QuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate, type PublicKeyPackage } from '@ckm/threshold';
import {
  LAB_TIME,
  labPerson,
  openLabServer,
  removeLabServer,
  type LabCaller,
  type LabOptions,
  type LabServer,
} from './lab.js';

/** Alice owns the keys; Mallory has an account too. */
export const alice = labPerson(0xa1);
export const mallory = labPerson(0x3a);

/** Everything expires this far from now, unless a test says otherwise. */
export const SOON = LAB_TIME + 600;

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];

/** Servers of one test, closed and removed with it. */
export interface House {
  open(options?: Partial<LabOptions>): Promise<LabServer>;
  /** `count` servers, by themselves and as Alice sees them. */
  openMany(
    count: number,
    options?: Partial<LabOptions>,
  ): Promise<{ servers: LabServer[]; callers: LabCaller[] }>;
  /** Ends a server and starts it again on what it has stored. */
  restart(server: LabServer, changes?: Partial<LabOptions>): Promise<LabServer>;
  close(): Promise<void>;
}

export function createHouse(): House {
  const running = new Set<LabServer>();
  const known = new Set<LabServer>();
  const enter = (server: LabServer) => {
    running.add(server);
    known.add(server);
    return server;
  };
  const house: House = {
    open: async (options = {}) =>
      enter(await openLabServer({ name: NAMES[known.size % NAMES.length]!, ...options })),
    async openMany(count, options = {}) {
      const servers: LabServer[] = [];
      for (let i = 0; i < count; i++) servers.push(await house.open({ name: NAMES[i]!, ...options }));
      return { servers, callers: await Promise.all(servers.map((server) => server.as(alice))) };
    },
    async restart(server, changes) {
      running.delete(server);
      return enter(await server.restart(changes));
    },
    async close() {
      for (const server of running) await server.stop();
      for (const server of known) removeLabServer(server);
      running.clear();
      known.clear();
    },
  };
  return house;
}

/** A key made by these servers, ready to be used. */
export interface MadeKey {
  readonly keyId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly key: PublicKeyPackage;
  readonly certificate: Uint8Array;
  readonly signer: QuorumSigner;
}

export async function makeKey(
  callers: readonly LabCaller[],
  options: Partial<CeremonyOptions> = {},
): Promise<MadeKey> {
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON, ...options });
  const views = await ceremony.finish();
  const unfinished = views.find(({ state }) => state !== 'finished');
  if (unfinished !== undefined) throw new Error(`${unfinished.state}: ${unfinished.fault?.code}`);
  const { keyId, sessionId } = ceremony;
  const { certificate } = await callers[0]!.call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate!));
  const { purpose } = ceremony.proposal;
  return {
    keyId,
    sessionId,
    key,
    certificate: certificate!,
    signer: createQuorumSigner({ servers: callers, keyId, key, purpose, expiresAt: SOON }),
  };
}

/** A message to sign. */
export function messageOf(text: string): { readonly kind: 'message'; readonly payload: Uint8Array } {
  return { kind: 'message', payload: buildMessageRequest({ domain: 'lab', bytes: encodeUtf8(text) }) };
}
