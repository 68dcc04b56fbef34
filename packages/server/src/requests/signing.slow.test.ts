import {
  type FrostAttempt,
  type RequestReply,
  sharesIn,
  commitmentsIn,
  packCommitments,
  unpackCommitments,
} from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildGitRequest, buildMessageRequest, buildSshSigRequest, purposeKinds } from '@ckm/requests';
import { OutScript, Transaction } from '@scure/btc-signer';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import {
  alice,
  createBareServers,
  makeKey,
  mallory,
  messageOf,
  SOON,
} from '../sessions/test/bare-servers.js';
import { TEST_TIME, type BareServer } from '../sessions/test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
/** The commitments of the one task of an attempt. */
const pairsOf = ({ commitments, signers }: FrostAttempt) =>
  unpackCommitments(commitments[0]!, signers.length)!;
const fresh = (byte: number) => new Uint8Array(32).fill(byte);

async function auditOf({ context }: BareServer) {
  const { storage, audit } = context;
  const lines = await storage.read((reader) => audit.list(reader, 1, 200));
  return lines.filter(({ deed }) => /^(request|operator)/.test(deed));
}

describe('signing', () => {
  test('a warm client gets its shares in one message to each server, with fresh commitments in the same reply', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const replies = await Promise.all(
      [1, 2].map((slot) =>
        signer.request(slot, ask, { attempt, wanted: { craft: 'frost', commitments: 3 } }),
      ),
    );
    expect(
      replies.map((reply) => [reply.state, sharesIn(reply).length, commitmentsIn(reply).length]),
    ).toEqual([
      ['answered', 1, 3],
      ['answered', 1, 3],
    ]);
    expect(replies[0]!.sentence).toContain('hello');
    expect(signer.combine(ask, attempt, replies).map(({ kind }) => kind)).toEqual(['signature']);
  });

  test('a cold client asks first: ready, with commitments; the same request is then attempted', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const pools = await Promise.all(
      [2, 3].map((slot) => signer.request(slot, ask, { wanted: { craft: 'frost', commitments: 1 } })),
    );
    expect(pools.map(({ state }) => state)).toEqual(['ready', 'ready']);
    const attempt = {
      craft: 'frost' as const,
      number: 1,
      signers: [2, 3],
      commitments: [packCommitments(pools.map((reply) => commitmentsIn(reply)[0]!))],
    };
    const replies = await Promise.all([2, 3].map((slot) => signer.request(slot, ask, { attempt })));
    expect(signer.combine(ask, attempt, replies).map(({ kind }) => kind)).toEqual(['signature']);
  });

  test('an attempt delivered again gets the stored shares, also after a restart', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const first = await signer.request(1, ask, { attempt });
    expect(await signer.request(1, ask, { attempt })).toEqual(first);
    const caller = await (await network.restart(servers[0]!)).as(alice);
    const { keyId, key } = await reuse(signer, caller);
    expect(key).toBeDefined();
    const again = await caller.call('request.ask', {
      ...ask,
      keyId,
      expiresAt: SOON,
      attempt,
      epoch: 0,
      wanted: null,
    });
    expect(again).toEqual(first);
  });

  test('the audit log holds the sentence, the kind, the verdict and who asked; nothing that was signed', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    await signer.request(1, { ...messageOf('hello'), requestId: fresh(1) }, { attempt });
    const [line, ...more] = await auditOf(servers[0]!);
    expect(more).toEqual([]);
    expect(line).toEqual(
      expect.objectContaining({
        deed: 'request.ask',
        verdict: 'allowed',
        who: alice.xid,
        subject: fresh(1),
      }),
    );
    expect(line!.detail).toBe('message, attempt 1 with slots 1 2: shares 1');
    expect(line!.sentence).toContain('hello');
  });
});

