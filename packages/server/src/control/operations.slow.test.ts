import { request } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeVouchRequest } from '@ckm/api';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { hashOrder, parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerContext } from '../context.js';
import { createDkgRoom } from '../sessions/dkg/dkg-room.js';
import { createEchoRoom } from '../sessions/test/echo-room.js';
import { person, random } from '../test/rooms.js';
import { keysOf, PASSPHRASE, startTestServer, type TestServer } from '../test/test-server.js';
import { connectOperator } from './connect-operator.js';
import { describeOperations } from './openapi.js';
import { pathNames, type Operation } from './operation.js';
import { OPERATION_NAMES, OPERATIONS, type OperationName, type OperatorParameters } from './operations.js';
import { alice, type KeyedServers, messageOf, startWithKey } from './test/keyed-servers.js';

const servers: TestServer[] = [];
let keyed: KeyedServers;

beforeAll(async () => {
  const rooms = (context: ServerContext) => [createDkgRoom(context), createEchoRoom()];
  keyed = await startWithKey(servers, { approval: 'operator' }, { start: { rooms } });
});
afterAll(async () => {
  for (const server of servers) await server.remove();
});

const auditEntries = async () => (await keyed.operator.status()).open!.auditEntries;

/** A request of Alice's that waits for the operator, under this id. */
async function waiting(): Promise<string> {
  const requestId = random(32);
  await keyed.signer.request(1, { ...messageOf('walked'), requestId }, {});
  return encodeHex(requestId);
}

/** A ceremony of Alice's that waits for the operator, as it is looked at. */
async function waitingSession(): Promise<OperatorParameters<'approveSession'>> {
  const sessionId = random(32);
  const proposal = { kind: 'echo', keyId: random(32), text: 'hello', length: 1 };
  const expiresAt = keyed.alpha.now + 600;
  await keyed.alpha.as(alice).ask('session.propose', { sessionId, proposal, expiresAt });
  const { sessions } = await keyed.operator.sessions();
  return sessions.find((one) => one.sessionId === encodeHex(sessionId))!;
}

/** An order of Alice's to let a stranger hold her key too, as it is looked at, with its words. */
async function waitingChange() {
  const client = keyed.alpha.as(alice);
  const { policy, certificate } = await client.ask('key.show', { keyId: keyed.keyId });
  const parsed = parseCertificate(certificate!);
  const { keyId, epoch, roster } = parsed.params;
  const { transcriptHash } = verifyCertificate(parsed);
  const { identity } = keyed.alpha.as(person(7));
  const stranger = {
    serverId: new Uint8Array(identity.xid),
    identityKey: identity.publicKeys.signing.bytes,
  };
  const members = [...roster.map(({ serverId, identityKey }) => ({ serverId, identityKey })), stranger];
  const quorum = { needed: 2, of: 3 };
  const order = { keyId, epoch, transcriptHash, quorum, roster: members, termsVersion: 0 };
  await client.ask('change.propose', { order, chain: [], policy });
  const orderHash = hashOrder(order);
  const seen = { owner: xid, keyId: encodeHex(keyId), epoch, orderHash: encodeHex(orderHash) };
  return { seen, words: formatWords(likenessOf(orderHash)) };
}

const xid = encodeHex(alice.xid);
const keyId = () => encodeHex(keyed.keyId);
const newInvite = async () => (await keyed.operator.createInvite()).code;

