import { commitmentsIn, type NonceCommitment, type Parameters, type Result } from '@ckm/api';
import { afterEach, expect, test } from 'vitest';
import { createTestNetwork, giving, type Tamper, messageOf, type TestNetwork } from '../test/test-network.js';

type Reply = Result<'request.ask'>;

let network: TestNetwork;
afterEach(() => network.close());

function lying(change: (reply: Reply, asked: Parameters<'request.ask'>) => Reply): Tamper {
  return async ({ name, parameters }, honest) => {
    const result = await honest();
    return name === 'request.ask' ? change(result as Reply, parameters as Parameters<'request.ask'>) : result;
  };
}

test(
  'a server that gives the same commitment for ever does not keep the client busy for ever',
  { tags: 'slow' },
  async () => {
    network = await createTestNetwork(2);
    const client = await network.owner();
    const [alpha, bravo] = network.servers as [(typeof network.servers)[0], (typeof network.servers)[0]];
    await client.createKey({
      name: 'k',
      purpose: 'message',
      quorum: { needed: 2, of: 2 },
      servers: [alpha.name, bravo.name],
    });
    let only: NonceCommitment | undefined;
    bravo.tamper = lying((reply) => {
      only ??= commitmentsIn(reply)[0];
      return giving(
        reply,
        commitmentsIn(reply).map(() => only!),
      );
    });
    let restarts = 0;
    alpha.tamper = lying((reply, { attempt }) =>
      attempt !== null && restarts++ === 0 ? { ...reply, state: 'stale', answer: null } : reply,
    );
    await expect(client.sign({ key: 'k', ...messageOf('once') })).rejects.toMatchObject({
      code: 'FAULT_OUT_OF_TURN',
      facts: { servers: ['bravo'] },
    });
    expect(bravo.asked.length).toBeLessThan(30);
  },
);