/** The key id behind a signer, by way of any server that has it. */
async function reuse(_signer: unknown, caller: Awaited<ReturnType<BareServer['as']>>) {
  const { keys } = await caller.call('key.list', { after: null });
  return { keyId: keys[0]!.keyId, key: keys[0] };
}

describe('V34: one commitment, one share', () => {
  test('the same commitment for another message is stale, and so is it ever after', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    expect((await signer.request(1, messageOf('one'), { attempt })).state).toBe('answered');
    for (const text of ['two', 'three', 'one']) {
      const reply = await signer.request(1, messageOf(text), {
        attempt,
        wanted: { craft: 'frost', commitments: 1 },
      });
      expect([reply.state, sharesIn(reply), commitmentsIn(reply).length]).toEqual(['stale', [], 1]);
    }
  });

  test('the same commitment with another signer or another partner commitment is stale', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const other = await signer.prepare([2, 3]);
    expect((await signer.request(1, messageOf('one'), { attempt })).state).toBe('answered');
    const [own] = pairsOf(attempt);
    const partners = pairsOf(other);
    const swapped = {
      craft: 'frost' as const,
      number: 1,
      signers: [1, 2],
      commitments: [packCommitments([own!, partners[0]!])],
    };
    const widened = {
      craft: 'frost' as const,
      number: 1,
      signers: [1, 2, 3],
      commitments: [packCommitments([own!, ...partners])],
    };
    for (const again of [swapped, widened]) {
      expect((await signer.request(1, messageOf('one'), { attempt: again })).state).toBe('stale');
    }
  });

  test('of a hundred messages that ask for the same commitment at once, one gets a share', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => signer.request(1, messageOf(`number ${i}`), { attempt })),
    );
    expect(replies.filter(({ state }) => state === 'answered').length).toBe(1);
    expect(replies.filter((reply) => sharesIn(reply).length > 0).length).toBe(1);
  });

  test('an attempt under a known number with another package is refused, and its commitment stays good', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const [first, second] = [await signer.prepare([1, 2]), await signer.prepare([1, 2])];
    const stored = await signer.request(1, ask, { attempt: first });
    await expect(signer.request(1, ask, { attempt: second })).rejects.toThrow(code('ATTEMPT_DIFFERS'));
    expect(await signer.request(1, ask, { attempt: first })).toEqual(stored);
    expect((await signer.request(1, ask, { attempt: { ...second, number: 2 } })).state).toBe('answered');
  });

  test('a restart voids what was published before', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const caller = await (await network.restart(servers[0]!)).as(alice);
    const { keyId } = await reuse(signer, caller);
    const ask = { requestId: fresh(1), keyId, ...messageOf('hello'), expiresAt: SOON };
    const reply = await caller.call('request.ask', {
      ...ask,
      epoch: 0,
      attempt,
      wanted: { craft: 'frost', commitments: 1 },
    });
    expect([reply.state, sharesIn(reply), commitmentsIn(reply).length]).toEqual(['stale', [], 1]);
  });
});