/** Parameters with which each operation does what it is for; the process itself is started and stopped in tests of its own, and what takes a month of silence is in `life/heirs.long.test.ts`. */
const WELL_FORMED: {
  readonly [
    N in Exclude<OperationName, 'unseal' | 'changePassphrase' | 'shutdown' | 'rotateKey' | 'agreeSilence'>
  ]: () => OperatorParameters<N> | Promise<OperatorParameters<N>>;
} = {
  status: () => ({}),
  metrics: () => ({}),
  backup: () => secret(encodeUtf8(PASSPHRASE)),
  backupWithoutEpochKeys: () => secret(encodeUtf8(PASSPHRASE)),
  keepBackup: () => ({ id: 'ab'.repeat(16), takenAt: keyed.alpha.now }),
  noteDestroyedBackups: () => ({ before: keyed.alpha.now }),
  drill: () => ({
    id: 'ab'.repeat(16),
    takenAt: keyed.alpha.now,
    shares: [{ owner: xid, keyId: keyId(), epoch: 0, publicShare: null, isDamaged: false }],
    isLast: true,
  }),
  requests: () => ({}),
  request: async () => ({ requestId: await waiting() }),
  approve: async () => ({ requestId: await waiting() }),
  reject: async () => ({ requestId: await waiting(), reason: 'no' }),
  rejectAll: async () => {
    // Whatever else waits is answered first, so that one thing is left to change.
    await keyed.operator.rejectAll({ xid, reason: 'no' });
    await waiting();
    return { xid, reason: 'no' };
  },
  sessions: () => ({}),
  approveSession: () => waitingSession(),
  rejectSession: async () => ({ ...(await waitingSession()), reason: 'no' }),
  changes: () => ({}),
  approveChange: async () => {
    const { seen, words } = await waitingChange();
    return { ...seen, words };
  },
  rejectChange: async () => ({ ...(await waitingChange()).seen, reason: 'no' }),
  outbox: () => ({}),
  retryOutbox: () => ({}),
  audit: () => ({ from: 1, limit: 2 }),
  verifyAudit: () => ({}),
  invites: () => ({}),
  createInvite: () => ({ note: 'bob' }),
  invite: async () => ({ invite: await newInvite() }),
  revokeInvite: async () => ({ invite: await newInvite() }),
  accounts: () => ({}),
  recoverAccount: async () => {
    const words = keyed.alpha.as(alice);
    await words.ask('contact.set', { id: new Uint8Array(32).fill(7), contact: { kind: 'operator' } });
    const { publicKeys, xid: asking } = person(72);
    const { xid: server } = keysOf(keyed.alpha.server);
    const request = encodeHex(encodeVouchRequest({ server, vouched: 'recovery', keys: publicKeys }));
    return { xid, request, words: formatWords(likenessOf(asking)) };
  },
  suspend: () => ({ xid }),
  resume: () => ({ xid }),
  thawAccount: () => ({ xid }),
  keys: () => ({}),
  keyPolicy: () => ({ keyId: keyId() }),
  thawKey: () => ({ keyId: keyId() }),
  releaseKey: () => ({ keyId: keyId() }),
  silence: () => ({ keyId: keyId(), owner: xid }),
  tightenKey: () => ({ keyId: keyId(), blindAllowed: false }),
  loosenKey: () => ({ keyId: keyId(), blindAllowed: true }),
};
const WALKED = Object.keys(WELL_FORMED) as (keyof typeof WELL_FORMED)[];

/** Says something over the socket that no client of ours would. */
function say(operation: Operation, path: string, body: unknown): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const socketPath = join(keyed.alpha.dataDir, 'control.sock');
    const sent = request({ socketPath, method: operation.method, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code: string };
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    sent.on('error', reject);
    sent.end(operation.method === 'POST' ? JSON.stringify(body) : undefined);
  });
}

