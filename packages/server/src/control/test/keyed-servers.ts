import type { KeyPolicy } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { type Callee, createCeremony, createQuorumSigner, type QuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { person } from '../../test/rooms.js';
import { startTestServer, type TestServer, type TestServerOptions } from '../../test/test-server.js';
import { connectOperator, type Operator } from '../connect-operator.js';

export const alice = person(1);

/** A key of two servers, the operator of the first one, and a signer who asks them. */
export interface KeyedServers {
  readonly alpha: TestServer;
  readonly operator: Operator;
  readonly keyId: Uint8Array;
  readonly signer: QuorumSigner;
}

/** The servers alpha and bravo, and a key of Alice's on both. */
export async function startWithKey(
  servers: TestServer[],
  policy: Partial<KeyPolicy> = {},
  options: TestServerOptions = {},
): Promise<KeyedServers> {
  for (const name of ['alpha', 'bravo']) {
    servers.push(await startTestServer({ ...options, settings: { ...options.settings, name } }));
  }
  return makeKeyOf(servers, alice, policy);
}

/** A key of somebody on the two servers that run. */
export async function makeKeyOf(
  servers: readonly TestServer[],
  owner: typeof alice,
  policy: Partial<KeyPolicy>,
): Promise<KeyedServers> {
  const callees: Callee[] = [];
  for (const server of servers) {
    const client = await server.as(owner).join();
    const name = callees.length === 0 ? 'alpha' : 'bravo';
    callees.push({ name, call: (called, parameters) => client.ask(called, parameters) });
  }
  const alpha = servers[0]!;
  const expiresAt = alpha.now + 600;
  const ceremony = createCeremony({ servers: callees, needed: 2, purpose: 'message', policy, expiresAt });
  const views = await ceremony.finish();
  if (views.some(({ state }) => state !== 'finished')) throw new Error('the key was not made');
  const { keyId } = ceremony;
  const { certificate } = await callees[0]!.call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate!)).public;
  const signer = createQuorumSigner({ servers: callees, keyId, key, purpose: 'message', expiresAt });
  return { alpha, operator: connectOperator(alpha.dataDir), keyId, signer };
}

export const messageOf = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'test', bytes: encodeUtf8(text) }),
});
