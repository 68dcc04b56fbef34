import { policyHash } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
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

  test('signs nothing that no rule lets in, and nothing that asks people where nobody says who asks', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    for (const [domain, refused] of [
      ['other', 'POLICY_NO_RULE'],
      ['asked', 'REQUESTER_MISSING'],
    ] as const) {
      const requestId = new Uint8Array(32).fill(domain.length);
      const asked = signer.request(1, { ...message(domain), requestId }, {});
      await expect(asked).rejects.toThrow(code(refused));
      expect(await isStored(servers[0]!, requestId)).toBe(false);
    }
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
