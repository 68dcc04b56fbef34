import type { PasskeyAssertion } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import {
  type AssertionForm,
  createAuthenticator,
  type SoftwareAuthenticator,
  USER_FLAGS,
} from './authenticator.js';

/** An assertion that is broken in one way, and good and properly signed in every other. */
export interface BrokenAssertion {
  /** Which check of ours it does not pass. */
  readonly fault: string;
  /** Whether every verifier of WebAuthn refuses it. The others leave a choice to whoever relies on it, or spell less strictly. */
  readonly isForAll: boolean;
  readonly assert: (authenticator: SoftwareAuthenticator, challenge: Uint8Array) => PasskeyAssertion;
}

const BACKED_UP_ALONE = USER_FLAGS | 0x10;
const ATTESTED = USER_FLAGS | 0x40;
const EXTENDED = USER_FLAGS | 0x80;

/** By what is broken in each. */
export const BROKEN_ASSERTIONS: Readonly<Record<string, BrokenAssertion>> = {
  'client data are no JSON': as('client data', { clientText: '{"type":"webauthn.get"' }),
  'the assertion is a registration': as('type', { clientData: { type: 'webauthn.create' } }),
  'nobody says what it is': as('type', { clientData: { type: undefined } }),
  'the challenge is another one': by('challenge', (authenticator, challenge) =>
    authenticator.assert(changed(challenge, 0)),
  ),
  'the challenge is longer': by('challenge', (authenticator, challenge) =>
    authenticator.assert(Uint8Array.of(...challenge, 0)),
  ),
  'the challenge is spelled otherwise': by('challenge', (authenticator, challenge) =>
    authenticator.assert(challenge, {
      clientData: { challenge: Buffer.from(challenge).toString('base64') },
    }),
  ),
  'there is no challenge': as('challenge', { clientData: { challenge: undefined } }),
  'the origin is another one': as('origin', { clientData: { origin: 'https://evil.test' } }),
  'the origin has another port': as('origin', { clientData: { origin: 'https://ckm.example:8443' } }),
  'the origin has a slash': as('origin', { clientData: { origin: 'https://ckm.example/' } }),
  'the origin is without TLS': as('origin', { clientData: { origin: 'http://ckm.example' } }),
  'the domain is another one': as('rp id', { rpId: 'evil.test' }),
  'the domain is one above': as('rp id', { rpId: 'example' }),
  'nobody was there': as('user presence', { flags: USER_FLAGS & ~0x01 }),
  'nobody was asked who he is': as('user verification', { flags: USER_FLAGS & ~0x04 }),
  'it is backed up, and cannot be': as('backup state', { flags: BACKED_UP_ALONE }),
  'authenticator data are cut': as('authenticator data', { length: 36 }),
  'authenticator data go on': as('authenticator data', { rest: Uint8Array.of(0) }),
  'extensions are announced, and none is there': as('authenticator data', { flags: EXTENDED }),
  'something is behind the extensions': as('authenticator data', {
    flags: EXTENDED,
    rest: Uint8Array.of(...encodeData({ credBlob: true }), 0),
  }),
  'a bit of the signature is turned': by('signature', (authenticator, challenge) => {
    const { signature, ...rest } = authenticator.assert(challenge);
    return { ...rest, signature: changed(signature, signature.length - 1) };
  }),
  'the signature is over another counter': by('signature', (authenticator, challenge) => {
    const { authenticatorData, ...rest } = authenticator.assert(challenge, { counter: 7 });
    return { ...rest, authenticatorData: changed(authenticatorData, 36) };
  }),
  'the signature is over other client data': by('signature', (authenticator, challenge) => {
    const { signature } = authenticator.assert(challenge, { clientData: { other: 1 } });
    return { ...authenticator.assert(challenge), signature };
  }),
  'the signature is by another passkey': by('signature', (authenticator, challenge) => {
    const { algorithm, passkey } = authenticator;
    return createAuthenticator(algorithm, { rpId: passkey.rpId }).assert(challenge);
  }),
  'the page stood inside another one': as('cross origin', { clientData: { crossOrigin: true } }, false),
  'crossOrigin is a text': as('cross origin', { clientData: { crossOrigin: 'false' } }, false),
  'another page is on top': as('top origin', { clientData: { topOrigin: 'https://ckm.example' } }),
  'client data are too long': as('client data', { clientData: { more: 'x'.repeat(2_048) } }, false),
  'client data begin with a mark of their byte order': by(
    'client data',
    (authenticator, challenge) => {
      const { clientData } = authenticator.assert(challenge);
      return authenticator.assert(challenge, { clientText: `\ufeff${Buffer.from(clientData).toString()}` });
    },
    false,
  ),
  'a new credential is announced, and none is there': as('authenticator data', { flags: ATTESTED }),
  'there is a new credential in it': as(
    'authenticator data',
    {
      flags: ATTESTED,
      rest: Uint8Array.of(...new Uint8Array(18), ...encodeData({})),
    },
    false,
  ),
  'an extension is spelled otherwise': as(
    'authenticator data',
    // A map in which the one name has its length in a byte of its own.
    { flags: EXTENDED, rest: Uint8Array.of(0xa1, 0x78, 4, ...encodeUtf8('blob'), 0xf5) },
    false,
  ),
};

function as(fault: string, form: AssertionForm, isForAll = true): BrokenAssertion {
  return by(fault, (authenticator, challenge) => authenticator.assert(challenge, form), isForAll);
}

function by(fault: string, assert: BrokenAssertion['assert'], isForAll = true): BrokenAssertion {
  return { fault, isForAll, assert };
}

/** One bit turned. */
function changed(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
