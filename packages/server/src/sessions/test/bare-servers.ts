import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { createCeremony, createQuorumSigner, type CeremonyOptions, type QuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate, type PublicKeyPackage } from '@ckm/threshold';
import {
  TEST_TIME,
  testPerson,
  openBareServer,
  removeBareServer,
  type BareCaller,
  type BareOptions,
  type BareServer,
} from './bare-server.js';

/** Alice owns the keys; Mallory has an account too. */
export const alice = testPerson(0xa1);
export const mallory = testPerson(0x3a);

/** Everything expires this far from now, unless a test says otherwise. */
export const SOON = TEST_TIME + 600;

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot'];

/** Servers of one test, closed and removed with it. */
export interface BareServers {
  open(options?: Partial<BareOptions>): Promise<BareServer>;
  /** `count` servers, by themselves and as Alice sees them. */
  openMany(
    count: number,
    options?: Partial<BareOptions>,
  ): Promise<{ servers: BareServer[]; callers: BareCaller[] }>;
  /** Ends a server and starts it again on what it has stored. */
  restart(server: BareServer, changes?: Partial<BareOptions>): Promise<BareServer>;
  close(): Promise<void>;
}

export function createBareServers(): BareServers {
  const running = new Set<BareServer>();
  const known = new Set<BareServer>();
  const enter = (server: BareServer) => {
    running.add(server);
    known.add(server);
    return server;
  };
  const network: BareServers = {
    open: async (options = {}) =>
      enter(await openBareServer({ name: NAMES[known.size % NAMES.length]!, ...options })),
    async openMany(count, options = {}) {
      const servers: BareServer[] = [];
      for (let i = 0; i < count; i++) servers.push(await network.open({ name: NAMES[i]!, ...options }));
      return { servers, callers: await Promise.all(servers.map((server) => server.as(alice))) };
    },
    async restart(server, changes) {
      running.delete(server);
      return enter(await server.restart(changes));
    },
    async close() {
      for (const server of running) await server.stop();
      for (const server of known) removeBareServer(server);
      running.clear();
      known.clear();
    },
  };
  return network;
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
  callers: readonly BareCaller[],
  options: Partial<CeremonyOptions> = {},
): Promise<MadeKey> {
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON, ...options });
  const views = await ceremony.finish();
  const unfinished = views.find(({ state }) => state !== 'finished');
  if (unfinished !== undefined) throw new Error(`${unfinished.state}: ${unfinished.fault?.code}`);
  const { keyId, sessionId } = ceremony;
  const { certificate } = await callers[0]!.call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate!)).public;
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
  return { kind: 'message', payload: buildMessageRequest({ domain: 'test', bytes: encodeUtf8(text) }) };
}
