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
import { encodeStatement, NO_RECALL, type PartyIndex, type Statement } from '@ckm/threshold';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ChaosServer } from './chaos-server.js';
import { createObserver, type Observer } from './observer.js';
import { createSeeded } from './seeded.js';

const seeded = createSeeded('observer');
const alice = createIdentity(secret(seeded.bytes(32)));
const alphaIdentity = createIdentity(secret(seeded.bytes(32)));
/** A server as the observer knows it, that can lose something and be thawed. */
const alpha = { name: 'alpha', identity: () => alphaIdentity, setbacks: 0, thaws: 0, clock: () => 100 };
const keyId = seeded.bytes(32);
const requestId = seeded.bytes(32);

/** A server that answers what the test puts into its mouth. */
function say<F extends FunctionName>(
  observer: Observer,
  name: F,
  parameters: Parameters<F>,
  result: Result<F>,
  askedAt = observer.moment(),
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
  observer.see({
    server: alpha as unknown as ChaosServer,
    owner: alice,
    request: asked.bytes,
    reply: answered.bytes,
    askedAt,
  });
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
  askedAt?: number,
): void {
  const payload = new TextEncoder().encode(text);
  const commitments = [packCommitments([own, other])];
  const attempt = { craft: 'frost' as const, number: 1, signers: [1, 2], commitments };
  const asked = { requestId, keyId, epoch: 0, kind: 'message', payload, expiresAt: 2, attempt, wanted: null };
  const shares = [new Uint8Array(32).fill(share)];
  const answered = {
    requestId,
    state: 'answered' as const,
    sentence: text,
    reason: null,
    answer: { craft: 'frost' as const, shares },
    prepared: null,
  };
  say(observer, 'request.ask', asked, answered, askedAt);
}

function commit(observer: Observer, epoch: number, hash: number): void {
  const transcriptHash = new Uint8Array(32).fill(hash);
  const certificate = seeded.bytes(8);
  const result = { transcriptHash, acknowledgement: null, epoch, isEntered: true };
  say(observer, 'change.commit', { keyId, certificate }, result);
}

/** A share in the first epoch, for nonces of its own. */
function releaseOne(observer: Observer, askedAt?: number): void {
  const own = pair();
  publish(observer, [own]);
  release(observer, 'one', own, pair(), 1, askedAt);
}

function vote(observer: Observer, statement: Statement): void {
  const bytes = encodeStatement({ ...statement, signature: new Uint8Array(64) });
  const parameters = { keyId, epoch: 0, locks: seeded.bytes(8), signed: seeded.bytes(8) };
  say(observer, 'change.yield', parameters, { statement: bytes });
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

describe('the observer of a fault schedule, of keys that change', () => {
  let observer: Observer;
  beforeEach(() => {
    observer = createObserver();
    Object.assign(alpha, { setbacks: 0, thaws: 0 });
  });

  test('V33: sees two certificates of one epoch', () => {
    commit(observer, 1, 7);
    commit(observer, 2, 8);
    commit(observer, 1, 7);
    expect(observer.violations).toEqual([]);
    commit(observer, 1, 9);
    expect(observer.violations).toEqual(['alpha uses another certificate of epoch 1']);
    expect(observer.epochs()).toBe(2);
  });

  test('sees a share in an epoch that is over at its server', () => {
    commit(observer, 1, 7);
    releaseOne(observer);
    expect(observer.violations).toEqual(['alpha gives a share in epoch 0, after it went over to 1']);
  });

  test('has nothing against a share that was asked for before, or of a server that was put back since', () => {
    const askedAt = observer.moment();
    commit(observer, 1, 7);
    releaseOne(observer, askedAt);
    alpha.setbacks += 1;
    releaseOne(observer);
    expect(observer.violations).toEqual([]);
  });

  test('sees a share with a frozen key, until it is thawed', () => {
    const frozen = { id: seeded.bytes(32), until: 101, thawAskedAt: null };
    const asked = { keyId, id: frozen.id, from: 1, until: 101 };
    say(observer, 'key.freeze', asked, { frozen, leftSeconds: 1 });
    releaseOne(observer);
    expect(observer.violations).toEqual(['alpha gives a share with a key that is frozen there']);
    alpha.thaws += 1;
    releaseOne(observer);
    expect(observer.violations).toHaveLength(1);
  });

  const said = { slot: 1 as PartyIndex, mayFork: false };
  const [next, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

  test('V33: sees two locks in one attempt, and none where the same is said again', () => {
    vote(observer, { ...said, kind: 'lock', attempt: 1, next });
    vote(observer, { ...said, kind: 'lock', attempt: 1, next });
    vote(observer, { ...said, kind: 'lock', attempt: 2, next: other });
    expect(observer.violations).toEqual([]);
    vote(observer, { ...said, kind: 'lock', attempt: 2, next });
    expect(observer.violations).toEqual([expect.stringContaining('alpha says two things')]);
  });

  test('V33: sees a promise that forgets what its member gave way to', () => {
    const promise = { ...said, kind: 'promise' as const, orderHash: other, recall: NO_RECALL };
    vote(observer, { ...said, kind: 'yield', attempt: 1, next });
    vote(observer, { ...promise, attempt: 2, highest: { attempt: 1, next } });
    expect(observer.violations).toEqual([]);
    vote(observer, { ...promise, attempt: 3, highest: null });
    expect(observer.violations).toEqual([expect.stringContaining('promises without what it gave way to')]);
  });
});
