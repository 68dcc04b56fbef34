import { encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { back, coin, pay, psbtOf } from '../fixtures/psbt.js';
import { bitcoinKey, ed25519Key, type KnownKey } from '../fixtures/keys.js';
import { buildBitcoinRequest } from '../bitcoin/psbt/build.js';
import { buildGitRequest, embedGitSignature, splitGitSignature } from '../git/build.js';
import { buildMessageRequest } from '../message/build.js';
import { requestKind } from '../registry/registry.js';
import { buildSshSigRequest } from '../ssh/build.js';

const COMMIT = encodeUtf8(
  `tree ${'4b'.repeat(20)}\nparent ${'aa'.repeat(20)}\nauthor Alice <alice@example.org> 1795286400 +0200\n` +
    'committer Alice <alice@example.org> 1795286400 +0200\n\nFix the bridge\n',
);
const TAG = encodeUtf8(
  `object ${'aa'.repeat(20)}\ntype commit\ntag v1.0\ntagger Alice <alice@example.org> 1795286400 +0200\n\nFirst\n`,
);

function signed(kind: string, payload: Uint8Array, key: KnownKey): Uint8Array {
  const parsed = requestKind(kind).parse(payload);
  return parsed.finish(key.context, parsed.tasks(key.context).map(key.sign));
}

const verified = (kind: string, payload: Uint8Array, key: KnownKey, artefact: Uint8Array) =>
  requestKind(kind).parse(payload).verify(key.context, artefact);

const treasury = bitcoinKey();
const message = (text: string, domain = 'ckm') => buildMessageRequest({ domain, bytes: encodeUtf8(text) });
const file = (text: string, namespace = 'file') =>
  buildSshSigRequest({ namespace, message: encodeUtf8(text) });
const payment = (amount: bigint) =>
  buildBitcoinRequest(psbtOf([coin(treasury, 0, 600_000n)], [pay(amount), back(treasury, 8, 10_000n)]));

describe('verify', () => {
  test.each<[string, KnownKey, Uint8Array, Uint8Array]>([
    ['message', ed25519Key('message'), message('hello'), message('hullo')],
    ['message', ed25519Key('message'), message('hello'), message('hello', 'example.org')],
    ['ssh', ed25519Key('ssh'), file('hello'), file('hullo')],
    ['ssh', ed25519Key('ssh'), file('hello'), file('hello', 'mail')],
    ['git', ed25519Key('git'), buildGitRequest(COMMIT), buildGitRequest(TAG)],
    ['bitcoin', treasury, payment(500_000n), payment(510_000n)],
  ])(
    'of a %s request is true for its own artefact, and false for that of another',
    (kind, key, own, other) => {
      expect(verified(kind, own, key, signed(kind, own, key))).toBe(true);
      expect(verified(kind, own, key, signed(kind, other, key))).toBe(false);
      expect(verified(kind, other, key, signed(kind, own, key))).toBe(false);
    },
  );

  test.each(['message', 'ssh', 'git'])(
    'of a %s request is false for the artefact of another key, and never throws for one changed anywhere',
    (kind) => {
      const payload = { message: message('a'), ssh: file('a'), git: buildGitRequest(COMMIT) }[kind]!;
      const key = ed25519Key(kind);
      const artefact = signed(kind, payload, key);
      const stranger = ed25519Key(kind, 'release', 'bob');
      expect(verified(kind, payload, key, signed(kind, payload, stranger))).toBe(false);
      for (let at = 0; at < artefact.length; at += 7) {
        const changed = artefact.map((byte, i) => (i === at ? byte ^ 1 : byte));
        expect(verified(kind, payload, key, changed)).toBe(false);
        expect(verified(kind, payload, key, artefact.subarray(0, at))).toBe(false);
      }
    },
  );

  test('of a payment is false while one coin of the key is not signed', () => {
    const payload = payment(500_000n);
    expect(verified('bitcoin', payload, treasury, payload)).toBe(false);
    expect(verified('bitcoin', payload, treasury, Uint8Array.of(1, 2, 3))).toBe(false);
  });
});

test.each([
  ['commit', COMMIT],
  ['tag', TAG],
])('splitGitSignature takes apart what embedGitSignature has put into a %s', (_what, object) => {
  const key = ed25519Key('git');
  const armored = signed('git', buildGitRequest(object), key);
  expect(splitGitSignature(embedGitSignature(object, armored))).toEqual({ object, armored });
  expect(splitGitSignature(object)).toBeNull();
});
