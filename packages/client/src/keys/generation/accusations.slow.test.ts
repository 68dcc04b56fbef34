import { type FunctionName, type Parameters, parsePacket, type SessionView } from '@ckm/api';
import { PeerFaultError } from '@ckm/foundation';
import { type DkgMessage, dkgProtocol, findPublicFault, parseKeyParams } from '@ckm/threshold';
import { decodeData } from '@ckm/gordian';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import {
  type NetworkServer,
  createOwnedNetwork,
  otherWords,
  recordsOf,
  type TestNetwork,
} from '../../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

let network: TestNetwork;
let store: ClientStore;
let client: Client;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
});
afterEach(() => network.close());

/** Bravo ends the session with these words, at the n-th call of that name. */
function accuse(name: FunctionName, at: number, fault: NonNullable<SessionView['fault']>): void {
  let calls = 0;
  network.server('bravo').tamper = async (asked, honest) => {
    const view = (await honest()) as SessionView;
    return asked.name === name && ++calls === at ? { ...view, state: 'aborted', outbox: [], fault } : view;
  };
}

/** Alpha deals so, signed by itself; everything else it does is honest. */
function dealing(server: NetworkServer, change: (message: DkgMessage) => DkgMessage): void {
  const dealt = (bytes: Uint8Array): Uint8Array =>
    otherWords(server, bytes, ({ payload }) => ({
      payload: dkgProtocol.message.encode(change(dkgProtocol.message.decode(payload))),
    }));
  server.tamper = async ({ name }, honest) => {
    const result = await honest();
    if (name !== 'session.deliver') return result;
    const view = result as SessionView;
    return {
      ...view,
      outbox: view.outbox.map((bytes) => (parsePacket(bytes).round === 1 ? dealt(bytes) : bytes)),
    };
  };
}

/** The proof stands behind the two points of the commitment. */
const withoutProof = (message: DkgMessage): DkgMessage =>
  message.round === 1
    ? { ...message, dealing: message.dealing.map((byte, i) => (i === 70 ? byte ^ 1 : byte)) }
    : message;

const failure = () =>
  client.createKey(KEY).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a server that accuses another, while a key is made', () => {
  test.each<[string, FunctionName, number, string]>([
    ['before anybody has dealt', 'session.join', 1, 'FAULT_ROSTER'],
    ['before all have dealt', 'session.deliver', 1, 'FAULT_MALFORMED'],
    ['of a proof that holds', 'session.deliver', 2, 'FAULT_PROOF_INVALID'],
    ['of two words in one round', 'session.deliver', 2, 'FAULT_EQUIVOCATION'],
  ])('%s is not believed: both are under suspicion', async (_what, name, at, code) => {
    accuse(name, at, { code, round: 1, culprits: [1] });
    const error = await failure();
    expect(error).toBeInstanceOf(PeerFaultError);
    expect(error).toMatchObject({
      code: 'SUSPECT_ACCUSATION',
      message: 'bravo accuses alpha, which this client cannot confirm',
      hint: expect.stringContaining('bravo and alpha'),
      facts: { servers: ['bravo', 'alpha'], culprits: [2, 1], by: 'bravo', accused: ['alpha'], said: code },
    });
    expect(await client.listSessions()).toMatchObject([{ state: 'failed' }]);
    expect(await store.list('evidence')).toEqual([]);
  });

  test('in a refusal instead of a fault is not believed either', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name !== 'session.join') return honest();
      throw new PeerFaultError('the roster does not hold at slot 1', {
        code: 'FAULT_ROSTER',
        hint: 'choose others',
        retryable: false,
        facts: { culprits: [1] },
      });
    };
    expect(await failure()).toMatchObject({
      code: 'SUSPECT_ACCUSATION',
      facts: { servers: ['bravo', 'alpha'] },
    });
  });

  test('truly is confirmed from the signed packets, which are kept as evidence that anybody can check', async () => {
    dealing(network.server('alpha'), withoutProof);
    const error = await failure();
    expect(error).toMatchObject({
      code: 'FAULT_PROOF_INVALID',
      message: 'alpha sent what every server can see is wrong',
      facts: { servers: ['alpha'], culprits: [1], evidence: expect.stringMatching(/^evidence\//) },
    });
    const [path, ...more] = await store.list('evidence');
    expect(more).toEqual([]);
    const { convinces, exhibits } = decodeData((await recordsOf(store).get(path!))!) as {
      convinces: string;
      exhibits: { parameters: Uint8Array; packets: Uint8Array[][] };
    };
    expect(convinces).toBe('anybody');
    const rounds = exhibits.packets
      .slice(0, 2)
      .map((row) => row.map((bytes) => dkgProtocol.message.decode(parsePacket(bytes).payload)));
    expect(findPublicFault(parseKeyParams(exhibits.parameters), rounds)).toEqual({
      code: 'FAULT_PROOF_INVALID',
      round: 1,
      culprits: [1],
    });
  });

  test('instead of the one at fault does not save that one', async () => {
    dealing(network.server('alpha'), withoutProof);
    accuse('session.deliver', 2, { code: 'FAULT_PROOF_INVALID', round: 1, culprits: [3] });
    expect(await failure()).toMatchObject({ code: 'FAULT_PROOF_INVALID', facts: { servers: ['alpha'] } });
  });

  test('of what only it can see is quoted, and both are under suspicion', async () => {
    accuse('session.deliver', 2, { code: 'SUSPECT_SHARE', round: 1, culprits: [1] });
    expect(await failure()).toMatchObject({
      code: 'SUSPECT_SHARE',
      message: 'bravo suspects alpha',
      facts: { servers: ['bravo', 'alpha'], accused: ['alpha'] },
    });
  });

  test.each(['SUSPECT_SHARE', 'FAULT_PROOF_INVALID'])(
    'by %s does not make the owner carry it to the others: they hear that it was cancelled',
    async (code) => {
      accuse('session.deliver', 2, { code, round: 1, culprits: [1] });
      const accusing = network.server('bravo').tamper!;
      const reasons: string[] = [];
      for (const server of network.servers) {
        server.tamper = async (asked, honest) => {
          if (asked.name === 'session.cancel')
            reasons.push((asked.parameters as Parameters<'session.cancel'>).reason);
          return server.name === 'bravo' ? accusing(asked, honest) : honest();
        };
      }
      expect(await failure()).toMatchObject({ facts: { by: 'bravo' } });
      expect(reasons).toEqual(Array.from({ length: 3 }, () => 'the ceremony was cancelled'));
    },
  );

  test.each([
    ['nobody who takes part', { code: 'FAULT_PROOF_INVALID', round: 1, culprits: [9] }, 'SESSION_ABORTED'],
    ['nobody', { code: 'RETRY_VIEWS_DIFFER', round: 1, culprits: [] }, 'RETRY_VIEWS_DIFFER'],
    ['somebody, in words nobody knows', { code: 'KEY_EXISTS', round: 1, culprits: [1] }, 'SESSION_ABORTED'],
  ])('naming %s ends the session and blames nobody', async (_what, fault, code) => {
    accuse('session.deliver', 2, fault);
    const error = await failure();
    expect(error).toMatchObject({ code, message: 'bravo ended the session, blaming nobody' });
    expect(error).not.toBeInstanceOf(PeerFaultError);
  });
});
