import { hashTasks, openSealedPartial, recipientOf, type RequestReply } from '@ckm/api';
import { reveal, secret, type Secret } from '@ckm/foundation';
import { buildDeriveRequest, encodeLabel, parseLabel, requestKind } from '@ckm/requests';
import { combineAnswers, derivedSecret, evaluationAt, type PartyIndex } from '@ckm/threshold';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createBareServers,
  type MadeKey,
  makeKey,
  messageOf,
  SOON,
  alice,
} from '../../sessions/test/bare-servers.js';
import { letIn } from '../../sessions/test/listed-device.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const asking = (label: string) => ({ kind: 'derive', payload: buildDeriveRequest(parseLabel(label)) });

async function deriveKey(of: number) {
  const { servers, callers } = await network.openMany(of);
  const made = await makeKey(callers, { purpose: 'derive', suite: 'ristretto255' });
  return { servers, callers, made };
}

/** A key of this attempt alone. */
function recipient() {
  const secretHalf = secret(new Uint8Array(randomBytes(32)));
  return { secretHalf, publicHalf: recipientOf(secretHalf) };
}

const attemptFor = (publicHalf: Uint8Array, number = 1) =>
  ({ craft: 'evaluation', number, points: 1, recipient: publicHalf }) as const;

/** What a server sealed, opened; null: not with this secret, or not for this. */
function opened(
  { keyId, certificateHash }: { keyId: Uint8Array; certificateHash: Uint8Array | undefined },
  made: MadeKey,
  slot: number,
  { requestId, label, number = 1 }: { requestId: Uint8Array; label: string; number?: number },
  to: { secretHalf: Secret<Uint8Array>; publicHalf: Uint8Array },
  { answer }: RequestReply,
): Uint8Array | null {
  if (answer?.craft !== 'evaluation') throw new Error('no answer');
  const context = { suite: made.key.suite, purpose: 'derive', public: made.key };
  const tasks = requestKind('derive').parse(asking(label).payload).tasks(context);
  const partial = openSealedPartial(
    to.secretHalf,
    {
      keyId,
      transcriptHash: certificateHash!,
      slot,
      requestId,
      tasksHash: hashTasks(tasks),
      attempt: number,
      recipient: to.publicHalf,
    },
    answer.sealed,
  );
  return partial === null ? null : reveal(partial, 'test').slice();
}

async function secretFor(
  { callers, made }: Awaited<ReturnType<typeof deriveKey>>,
  label: string,
  slots: readonly number[],
): Promise<string> {
  const { keyId } = made;
  const { transcriptHash: certificateHash } = (await callers[0]!.call('key.show', { keyId })).key;
  const requestId = new Uint8Array(randomBytes(32));
  const answers = [];
  for (const slot of slots) {
    const to = recipient();
    const reply = await made.signer.request(
      slot,
      { ...asking(label), requestId },
      { attempt: attemptFor(to.publicHalf) },
    );
    expect(reply.state).toBe('answered');
    const partial = opened({ keyId, certificateHash }, made, slot, { requestId, label }, to, reply);
    answers.push({ slot: slot as PartyIndex, partial: partial! });
  }
  const input = encodeLabel(parseLabel(label));
  const { results, wrong } = combineAnswers(made.key, evaluationAt(keyId, 'derive', [input]), answers);
  expect(wrong).toEqual([]);
  return Buffer.from(derivedSecret(keyId, input, results![0]!)).toString('hex');
}

