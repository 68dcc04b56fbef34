import { requestKind } from '@ckm/requests';
import { ed25519 } from '@noble/curves/ed25519.js';
import { expect, test } from 'vitest';
import { message, verifyMessage } from './message.js';

const secretKey = new Uint8Array(32).fill(5);
const key = { suite: 'ed25519', groupKey: ed25519.getPublicKey(secretKey) } as const;
/** The bytes that are signed, written as docs/formats.md says. */
const SIGNED = Buffer.from('CKM signed message v1\n\0\0\0\x03ckm\0\0\0\x05hello', 'latin1');
const signature = ed25519.sign(SIGNED, secretKey);

test('message makes what a request of its kind reads, in the domain ckm unless told', () => {
  const { kind, payload } = message('hello');
  expect(kind).toBe('message');
  expect(Buffer.from(payload).toString('hex')).toBe('0100000003636b6d0000000568656c6c6f');
  expect(requestKind(kind).parse(payload).kind).toBe('message');
});

test('message refuses bytes without a domain that another protocol would take for its own', () => {
  expect(() => message('SSHSIG and so on', { domain: '' })).toThrow(
    expect.objectContaining({ code: 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL' }),
  );
});

test('message and verifyMessage refuse a text with half of a letter: what is signed would be another text', () => {
  const refused = expect.objectContaining({ code: 'TEXT_INCOMPLETE' }) as Error;
  expect(() => message('pay \ud83d')).toThrow(refused);
  expect(() => verifyMessage(key, 'pay \ud83d', signature)).toThrow(refused);
});

test('verifyMessage takes the signature of these words in this domain with this key, and no other', () => {
  expect(verifyMessage(key, 'hello', signature)).toBe(true);
  expect(verifyMessage(key, new TextEncoder().encode('hello'), signature, { domain: 'ckm' })).toBe(true);
  expect(verifyMessage(key, 'hello!', signature)).toBe(false);
  expect(verifyMessage(key, 'hello', signature, { domain: 'other' })).toBe(false);
  expect(verifyMessage(key, SIGNED, signature, { domain: '' })).toBe(true);
  const other = { ...key, groupKey: ed25519.getPublicKey(new Uint8Array(32).fill(6)) };
  expect(verifyMessage(other, 'hello', signature)).toBe(false);
});

test('verifyMessage, given a key or a signature that is none, says no and never throws', () => {
  expect(verifyMessage({ ...key, groupKey: new Uint8Array(3) }, 'hello', signature)).toBe(false);
  expect(verifyMessage(key, 'hello', new Uint8Array(63))).toBe(false);
});