describe('V37: a coordinator who changes commitments', () => {
  test('gets nothing for a commitment that this server did not make', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const [[mine], [theirs]] = [await signer.pool(1, 1), await signer.pool(2, 1)];
    const pairs = [
      theirs!,
      { hiding: mine!.hiding, binding: theirs!.binding },
      { hiding: theirs!.hiding, binding: mine!.binding },
      { hiding: mine!.binding, binding: mine!.hiding },
      { hiding: new Uint8Array(32), binding: new Uint8Array(32) },
      { hiding: mine!.hiding, binding: new Uint8Array(32).fill(0xff) },
    ];
    for (const pair of pairs) {
      const attempt = {
        craft: 'frost' as const,
        number: 1,
        signers: [1, 2],
        commitments: [packCommitments([pair, theirs!])],
      };
      expect((await signer.request(1, messageOf('x'), { attempt })).state).toBe('stale');
    }
    const attempt = {
      craft: 'frost' as const,
      number: 1,
      signers: [1, 2],
      commitments: [packCommitments([mine!, theirs!])],
    };
    expect((await signer.request(1, messageOf('x'), { attempt })).state).toBe('answered');
  });

  test.each([
    ['the identity', Uint8Array.of(1, ...new Uint8Array(31))],
    ['a point of small order', new Uint8Array(32)],
    ['no point at all', new Uint8Array(32).fill(0xff)],
  ])(
    'who puts %s in the place of another commitment costs this server one nonce, and it says whose it was',
    async (_, hiding) => {
      const { callers } = await network.openMany(3);
      const { signer } = await makeKey(callers);
      const good = await signer.prepare([1, 2]);
      const [mine, theirs] = pairsOf(good);
      const attempt: FrostAttempt = {
        ...good,
        commitments: [packCommitments([mine!, { ...theirs!, hiding }])],
      };
      const ask = { ...messageOf('x'), requestId: fresh(1) };
      const refused = expect.objectContaining({
        code: 'COMMITMENT_INVALID',
        facts: { culprits: [2] },
      }) as Error;
      await expect(signer.request(1, ask, { attempt })).rejects.toThrow(refused);
      // Delivered again, the same answer; with what was right about it, nothing: N10.
      await expect(signer.request(1, ask, { attempt })).rejects.toThrow(refused);
      expect((await signer.request(1, ask, { attempt: { ...good, number: 2 } })).state).toBe('stale');
      const next = await signer.prepare([1, 3], 1, 3);
      expect((await signer.request(1, ask, { attempt: next })).state).toBe('answered');
    },
  );
});

describe('V39: who signs', () => {
  test.each([
    ['too few', (attempt: FrostAttempt) => pick(attempt, [0, 1]), 3],
    ['a slot that does not exist', (attempt: FrostAttempt) => rename(attempt, [1, 2, 4]), 2],
    ['the same slot twice', (attempt: FrostAttempt) => rename(attempt, [1, 2, 2]), 2],
    ['slots out of order', (attempt: FrostAttempt) => rename(attempt, [2, 1, 3]), 2],
    ['everybody but this server', (attempt: FrostAttempt) => pick(attempt, [1, 2]), 2],
    [
      'a commitment too few',
      (attempt: FrostAttempt) => ({ ...attempt, commitments: [packCommitments(pairsOf(attempt).slice(1))] }),
      2,
    ],
    [
      'a commitment too many',
      (attempt: FrostAttempt) => ({
        ...attempt,
        commitments: [packCommitments([...pairsOf(attempt), pairsOf(attempt)[0]!])],
      }),
      2,
    ],
    [
      'a task too many',
      ({ commitments, ...rest }: FrostAttempt) => ({
        ...rest,
        commitments: [...commitments, ...commitments],
      }),
      2,
    ],
  ])('an attempt with %s is refused, and costs no nonce', async (_, change, needed) => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers, { needed });
    const attempt = await signer.prepare([1, 2, 3]);
    await expect(signer.request(1, messageOf('x'), { attempt: change(attempt) })).rejects.toThrow(
      code('ATTEMPT_INVALID'),
    );
    expect((await signer.request(1, messageOf('x'), { attempt })).state).toBe('answered');
  });

  function pick(attempt: FrostAttempt, places: readonly number[]): FrostAttempt {
    const chosen = <T>(list: readonly T[]) => places.map((place) => list[place]!);
    const commitments = [packCommitments(chosen(pairsOf(attempt)))];
    return { ...attempt, signers: chosen(attempt.signers), commitments };
  }

  function rename(attempt: FrostAttempt, signers: number[]): FrostAttempt {
    return { ...attempt, signers };
  }
});