describe('the table of operations', () => {
  test.each(WALKED)(
    '%s leaves one audit row when it changes something, and none when it only reads',
    async (name) => {
      const { changes, takes } = OPERATIONS[name];
      const parameters = await WELL_FORMED[name]();
      const before = await auditEntries();
      const act = keyed.operator[name] as (given: object) => Promise<unknown>;
      const answer = await act(parameters);
      if (OPERATIONS[name].result === 'bytes') for await (const _ of answer as AsyncIterable<unknown>);
      expect((await auditEntries()) - before).toBe(changes === 'nothing' ? 0 : 1);
      expect(changes === 'nothing').toBe(takes === 'read');
    },
  );

  test.each(OPERATION_NAMES)(
    '%s refuses a member that its schema does not name, and does nothing',
    async (name) => {
      const operation: Operation = OPERATIONS[name];
      if (operation.parameters === 'secret') return;
      const before = await auditEntries();
      const path = operation.path.replaceAll(/:\w+/g, 'ab'.repeat(32));
      const answer = await say(operation, operation.method === 'GET' ? `${path}?nonsense=1` : path, {
        nonsense: 1,
      });
      expect(answer).toEqual({ status: 400, code: 'OPERATOR_INPUT_INVALID' });
      expect(await auditEntries()).toBe(before);
    },
  );

  const members = OPERATION_NAMES.flatMap((name) => {
    const { parameters } = OPERATIONS[name] as Operation;
    return parameters === 'secret' ? [] : Object.keys(parameters.shape).map((member) => ({ name, member }));
  });
  test.each(members)('$name refuses a malformed $member, and does nothing', async ({ name, member }) => {
    const operation: Operation = OPERATIONS[name];
    const before = await auditEntries();
    const inPath = pathNames(operation.path);
    const bad = '%07%20bell';
    const path = operation.path.replaceAll(/:(\w+)/g, (_, one) => (one === member ? bad : 'ab'.repeat(32)));
    const isQuery = operation.method === 'GET' && !inPath.includes(member);
    const body = inPath.includes(member) ? {} : { [member]: { not: 'this' } };
    const answer = await say(operation, isQuery ? `${path}?${member}=${bad}` : path, body);
    expect(answer).toEqual({ status: 400, code: 'OPERATOR_INPUT_INVALID' });
    expect(await auditEntries()).toBe(before);
  });

  test.each([
    ['a value given twice', '/audit?from=1&from=2'],
    ['half a cursor', `/keys?owner=${'ab'.repeat(32)}`],
    ['a number with a sign', '/audit?from=-1'],
    ['a path that no row has', '/nonsense'],
  ])('%s is refused by name', async (_what, path) => {
    const answer = await say(OPERATIONS.audit, path, null);
    expect(answer).toEqual({ status: 400, code: 'OPERATOR_INPUT_INVALID' });
  });

  test.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['what stands in the path already', JSON.stringify({ xid: 'ab'.repeat(32) })],
  ])('a body that is %s is refused', async (_what, body) => {
    const socketPath = join(keyed.alpha.dataDir, 'control.sock');
    const status = await new Promise((resolve, reject) => {
      const path = `/accounts/${xid}/suspend`;
      request({ socketPath, method: 'POST', path }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(body);
    });
    expect(status).toBe(400);
    expect((await keyed.operator.accounts()).accounts).toMatchObject([{ status: 'active' }]);
  });

  test('is described by docs/operator-api.json, word for word', () => {
    const kept = readFileSync(join(import.meta.dirname, '../../../../docs/operator-api.json'), 'utf8');
    expect(JSON.parse(kept), 'run: npm run docs:operator').toEqual(
      JSON.parse(JSON.stringify(describeOperations())),
    );
  });
});

describe('operations on the process', () => {
  const started: TestServer[] = [];
  afterEach(async () => {
    for (const server of started.splice(0)) await server.remove();
  });

  test('unseal leaves the one audit row of a server that starts; shutdown stops it and leaves none', async () => {
    const sealed = await startTestServer({ isSealed: true });
    started.push(sealed);
    const operator = connectOperator(sealed.dataDir);
    await operator.unseal(secret(encodeUtf8(PASSPHRASE)));
    expect((await operator.audit()).map(({ deed }) => deed)).toEqual(['server.start']);
    await operator.shutdown();
    await sealed.server.closed;
    await sealed.restart({ passphrase: secret(encodeUtf8(PASSPHRASE)) });
    expect((await operator.audit()).map(({ deed }) => deed)).toEqual(['server.start', 'server.start']);
  });
});