describe('a secret for a label', () => {
  test('V56: is the same from every quorum of the servers, and another for another label', async () => {
    const key = await deriveKey(3);
    const first = await secretFor(key, 'backup/nas', [1, 2]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await secretFor(key, 'backup/nas', [2, 3])).toBe(first);
    expect(await secretFor(key, 'backup/nas', [3, 1])).toBe(first);
    expect(await secretFor(key, 'backup/nas2', [1, 2])).not.toBe(first);
  });

  test('is said to servers by its label, in the log of each, and the secret is in no row of theirs', async () => {
    const key = await deriveKey(2);
    await secretFor(key, 'backup/nas', [1, 2]);
    const { storage, audit } = key.servers[0]!.context;
    const lines = await storage.read((reader) => audit.list(reader, 1, 200));
    const line = lines.find(({ deed }) => deed === 'request.ask')!;
    expect(line).toMatchObject({ verdict: 'allowed', who: alice.xid });
    expect(line.sentence).toContain('“backup/nas”');
    expect(line.detail).toBe('derive, attempt 1 with one recipient: sealed');
  });

  test('V59, S7: whoever carries and keeps all messages opens none, and each is for one attempt of one request', async () => {
    const { callers, made } = await deriveKey(2);
    const { keyId } = made;
    const { transcriptHash: certificateHash } = (await callers[0]!.call('key.show', { keyId })).key;
    const of = { keyId, certificateHash };
    const requestId = new Uint8Array(randomBytes(32));
    const to = recipient();
    const ask = { ...asking('backup/nas'), requestId };
    const reply = await made.signer.request(1, ask, { attempt: attemptFor(to.publicHalf) });
    const about = { requestId, label: 'backup/nas' };
    expect(opened(of, made, 1, about, to, reply)).toHaveLength(96);
    expect(opened(of, made, 2, about, to, reply)).toBeNull();
    expect(opened(of, made, 1, { ...about, label: 'backup' }, to, reply)).toBeNull();
    expect(opened(of, made, 1, { ...about, number: 2 }, to, reply)).toBeNull();
    expect(opened(of, made, 1, { ...about, requestId: randomBytes(32) }, to, reply)).toBeNull();
    expect(opened(of, made, 1, about, { ...to, secretHalf: recipient().secretHalf }, reply)).toBeNull();
  });

  test('the same attempt gets the same answer, also after a restart; another recipient takes another attempt', async () => {
    const { servers, made } = await deriveKey(2);
    const ask = { ...asking('backup/nas'), requestId: new Uint8Array(randomBytes(32)) };
    const attempt = attemptFor(recipient().publicHalf);
    const first = await made.signer.request(1, ask, { attempt });
    expect(await made.signer.request(1, ask, { attempt })).toEqual(first);
    await expect(
      made.signer.request(1, ask, { attempt: attemptFor(recipient().publicHalf) }),
    ).rejects.toThrow(code('ATTEMPT_DIFFERS'));
    const other = await made.signer.request(1, ask, { attempt: attemptFor(recipient().publicHalf, 2) });
    expect(other.answer).not.toEqual(first.answer);
    await network.restart(servers[0]!);
  });

  test('a recipient of small order is answered with nothing', async () => {
    const { made } = await deriveKey(2);
    const reply = await made.signer
      .request(1, asking('a'), { attempt: attemptFor(new Uint8Array(32)) })
      .catch((error: unknown) => error);
    expect(reply).toMatchObject({ code: 'SEALING_KEY_INVALID' });
  });
});

describe('one key, one use', () => {
  test('V16: a key for labels signs nothing, and a key that signs derives nothing', async () => {
    const { callers, made } = await deriveKey(2);
    await expect(
      made.signer.request(1, messageOf('hello'), { wanted: { craft: 'frost', commitments: 1 } }),
    ).rejects.toThrow(code('REQUEST_KIND_NOT_FOR_KEY'));
    const signing = await makeKey(callers);
    await expect(
      signing.signer.request(1, asking('a'), { attempt: attemptFor(recipient().publicHalf) }),
    ).rejects.toThrow(code('REQUEST_KIND_NOT_FOR_KEY'));
  });

  test('an attempt of the other craft is refused, whichever it is', async () => {
    const { callers, made } = await deriveKey(2);
    const signing = await makeKey(callers);
    const frost = await signing.signer.prepare([1, 2]);
    await expect(made.signer.request(1, asking('a'), { attempt: frost })).rejects.toThrow(
      code('ATTEMPT_INVALID'),
    );
    await expect(
      signing.signer.request(1, messageOf('hello'), { attempt: attemptFor(recipient().publicHalf) }),
    ).rejects.toThrow(code('ATTEMPT_INVALID'));
  });

  test('another device of the account has no part in a secret that was granted to the one that asked', async () => {
    const { servers, made } = await deriveKey(2);
    const laptop = await letIn(servers[0]!, alice, 101);
    const stolen = await letIn(servers[0]!, alice, 102);
    const ask = {
      ...asking('wallet/seed'),
      requestId: new Uint8Array(randomBytes(32)),
      keyId: made.keyId,
      epoch: 0,
      expiresAt: SOON,
      wanted: null,
    };
    const attempt = (number: number) => attemptFor(recipient().publicHalf, number);
    const first = await laptop.caller.call('request.ask', { ...ask, attempt: attempt(1) });
    expect(first.state).toBe('answered');
    await expect(stolen.caller.call('request.ask', { ...ask, attempt: attempt(2) })).rejects.toThrow(
      code('REQUEST_DIFFERS'),
    );
    expect((await laptop.caller.call('request.ask', { ...ask, attempt: attempt(3) })).state).toBe('answered');
  });
});