describe('V50: one request, one meaning', () => {
  test.each([
    ['another message', (ask: object) => ({ ...ask, ...messageOf('pay mallory') })],
    ['another expiry', (ask: object) => ({ ...ask, expiresAt: SOON + 1 })],
    ['another key', (ask: object) => ({ ...ask, keyId: fresh(9) })],
  ])('a known request id with %s is refused, before and after a share', async (_, change) => {
    const { callers } = await network.openMany(2);
    const { signer, keyId } = await makeKey(callers);
    const ask = {
      requestId: fresh(1),
      keyId,
      ...messageOf('hello'),
      expiresAt: SOON,
      epoch: 0,
      wanted: null,
    };
    const refused = expect.objectContaining({
      code: expect.stringMatching(/REQUEST_DIFFERS|KEY_UNKNOWN/) as string,
    }) as Error;
    expect((await callers[0]!.call('request.ask', { ...ask, attempt: null })).state).toBe('ready');
    await expect(callers[0]!.call('request.ask', { ...change(ask), attempt: null } as never)).rejects.toThrow(
      refused,
    );
    const attempt = await signer.prepare([1, 2]);
    await expect(callers[0]!.call('request.ask', { ...change(ask), attempt } as never)).rejects.toThrow(
      refused,
    );
    expect((await callers[0]!.call('request.ask', { ...ask, attempt })).state).toBe('answered');
    await expect(callers[0]!.call('request.ask', { ...change(ask), attempt } as never)).rejects.toThrow(
      refused,
    );
  });

  test('the same id of another account is another request', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const strangers = await Promise.all(servers.map((server) => server.as(mallory)));
    const theirs = await makeKey(strangers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const other = { ...messageOf('another'), requestId: fresh(1) };
    expect((await signer.request(1, ask, {})).state).toBe('ready');
    expect((await theirs.signer.request(1, other, {})).state).toBe('ready');
  });

  test('nobody signs with a key of somebody else', async () => {
    const { servers, callers } = await network.openMany(2);
    const { keyId, signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const stranger = await servers[0]!.as(mallory);
    const ask = {
      requestId: fresh(1),
      keyId,
      ...messageOf('x'),
      expiresAt: SOON,
      attempt,
      epoch: 0,
      wanted: null,
    };
    await expect(stranger.call('request.ask', ask)).rejects.toThrow(code('KEY_UNKNOWN'));
    expect((await signer.request(1, messageOf('x'), { attempt })).state).toBe('answered');
  });
});

describe('V16: purposes', () => {
  const commit = `tree ${'ab'.repeat(20)}\nauthor A <a@b.c> 1700000000 +0000\ncommitter A <a@b.c> 1700000000 +0000\n\nhello\n`;
  const payloads: Readonly<Record<string, Uint8Array>> = {
    message: buildMessageRequest({ domain: 'test', bytes: encodeUtf8('hello') }),
    ssh: buildSshSigRequest({ namespace: 'file', message: encodeUtf8('hello') }),
    git: buildGitRequest(encodeUtf8(commit)),
    bitcoin: psbt(),
  };
  const purposes = { message: 'ed25519', ssh: 'ed25519', git: 'ed25519', bitcoin: 'secp256k1-tr' } as const;

  for (const [purpose, suite] of Object.entries(purposes)) {
    test(`a key for ${purpose} answers to requests of its own kind only`, async () => {
      const { callers } = await network.openMany(2);
      const { signer, keyId } = await makeKey(callers, { purpose, suite });
      for (const [kind, payload] of Object.entries(payloads)) {
        const attempt = await signer.prepare([1, 2]);
        const ask = {
          requestId: new Uint8Array(randomBytes(32)),
          keyId,
          kind,
          payload,
          expiresAt: SOON,
        };
        const asked = callers[0]!.call('request.ask', { ...ask, attempt, epoch: 0, wanted: null });
        if (kind === purpose && kind !== 'bitcoin') expect((await asked).state).toBe('answered');
        else if (kind === purpose) await expect(asked).rejects.toThrow(code('PSBT_NO_INPUT_OF_KEY'));
        else {
          // An SSH key may answer to git as well, but the policy of this one does not say so.
          const possible: readonly string[] = purposeKinds(purpose);
          const refused = possible.includes(kind) ? 'POLICY_KIND' : 'REQUEST_KIND_NOT_FOR_KEY';
          await expect(asked).rejects.toThrow(code(refused));
        }
      }
    });
  }

  test('a kind nobody knows is refused', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const asked = signer.request(1, { kind: 'constructor', payload: new Uint8Array(0) }, {});
    await expect(asked).rejects.toThrow(code('REQUEST_KIND_UNKNOWN'));
  });

  test.each(Object.keys(purposes))(
    'a key for %s cannot be made with a policy for other kinds',
    async (purpose) => {
      const { callers } = await network.openMany(2);
      const suite = purposes[purpose as keyof typeof purposes];
      const possible: readonly string[] = purposeKinds(purpose);
      const others = Object.keys(purposes).filter((kind) => !possible.includes(kind));
      for (const kind of others) {
        const made = makeKey(callers, { purpose, suite, policy: { kinds: [purpose, kind] } });
        await expect(made).rejects.toThrow(code('KIND_NOT_FOR_PURPOSE'));
      }
    },
  );

  function psbt(): Uint8Array {
    const script = OutScript.encode({ type: 'tr', pubkey: new Uint8Array(32).fill(2) });
    const transaction = new Transaction();
    transaction.addInput({ txid: 'ab'.repeat(32), index: 0, witnessUtxo: { script, amount: 1000n } });
    transaction.addOutput({ script, amount: 900n });
    return transaction.toPSBT();
  }
});

