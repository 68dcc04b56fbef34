import { parsePacket, type SessionView } from '@ckm/api';
import { PeerFaultError } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { createTestNetwork, otherWords, type TestNetwork } from '../../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

let network: TestNetwork;
let client: Client;

beforeEach(async () => {
  network = await createTestNetwork(3);
  client = await network.owner();
});
afterEach(() => network.close());

/** Says its word of the next round before it can have heard the others, as an answer to something nobody said. */
function hurry(name: string, after: number): void {
  const server = network.server(name);
  server.tamper = async (_asked, honest) => {
    const view = (await honest()) as SessionView;
    const last = view.outbox?.at(-1);
    if (last === undefined || parsePacket(last).round !== after) return view;
    const early = otherWords(server, last, ({ round }) => ({
      round: round + 1,
      previous: new Uint8Array(32).fill(9),
    }));
    return { ...view, outbox: [...view.outbox, early] };
  };
}

test.each([0, 1])(
  'a server that answers round %i before it was told it does not end the ceremony unnamed',
  async (round) => {
    hurry('charlie', round);
    const failure = await client.createKey(KEY).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PeerFaultError);
    expect(failure).toMatchObject({ facts: { servers: ['charlie'] } });
  },
);
