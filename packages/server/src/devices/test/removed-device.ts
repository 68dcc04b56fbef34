import type { Parameters, RequestReply } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { makeKeyOf, messageOf } from '../../control/test/keyed-servers.js';
import { deviceOf, entryOf, firstListAt, nextList } from '../../test/account-devices.js';
import { person, random } from '../../test/rooms.js';
import type { TestClient, TestServer } from '../../test/test-server.js';

const alice = person(1);

/** What Alice's laptop, her phone and her words have begun at the first of two servers, and what takes the laptop out. */
export interface BegunByDevices {
  readonly words: TestClient;
  readonly laptop: TestClient;
  readonly phone: TestClient;
  /** How far each request is. */
  requests(): Promise<readonly RequestReply['state'][]>;
  /** How far each ceremony is. */
  sessions(): Promise<readonly string[]>;
  /** With the words. */
  removeLaptop(): Promise<void>;
  /** With the words, as it was before. */
  bringLaptopBack(): Promise<void>;
  /** The operator says yes. */
  approve(requestId: Uint8Array): Promise<void>;
  /** How long the audit log is. */
  auditEntries(): Promise<number>;
  /** One more request of a device, that waits for the operator. */
  ask(client: TestClient, requestId: Uint8Array): Promise<RequestReply>;
  /** How far a request is that somebody asked for. */
  stateOf(requestId: Uint8Array): Promise<RequestReply['state']>;
}

/**
 * A key on two servers whose requests wait for the operator, with an account that has a laptop and a phone at the first one. Requests, in order: of the
 * laptop, of the laptop and approved, of the phone, of the words; ceremonies: of the laptop, of the phone, of the words.
 */
export async function beginWithDevices(servers: readonly TestServer[]): Promise<BegunByDevices> {
  const { alpha, operator, keyId } = await makeKeyOf(servers, alice, { approval: 'operator' });
  const words = alpha.as(alice);
  const [ofLaptop, ofPhone] = [deviceOf(alice, 101), deviceOf(alice, 102)];
  const keys = [entryOf(ofLaptop, 'use', 'make', 'manage'), entryOf(ofPhone, 'use', 'make')];
  const { list, signed } = nextList(alice, firstListAt(alpha, alice), keys);
  await words.ask('device.update', { documents: [signed] });
  const without = nextList(alice, list, [entryOf(ofPhone, 'use', 'make')], true);
  const [laptop, phone] = [alpha.asDevice(ofLaptop), alpha.asDevice(ofPhone)];
  const expiresAt = alpha.now + 600;
  const requestOf = (requestId: Uint8Array): Parameters<'request.ask'> => ({
    ...messageOf('begun'),
    requestId,
    keyId,
    epoch: 0,
    expiresAt,
    attempt: null,
    wanted: null,
  });
  const { policy } = await words.ask('key.show', { keyId });
  const propose = async (client: TestClient) => {
    const sessionId = random(32);
    const quorum = { needed: 2, of: 2 };
    const rest = { suite: 'ed25519', purpose: 'message', quorum, policy } as const;
    const proposal = { kind: 'dkg', keyId: random(32), ...rest };
    await client.ask('session.propose', { sessionId, proposal, expiresAt });
    return sessionId;
  };
  const begun: BegunByDevices = {
    words,
    laptop,
    phone,
    requests: async () => {
      const states: RequestReply['state'][] = [];
      for (const requestId of asked) states.push(await begun.stateOf(requestId));
      return states;
    },
    sessions: async () => {
      const states: string[] = [];
      for (const sessionId of proposed) {
        states.push((await words.ask('session.show', { sessionId, after: 0 })).state);
      }
      return states;
    },
    removeLaptop: async () => {
      await words.ask('device.update', { documents: [without.signed] });
    },
    bringLaptopBack: async () => {
      await words.ask('device.update', { documents: [nextList(alice, without.list, keys).signed] });
    },
    approve: async (requestId) => {
      await operator.approve({ requestId: encodeHex(requestId) });
    },
    auditEntries: async () => (await operator.status()).open!.auditEntries,
    ask: (client, requestId) => client.ask('request.ask', requestOf(requestId)),
    stateOf: async (requestId) => (await words.ask('request.ask', requestOf(requestId))).state,
  };
  const asked: Uint8Array[] = [];
  for (const client of [laptop, laptop, phone, words]) {
    const requestId = random(32);
    await begun.ask(client, requestId);
    asked.push(requestId);
  }
  await begun.approve(asked[1]!);
  const proposed = [await propose(laptop), await propose(phone), await propose(words)];
  return begun;
}