describe('policy', () => {
  test('a request that its operator rejected counts for the rate: nobody is asked until tired of saying no', async () => {
    const { servers, callers } = await network.openMany(2);
    const rateLimit = { count: 1, perSeconds: 60 };
    const { signer } = await makeKey(callers, { policy: { rateLimit, approval: 'operator' } });
    await signer.request(1, { ...messageOf('one'), requestId: fresh(1) }, {});
    await servers[0]!.sessions.desk.reject(fresh(1), 'no');
    await expect(signer.request(1, messageOf('one'), {})).rejects.toThrow(code('POLICY_RATE'));
  });

  test('a request over the rate is refused with 429, and the refusal is written down', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy: { rateLimit: { count: 2, perSeconds: 60 } } });
    await signer.request(1, messageOf('one'), {});
    await signer.request(1, messageOf('two'), {});
    const attempt = await signer.prepare([1, 2]);
    await expect(signer.request(1, messageOf('three'), { attempt })).rejects.toThrow(
      expect.objectContaining({ code: 'POLICY_RATE', httpStatus: 429 }),
    );
    expect((await auditOf(servers[0]!)).map(({ verdict }) => verdict)).toEqual([
      'allowed',
      'allowed',
      'refused',
    ]);
  });

  test('V68: an expired request gives nothing, whatever it had', async () => {
    let now = TEST_TIME;
    const { callers } = await network.openMany(2, { now: () => now });
    const { signer } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const attempt = await signer.prepare([1, 2]);
    await signer.request(1, ask, { attempt });
    now = SOON;
    for (const again of [attempt, { ...attempt, number: 2 }, null]) {
      const reply = await signer.request(1, ask, {
        attempt: again,
        wanted: { craft: 'frost', commitments: 1 },
      });
      expect([reply.state, sharesIn(reply), commitmentsIn(reply)]).toEqual(['expired', [], []]);
    }
    await expect(signer.request(1, messageOf('new'), {})).rejects.toThrow(code('EXPIRY_PASSED'));
  });

  test('a request that lives too long is refused', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const asked = signer.request(1, messageOf('x'), { expiresAt: TEST_TIME + 3_153_600_000 });
    await expect(asked).rejects.toThrow(code('EXPIRY_TOO_FAR'));
  });

  test('a cancelled request gives nothing any more', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const attempt = await signer.prepare([1, 2]);
    await signer.request(1, ask, { attempt });
    const reply = await callers[0]!.call('request.cancel', { requestId: fresh(1), reason: 'no' });
    expect([reply.state, reply.reason]).toEqual(['cancelled', 'no']);
    const again = await signer.request(1, ask, { attempt });
    expect([again.state, sharesIn(again)]).toEqual(['cancelled', []]);
    expect(await callers[0]!.call('request.cancel', { requestId: fresh(1), reason: 'again' })).toEqual(reply);
    await expect(callers[0]!.call('request.cancel', { requestId: fresh(2), reason: '' })).rejects.toThrow(
      code('REQUEST_UNKNOWN'),
    );
  });
});

