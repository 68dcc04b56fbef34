import { randomBytes } from 'node:crypto';
import { type ExportProposal, FUNCTION_NAMES, recipientOf, type Weighty, weightyOf } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { carryChange, type NextMember, nextMember } from '@ckm/testkit';
import { parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey, SOON } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const DAY = 86_400;
const random32 = () => new Uint8Array(randomBytes(32));

/** What a server says of something that is asked of it: whether its operator is asked, and until when everybody may look at it. */
interface Waiting {
  readonly asked: boolean;
  readonly readyAt: number | null;
}

/** A key of alpha, bravo and charlie whose owner certified nothing of his own; delta has no share. */
async function openWorld() {
  const { servers, callers } = await network.openMany(4);
  const { keyId, certificate } = await makeKey(callers.slice(0, 3), { exportable: true });
  const members = servers.map((server, i) => nextMember(server, callers[i]!));
  return { callers, keyId, certificate, members };
}
type World = Awaited<ReturnType<typeof openWorld>>;

async function orderOf({ callers, keyId }: World, next: readonly NextMember[], needed: number) {
  const change = await carryChange({ servers: callers.slice(0, 3), keyId, expiresAt: SOON, next, needed });
  return (await change.propose())[0]!;
}

async function exportOf({ callers, keyId, certificate }: World): Promise<Waiting> {
  const { transcriptHash } = verifyFirstEpoch(parseCertificate(certificate));
  const more = { epoch: 0, transcriptHash, exportId: random32(), recipient: recipientOf(secret(random32())) };
  const proposal: ExportProposal = { kind: 'export', keyId, ...more };
  const asked = { sessionId: random32(), proposal, expiresAt: TEST_TIME + 2 * DAY };
  await callers[0]!.call('session.propose', asked);
  const { key } = await callers[0]!.call('key.show', { keyId });
  return key.exports![0]!;
}

/** Each of them, asked for with the owner's account alone. */
const ASK: Readonly<Record<Weighty, (world: World) => Promise<Waiting>>> = {
  members: (world) => orderOf(world, [...world.members.slice(0, 2), world.members[3]!], 2),
  quorum: (world) => orderOf(world, world.members.slice(0, 3), 3),
  export: exportOf,
};

describe('what is weighty by the table of functions', () => {
  test('is this, and what asks for it says so on its line', () => {
    const found = FUNCTION_NAMES.flatMap((name) => weightyOf(name).map((what) => [name, what]));
    expect(found).toEqual([
      ['session.propose', 'export'],
      ['change.propose', 'members'],
      ['change.propose', 'quorum'],
    ]);
    expect(new Set(found.map(([, what]) => what))).toEqual(new Set(Object.keys(ASK)));
  });

  const all = FUNCTION_NAMES.flatMap(weightyOf);
  test.each(all)(
    '%s: waits for the operator and for a day, unless something else is certified',
    async (what) => {
      const waiting = await ASK[what](await openWorld());
      expect(waiting).toMatchObject({ asked: true, readyAt: TEST_TIME + DAY });
    },
  );

  test('is not a refresh, by the same function: the owner’s account is enough', async () => {
    const world = await openWorld();
    const view = await orderOf(world, world.members.slice(0, 3).toReversed(), 2);
    expect(view).toMatchObject({ state: 'ready', asked: false, readyAt: null });
  });
});
