import {
  encodeCall,
  encodeReply,
  type FunctionName,
  type NonceCommitment,
  packCommitments,
  type Parameters,
  type Result,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, createMessageId, type Identity, sealMessage } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import type { ChaosServer } from './chaos-server.js';
import { createObserver, type Observer } from './observer.js';
import { createSeeded } from './seeded.js';

const seeded = createSeeded('observer');
const alice = createIdentity(secret(seeded.bytes(32)));
const alphaIdentity = createIdentity(secret(seeded.bytes(32)));
const alpha = { name: 'alpha', identity: () => alphaIdentity } as ChaosServer;
const keyId = seeded.bytes(32);
const requestId = seeded.bytes(32);

/** A server that answers what the test puts into its mouth. */
function say<F extends FunctionName>(
  observer: Observer,
  name: F,
  parameters: Parameters<F>,
  result: Result<F>,
): void {
  const message = (sender: Identity, recipient: Identity, body: Uint8Array, inReplyTo?: Uint8Array) => {
    const id = createMessageId((length) => seeded.bytes(length));
    const bytes = sealMessage({
      sender,
      recipient,
      id,
      date: 1,
      expiresAt: 60,
      function: name,
      body,
      random: (length) => seeded.bytes(length),
      ...(inReplyTo === undefined ? {} : { inReplyTo }),
    });
    return { id, bytes };
  };
  const asked = message(alice, alphaIdentity, encodeCall(name, parameters));
  const answered = message(alphaIdentity, alice, encodeReply<F>({ ok: true, result }), asked.id);
  observer.see({ server: alpha, owner: alice, request: asked.bytes, reply: answered.bytes });
}

function pair(): NonceCommitment {
  return { hiding: seeded.bytes(32), binding: seeded.bytes(32) };
}

function publish(observer: Observer, commitments: NonceCommitment[]): void {
  const wanted = { craft: 'frost' as const, commitments: commitments.length };
  say(observer, 'craft.prepare', { keyId, epoch: 0, wanted }, { prepared: { craft: 'frost', commitments } });
}

function release(
  observer: Observer,
  text: string,
  own: NonceCommitment,
  other: NonceCommitment,
  share: number,
): void {
  const payload = new TextEncoder().encode(text);
  const commitments = [packCommitments([own, other])];
  const attempt = { craft: 'frost' as const, number: 1, signers: [1, 2], commitments };
  const asked = { requestId, keyId, epoch: 0, kind: 'message', payload, expiresAt: 2, attempt, wanted: null };
  say(observer, 'request.ask', asked, {
    requestId,
    state: 'answered',
    sentence: text,
    reason: null,
    answer: { craft: 'frost', shares: [new Uint8Array(32).fill(share)] },
    prepared: null,
  });
}

describe('the observer of a fault schedule', () => {
  test('has nothing against one share for each commitment, sent as often as one likes', () => {
    const observer = createObserver();
    const [own, other] = [pair(), pair()];
    publish(observer, [own]);
    release(observer, 'one', own, other, 1);
    release(observer, 'one', own, other, 1);
    expect(observer.violations).toEqual([]);
    expect(observer.shares()).toBe(1);
  });

  test.each([
    ['another message', 'two', 1],
    ['another share', 'one', 2],
  ])('V34: sees a nonce used twice, for %s', (_, text, share) => {
    const observer = createObserver();
    const [own, other] = [pair(), pair()];
    publish(observer, [own]);
    release(observer, 'one', own, other, 1);
    release(observer, text, own, other, share);
    expect(observer.violations).toEqual(['alpha used one nonce twice']);
  });

  test('V34: sees a nonce used twice, beside the commitment of another signer', () => {
    const observer = createObserver();
    const own = pair();
    publish(observer, [own]);
    release(observer, 'one', own, pair(), 1);
    release(observer, 'one', own, pair(), 1);
    expect(observer.violations).toEqual(['alpha used one nonce twice']);
  });

  test('sees a commitment published twice, and a share for one that was never published', () => {
    const observer = createObserver();
    const own = pair();
    publish(observer, [own]);
    publish(observer, [own]);
    release(observer, 'one', pair(), pair(), 1);
    expect(observer.violations).toEqual([
      'alpha published one commitment twice (craft.prepare)',
      'alpha released a share for 0 of its own commitments',
    ]);
  });
});
