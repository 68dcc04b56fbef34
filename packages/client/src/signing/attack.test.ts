import type { Parameters, Result } from '@ckm/api';
import { afterEach, expect, test } from 'vitest';
import { createStage, type Tamper, messageOf, type Stage } from '../test/stage.js';

type Reply = Result<'sign.request'>;

let stage: Stage;
afterEach(() => stage.close());

function lying(change: (reply: Reply, asked: Parameters<'sign.request'>) => Reply): Tamper {
  return async ({ name, parameters }, honest) => {
    const result = await honest();
    return name === 'sign.request'
      ? change(result as Reply, parameters as Parameters<'sign.request'>)
      : result;
  };
}

test('a server that gives the same commitment for ever does not keep the client busy for ever', async () => {
  stage = await createStage(2);
  const client = await stage.owner();
  const [alpha, bravo] = stage.actors as [(typeof stage.actors)[0], (typeof stage.actors)[0]];
  await client.createKey({
    name: 'k',
    purpose: 'message',
    quorum: { needed: 2, of: 2 },
    servers: [alpha.name, bravo.name],
  });
  let only: Reply['commitments'][0] | undefined;
  bravo.lie = lying((reply) => {
    only ??= reply.commitments[0];
    return { ...reply, commitments: reply.commitments.map(() => only!) };
  });
  let restarts = 0;
  alpha.lie = lying((reply, { attempt }) =>
    attempt !== null && restarts++ === 0 ? { ...reply, state: 'stale', shares: [] } : reply,
  );
  await expect(client.sign({ key: 'k', ...messageOf('once') })).rejects.toMatchObject({
    code: 'FAULT_OUT_OF_TURN',
    facts: { servers: ['bravo'] },
  });
  expect(bravo.asked.length).toBeLessThan(30);
});
