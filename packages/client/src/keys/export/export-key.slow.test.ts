import { exportResult } from '@ckm/api';
import { reveal } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { OnProgress } from '../../progress/progress.js';
import { createTestNetwork, type TestNetwork, unreachable } from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = {
  name: 'k',
  purpose: 'message',
  quorum: { needed: 2, of: 3 },
  servers: SERVERS,
  exportable: true,
  policy: { changes: 'automatic', changeDelay: 0 },
} as const;

let network: TestNetwork;
let client: Client;
beforeEach(async () => {
  network = await createTestNetwork(3);
  client = await network.owner();
});
afterEach(() => network.close());

type View = { state: string; offer: unknown; result: { sealed: Uint8Array } | null };

/** Changes what one server says of the session, while `change` says something. */
function lie(name: string, change: (view: View) => View): void {
  network.server(name).tamper = async ({ name: asked }, honest) => {
    const view = (await honest()) as View;
    return asked.startsWith('session.') && view.state !== undefined ? change(view) : view;
  };
}
const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
const given = async (on?: OnProgress) => {
  const { exported, servers } = await client.exportKey('k', on);
  return { exported, states: servers.map(({ state }) => state) };
};

async function expectTheKey(exported: Awaited<ReturnType<typeof given>>['exported']): Promise<void> {
  const scalar = reveal(exported!.scalar, 'compare a key of a test');
  const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
  const { public: half } = await client.showKey('k');
  expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(half.groupKey);
}

describe('exportKey', () => {
  test('takes no more shares than the quorum needs, and again the same ones until it is closed', async () => {
    await client.createKey(KEY);
    const steps = hearSteps('export');
    const first = await given(steps.on);
    steps.expectAll();
    expect(first.states).toEqual(['given', 'given', 'agreed']);
    await expectTheKey(first.exported);
    const again = await given();
    expect(again.states).toEqual(first.states);
    await expectTheKey(again.exported);
    await client.closeExport('k');
  });

  test('puts it into the log of every server, also of one that gave no share, or by the next client that comes by', async () => {
    await client.createKey(KEY);
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    const { known } = await client.exportKey('k');
    expect(known).toEqual({ told: [], untold: ['charlie'] });
    const logged = () =>
      Promise.all(
        network.servers.map(async ({ bare: { context } }) => {
          const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
          return lines.filter(({ deed }) => deed === 'key.exported').length;
        }),
      );
    expect(await logged()).toEqual([1, 1, 0]);
    network.makeHonest();
    const laptop = await network.owner();
    await laptop.keepKey((await laptop.fetchKeys()).keys[0]!);
    // One that lies shows a proof that is none: another one's is taken.
    network.server('alpha').tamper = async ({ name }, honest) => {
      const shown = (await honest()) as { exportProof?: { exportId: Uint8Array } };
      if (name !== 'key.show' || shown.exportProof === undefined) return shown;
      return { ...shown, exportProof: { ...shown.exportProof, exportId: new Uint8Array(32) } };
    };
    const [kept] = await laptop.listKeys();
    await laptop.checkKey(kept!.name);
    expect(await logged()).toEqual([1, 1, 1]);
    expect((await client.exportKey('k')).known).toEqual({ told: [], untold: [] });
    expect(await logged()).toEqual([1, 1, 1]);
  });

  test('calls a server faulty whose share does not open or is not the certified one, and takes another’s', async () => {
    await client.createKey(KEY);
    lie('alpha', (view) =>
      view.result === null
        ? view
        : { ...view, result: { ...view.result, sealed: flipped(view.result.sealed) } },
    );
    const { exported, states } = await given();
    expect(states).toEqual(['faulty', 'given', 'given']);
    await expectTheKey(exported);
  });

  test('counts no yes that a server has not signed: with one left the share of nobody is asked for', async () => {
    await client.createKey(KEY);
    for (const name of ['alpha', 'bravo'])
      lie(name, (view) =>
        view.offer === null ? view : { ...view, offer: { slot: 1, signature: new Uint8Array(64) } },
      );
    const joins = () =>
      network.servers.map(({ asked }) => asked.filter((one) => one === 'session.join').length);
    const before = joins();
    const { exported, states } = await given();
    expect([exported, states]).toEqual([null, ['faulty', 'faulty', 'agreed']]);
    expect(joins()).toEqual(before);
  });

  test('an answer that was lost after the share left is given again: nothing is out twice, and nothing is lost', async () => {
    await client.createKey(KEY);
    const lost: string[] = [];
    network.server('alpha').tamper = async ({ name }, honest) => {
      const view = await honest();
      if (name !== 'session.join' || lost.length > 0) return view;
      lost.push(name);
      const parsed = exportResult.safeParse((view as View).result);
      expect(parsed.success).toBe(true);
      return { ...(view as View), result: null };
    };
    const first = await given();
    expect(first.states).toEqual(['faulty', 'given', 'given']);
    const again = await given();
    expect(again.states).toEqual(['given', 'given', 'given']);
    await expectTheKey(again.exported);
  });

  test('is refused for a key that was made without leave, before anybody is asked', async () => {
    await client.createKey({ ...KEY, exportable: false });
    const before = network.servers.map(({ asked }) => asked.length);
    await expect(client.exportKey('k')).rejects.toMatchObject({ code: 'KEY_NOT_EXPORTABLE' });
    expect(network.servers.map(({ asked }) => asked.length)).toEqual(before);
  });

  test('one that waits is seen in the status, with whoever gave a share, and stopped by any client', async () => {
    await client.createKey({ ...KEY, policy: {} });
    expect((await given()).states).toEqual(['waits', 'waits', 'waits']);
    expect((await client.status()).keys[0]!.exports).toEqual({ goesOn: SERVERS, given: [] });
    expect(await client.stopExport('k')).toEqual({ stopped: SERVERS, none: [], unsaid: [] });
    expect((await client.status()).keys[0]!.exports).toEqual({ goesOn: [], given: [] });
    expect(await client.stopExport('k')).toEqual({ stopped: [], none: SERVERS, unsaid: [] });
  });
});
