// @module-tag long
import { randomBytes } from 'node:crypto';
import type { PasskeyAssertion } from '@ckm/api';
import {
  type AssertionForm,
  BROKEN_ASSERTIONS,
  createAuthenticator,
  type SoftwareAuthenticator,
} from '@ckm/testkit';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { expect, test } from 'vitest';
import { faultInAssertion } from './webauthn.js';

const authenticators = (['ES256', 'EdDSA', 'RS256'] as const).map((each) => createAuthenticator(each));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** What the library says: true, false, or nothing but an error. */
async function isGoodToJudge(
  { passkey, coseKey }: SoftwareAuthenticator,
  challenge: Uint8Array,
  { authenticatorData, clientData, signature }: PasskeyAssertion,
): Promise<boolean> {
  const id = text(Uint8Array.of(1, 2, 3));
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          authenticatorData: text(authenticatorData),
          clientDataJSON: text(clientData),
          signature: text(signature),
        },
      },
      expectedChallenge: text(challenge),
      expectedOrigin: [...passkey.origins],
      expectedRPID: passkey.rpId,
      requireUserVerification: true,
      credential: { id, publicKey: Uint8Array.from(coseKey), counter: 0 },
    });
    return verified;
  } catch {
    return false;
  }
}

/** Honest assertions differ in these, too. */
const FORMS: readonly AssertionForm[] = [
  {},
  { flags: 0x1d },
  { flags: 0x0d },
  { counter: 1 },
  { counter: 0xffff_ffff },
  { highS: true },
  { highS: false },
  { clientData: { crossOrigin: undefined } },
  { clientData: { extra: 'more' } },
];

const brokenForAll = Object.entries(BROKEN_ASSERTIONS).filter(([, { isForAll }]) => isForAll);

test('200 assertions, half of them broken in one way each: another verifier says the same of every one', async () => {
  expect(brokenForAll.length).toBeGreaterThan(20);
  const said = { good: 0, broken: 0 };
  for (let i = 0; i < 200; i++) {
    // Each way with each algorithm in turn.
    const pair = Math.floor(i / 2);
    const [name, { assert, fault }] = brokenForAll[pair % brokenForAll.length]!;
    const round = Math.floor(pair / brokenForAll.length);
    const authenticator = authenticators[(pair + round) % authenticators.length]!;
    const challenge = Uint8Array.from(randomBytes(32));
    const isBroken = i % 2 === 1;
    const assertion = isBroken
      ? assert(authenticator, challenge)
      : authenticator.assert(challenge, FORMS[i % FORMS.length]);
    const what = `${authenticator.algorithm}: ${isBroken ? name : 'good'}`;
    expect(faultInAssertion(authenticator.passkey, challenge, assertion), what).toBe(isBroken ? fault : null);
    expect(await isGoodToJudge(authenticator, challenge, assertion), what).toBe(!isBroken);
    said[isBroken ? 'broken' : 'good'] += 1;
  }
  expect(said).toEqual({ good: 100, broken: 100 });
});
