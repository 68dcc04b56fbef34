import { policyHash } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { MatterOfPeople, PeopleSaid } from '../context.js';
import type { BareServer } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey } from '../sessions/test/bare-servers.js';
import { BY_DOMAIN, termsWith } from '../sessions/test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const policy = termsWith(BY_DOMAIN);
const message = (domain: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain, bytes: encodeUtf8('hello') }),
});
const isStored = ({ context }: BareServer, requestId: Uint8Array) =>
  context.storage.read(async ({ requests }) => (await requests.find(alice.xid, requestId)) !== null);

describe('a key with terms', () => {
  test('is made with them: every server certifies their hash and shows them, and what a rule lets in is signed', async () => {
    const { callers } = await network.openMany(3);
    const { keyId, certificate, signer } = await makeKey(callers, { policy });
    for (const caller of callers) {
      const shown = await caller.call('key.show', { keyId });
      expect(shown.policy).toMatchObject(policy);
      expect(policyHash(shown.policy)).toEqual(parseCertificate(certificate).params.termsHash);
    }
    expect(await signer.sign(message('test'), [1, 2])).toHaveLength(64);
  });

  test('signs nothing that no rule lets in, and nothing that asks people where nobody is asked', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    for (const [domain, refused] of [
      ['other', 'POLICY_NO_RULE'],
      ['asked', 'POLICY_PEOPLE_NOT_ASKED'],
    ] as const) {
      const requestId = new Uint8Array(32).fill(domain.length);
      const asked = signer.request(1, { ...message(domain), requestId }, {});
      await expect(asked).rejects.toThrow(code(refused));
      expect(await isStored(servers[0]!, requestId)).toBe(false);
    }
  });

  test('asks people what they say of this very request, and once more before each share', async () => {
    const matters: MatterOfPeople[] = [];
    const said: { votes: { yes: Set<string>; no: Set<string> }; without: Set<string> } & PeopleSaid = {
      votes: { yes: new Set(['ann', 'cy']), no: new Set() },
      without: new Set(),
    };
    const people = {
      said: (_reader: unknown, matter: MatterOfPeople) => {
        matters.push(matter);
        return Promise.resolve(said);
      },
    };
    const { callers } = await network.openMany(2, { people });
    const { keyId, signer } = await makeKey(callers, { policy });
    expect(await signer.sign(message('asked'), [1, 2])).toHaveLength(64);
    const { policy: terms } = await callers[0]!.call('key.show', { keyId });
    const ballot = { matter: 'request', keyId, termsHash: policyHash(terms), kind: 'message' };
    for (const matter of matters) expect(matter).toMatchObject({ owner: alice.xid, terms, ballot });
    const before = matters.length;
    expect(await signer.sign(message('test'), [1, 2])).toHaveLength(64);
    expect(matters.length).toBeGreaterThan(before);
    said.votes.yes.delete('cy');
    const waits = await signer.request(1, message('asked'), {});
    expect(waits).toMatchObject({ state: 'waiting', prepared: null });
    said.votes.no = new Set(['ann', 'bob']);
    const asked = signer.request(2, message('asked'), {});
    await expect(asked).rejects.toThrow(code('POLICY_PEOPLE_SAID_NO'));
  });

  test('a yes that is taken back between the answer and the share releases nothing', async () => {
    const yes = new Set(['ann', 'bob']);
    const people = {
      said: () => Promise.resolve({ votes: { yes, no: new Set<string>() }, without: new Set<string>() }),
    };
    const { callers } = await network.openMany(2, { people });
    const { signer } = await makeKey(callers, { policy });
    const ask = { ...message('asked'), requestId: new Uint8Array(32).fill(7) };
    expect((await signer.request(1, ask, {})).state).toBe('ready');
    const attempt = await signer.prepare([1, 2]);
    yes.delete('bob');
    expect(await signer.request(1, ask, { attempt })).toMatchObject({ state: 'waiting', answer: null });
  });
});

test.each([
  ['TERMS_FACT_UNKNOWN', termsWith([{ when: { fact: 'label', among: ['x'] }, needed: 0, of: [] }])],
  ['TERMS_APPROVER_UNKNOWN', termsWith([{ when: { all: [] }, needed: 1, of: ['eve'] }])],
  ['TERMS_CHANGE_MISSING', { approvals: [...BY_DOMAIN] }],
  ['TERMS_VERSION_WRONG', termsWith(BY_DOMAIN, { version: 1, previous: new Uint8Array(32) })],
])('no server takes part in a key with terms that cannot be lived with: %s', async (refused, policy) => {
  const { callers } = await network.openMany(2);
  await expect(makeKey(callers, { policy })).rejects.toThrow(code(refused));
});