describe('requests that wait for the operator', () => {
  const policy = { approval: 'operator' } as const;

  test('wait without giving anything, are listed, and are answered once somebody said yes', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    const { desk } = servers[0]!.sessions;
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const attempt = await signer.prepare([1, 2]);
    for (let i = 0; i < 2; i++) {
      const reply = await signer.request(1, ask, { attempt, wanted: { craft: 'frost', commitments: 1 } });
      expect([reply.state, sharesIn(reply), commitmentsIn(reply)]).toEqual(['waiting', [], []]);
    }
    const [listed, ...more] = await desk.list();
    expect(more).toEqual([]);
    expect(listed).toEqual(
      expect.objectContaining({ requestId: fresh(1), kind: 'message', owner: alice.xid }),
    );
    expect(listed!.sentence).toContain('hello');
    await desk.approve(fresh(1));
    expect(await desk.list()).toEqual([]);
    expect((await signer.request(1, ask, { attempt })).state).toBe('answered');
    await expect(desk.approve(fresh(1))).rejects.toThrow(code('REQUEST_NOT_WAITING'));
    expect(
      (await auditOf(servers[0]!)).map(({ deed, verdict, who }) => [deed, verdict, who === null]),
    ).toEqual([
      ['request.ask', 'asked', false],
      ['operator.approve', 'approved', true],
      ['request.attempt', 'allowed', false],
    ]);
  });

  test('a no reaches the requester with its reason, and is final', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    const { desk } = servers[0]!.sessions;
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    await signer.request(1, ask, {});
    await expect(desk.reject(fresh(1), 'ring\u0007the bell')).rejects.toThrow(code('REASON_INVALID'));
    await expect(desk.reject(fresh(1), '')).rejects.toThrow(code('REASON_INVALID'));
    await desk.reject(fresh(1), 'not today');
    const attempt = await signer.prepare([1, 2]);
    for (const given of [null, attempt]) {
      const reply = await signer.request(1, ask, { attempt: given });
      expect([reply.state, reply.reason, sharesIn(reply)]).toEqual(['rejected', 'not today', []]);
    }
    await expect(desk.approve(fresh(1))).rejects.toThrow(code('REQUEST_NOT_WAITING'));
    await expect(desk.approve(fresh(2))).rejects.toThrow(code('REQUEST_UNKNOWN'));
  });

  test('V70: nobody keeps another’s request away by waiting under its id, nor is given its answer', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers, { policy });
    const theirs = await makeKey(await Promise.all(servers.map((server) => server.as(mallory))), { policy });
    const { desk } = servers[0]!.sessions;
    const copy = { ...messageOf('hello'), requestId: fresh(1) };
    expect((await theirs.signer.request(1, copy, {})).state).toBe('waiting');
    expect((await signer.request(1, copy, {})).state).toBe('waiting');
    await expect(desk.approve(fresh(1))).rejects.toThrow(code('REQUEST_AMBIGUOUS'));
    await expect(desk.reject(fresh(1), 'whose')).rejects.toThrow(code('REQUEST_AMBIGUOUS'));
    await desk.approve(fresh(1), { owner: alice.xid });
    expect((await theirs.signer.request(1, copy, {})).state).toBe('waiting');
    expect((await signer.request(1, copy, {})).state).toBe('ready');
    await desk.reject(fresh(1), 'not you', mallory.xid);
    expect((await theirs.signer.request(1, copy, {})).state).toBe('rejected');
  });

  test('a request that nobody answered in time expires', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const { signer } = await makeKey(callers, { policy });
    for (const id of [1, 2]) await signer.request(1, { ...messageOf('hello'), requestId: fresh(id) }, {});
    now = SOON;
    await expect(servers[0]!.sessions.desk.approve(fresh(1))).rejects.toThrow(code('REQUEST_NOT_WAITING'));
    expect(await servers[0]!.sessions.desk.list()).toEqual([]);
    await servers[0]!.sessions.sweep();
    expect((await signer.request(1, { ...messageOf('hello'), requestId: fresh(2) }, {})).state).toBe(
      'expired',
    );
    expect((await auditOf(servers[0]!)).map(({ deed }) => deed)).toEqual([
      'request.ask',
      'request.ask',
      'request.expired',
      'request.expired',
    ]);
  });

  test('a request that policy had let through waits when the operator has become stricter since', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer, keyId } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    expect((await signer.request(1, ask, {})).state).toBe('ready');
    const { context, sessions } = servers[0]!;
    const tighten = (change: Partial<typeof NO_TIGHTENING>) =>
      context.storage.transact(async (transaction) => {
        const held = await transaction.keys.hold(alice.xid, keyId);
        const after = { ...NO_TIGHTENING, ...change };
        const stored = await storeTightening(context.vault, transaction, held!, after);
        await sessions.noteTightened(transaction, held!, stored);
      });
    await tighten({ approval: 'operator' });
    const attempt = await signer.prepare([1, 2]);
    expect((await signer.request(1, ask, { attempt })).state).toBe('waiting');
    await sessions.desk.approve(fresh(1));
    await tighten({ kinds: ['ssh'] });
    await expect(signer.request(1, ask, { attempt })).rejects.toThrow(code('POLICY_KIND'));
    await tighten({});
    expect((await signer.request(1, ask, { attempt })).state).toBe('answered');
  });
});

