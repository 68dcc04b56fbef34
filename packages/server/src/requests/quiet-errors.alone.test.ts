// @module-tag long
import { packCommitments, unpackCommitments } from '@ckm/api';
import { inspect } from 'node:util';
import { encodeHex, encodeUtf8, reveal } from '@ckm/foundation';
import type * as Threshold from '@ckm/threshold';
import { afterEach, expect, test, vi } from 'vitest';
import { leaks } from '../test/stored-secrets.js';
import { createActiveKeys } from '../sessions/keys/active-keys.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../sessions/test/bare-servers.js';

/** Every nonce that a server of this file has made. */
const nonces = vi.hoisted((): Uint8Array[] => []);

vi.mock('@ckm/threshold', async (importOriginal) => {
  const real = await importOriginal<typeof Threshold>();
  const commitNonces: typeof real.commitNonces = (input) => {
    const made = real.commitNonces(input);
    const { hidingNonce, bindingNonce } = reveal(made.nonces, 'search for them');
    nonces.push(hidingNonce.slice(), bindingNonce.slice());
    return made;
  };
  return { ...real, commitNonces };
});

const network = createBareServers();
afterEach(() => network.close());

const fresh = (byte: number) => new Uint8Array(32).fill(byte);

/** Everything that anybody can get out of an error: fields, causes, stack; numbers with and without spaces. */
function everythingIn(error: unknown): Uint8Array {
  const said = inspect(error, { depth: null, maxArrayLength: null, maxStringLength: null, showHidden: true });
  const json = JSON.stringify(error, Object.getOwnPropertyNames(error));
  return encodeUtf8([said, said.replaceAll(/\s+/g, ''), json].join('\n'));
}

test('V65: no error of signing holds a byte of the payload, a share or a nonce', async () => {
  const { servers, callers } = await network.openMany(2);
  const { signer, keyId } = await makeKey(callers);
  const canary = 'canary-4f1c';
  const { payload } = messageOf(canary);
  const attempt = await signer.prepare([1, 2]);
  const [mine, theirs] = unpackCommitments(attempt.commitments[0]!, 2)!;
  const asks = {
    'a payload cut short': { payload: payload.subarray(1) },
    'another kind': { kind: 'ssh' },
    'a signer that does not exist': { attempt: { ...attempt, signers: [1, 3] } },
    'too few signers': { attempt: { ...attempt, signers: [1], commitments: [packCommitments([mine!])] } },
    'another number of tasks': { attempt: { ...attempt, commitments: [] } },
    'an expired request': { expiresAt: 1 },
    'an unknown key': { keyId: fresh(9) },
    // Only this one is found after the nonces were taken.
    'a commitment that is no point': {
      attempt: { ...attempt, commitments: [packCommitments([mine!, { ...theirs!, hiding: fresh(0xff) }])] },
    },
  };
  const errors = new Map<string, unknown>();
  for (const [number, [what, ask]] of Object.entries(asks).entries()) {
    const request = { requestId: fresh(number), keyId, kind: 'message', payload, expiresAt: SOON };
    const asked = callers[0]!.call('request.ask', { ...request, attempt, epoch: 0, wanted: null, ...ask });
    errors.set(what, await asked.catch((error: unknown) => error));
  }
  const codes = [...errors].map(([what, error]) => [what, (error as { code?: string }).code]);
  expect(Object.fromEntries(codes)).toEqual({
    'a payload cut short': 'PAYLOAD_VERSION_UNKNOWN',
    'another kind': 'PAYLOAD_MALFORMED',
    'a signer that does not exist': 'ATTEMPT_INVALID',
    'too few signers': 'PARAMETERS_INVALID',
    'another number of tasks': 'PARAMETERS_INVALID',
    'an expired request': 'EXPIRY_PASSED',
    'an unknown key': 'KEY_UNKNOWN',
    'a commitment that is no point': 'COMMITMENT_INVALID',
  });
  expect(nonces.length).toBe(4);
  const { share } = await servers[0]!.context.storage.read((reader) =>
    createActiveKeys(servers[0]!.context).find(reader, alice.xid, keyId),
  );
  const secrets = new Map([['payload', encodeUtf8(canary)]]);
  for (const bytes of [...nonces, reveal(share.share, 'search for it').slice()])
    secrets.set(`share or nonce ${encodeHex(bytes)}`, bytes);
  const places = [...errors].map(([what, error]) => [what, everythingIn(error)] as const);
  expect(leaks(secrets, places)).toEqual([]);
});