describe('V70: nobody is locked out', () => {
  test('a client that lost every commitment it was given is given more', async () => {
    const { callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    let replies = 0;
    for (let i = 0; i < 20; i++) replies += (await signer.pool(1, 512)).length;
    expect(replies).toBeLessThan(512 + 20 * 8 + 1);
    expect((await signer.pool(1, 1)).length).toBe(1);
    expect((await signer.sign(messageOf('still here'), [1, 2])).length).toBe(64);
  });

  test('what one account wastes does not void what another one holds', async () => {
    const { servers, callers } = await network.openMany(2);
    const { signer } = await makeKey(callers);
    const theirs = await makeKey(await Promise.all(servers.map((server) => server.as(mallory))));
    const attempt = await signer.prepare([1, 2]);
    for (let i = 0; i < 10; i++) await theirs.signer.pool(1, 512);
    expect((await signer.request(1, messageOf('mine'), { attempt })).state).toBe('answered');
  });

  test('a request that was answered with stale can always be attempted with what came with it', async () => {
    const { callers } = await network.openMany(3);
    const { signer } = await makeKey(callers);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    const old = await signer.prepare([1, 2]);
    await signer.request(1, messageOf('other'), { attempt: old });
    const stale: RequestReply = await signer.request(1, ask, {
      attempt: old,
      wanted: { craft: 'frost', commitments: 1 },
    });
    const attempt = {
      ...old,
      number: 2,
      commitments: [packCommitments([commitmentsIn(stale)[0]!, pairsOf(old)[1]!])],
    };
    const replies = await Promise.all([1, 2].map((slot) => signer.request(slot, ask, { attempt })));
    expect(signer.combine(ask, attempt, replies).map(({ kind }) => kind)).toEqual(['signature']);
  });
});
