import type { KeyPolicy } from '@ckm/api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OperatorPolicy } from '../config/config.js';
import { NOON, openRooms, type Rooms } from '../test/rooms.js';
import { createPolicy } from './create-policy.js';
import { effectivePolicy, type Tightening } from './effective.js';
import type { RequestFacts, Verdict } from './policy.js';
import { NO_TIGHTENING, storeTightening } from './tightening.js';

const alice = new Uint8Array(32).fill(0xa1);
const keyId = new Uint8Array(32).fill(2);

const owned: KeyPolicy = {
  kinds: ['bitcoin', 'message'],
  rateLimit: { count: 3, perSeconds: 100 },
  expiresAt: NOON + 1_000,
  blindAllowed: true,
  approval: 'automatic',
};
const LAX: OperatorPolicy = {
  kinds: null,
  rateLimit: null,
  blindAllowed: true,
  approval: 'automatic',
  changeDelay: 0,
};
const facts: RequestFacts = {
  owner: alice,
  keyId,
  tightened: 0,
  counting: null,
  kind: 'bitcoin',
  blind: false,
  expiresAt: NOON + 60,
  now: NOON,
  facts: {},
  said: null,
};

let rooms: Rooms;
beforeEach(async () => {
  rooms = await openRooms();
  await rooms.storage.transact(async ({ accounts, keys }) => {
    const sealed = new Uint8Array(60);
    await accounts.insert({ xid: alice, status: 'active', version: 1, openedAt: 0, sealed });
    await keys.insert({ owner: alice, keyId, state: 'active', epoch: 0, version: 1, createdAt: 0, sealed });
  });
});
afterEach(() => rooms.close());

function decide(
  operator: Partial<OperatorPolicy> = {},
  change: Partial<RequestFacts> = {},
): Promise<Verdict> {
  const policy = createPolicy({ vault: rooms.vault, operator: { ...LAX, ...operator } });
  return rooms.storage.transact((transaction) => policy.decide(transaction, owned, { ...facts, ...change }));
}

async function addRequest(number: number, createdAt: number): Promise<void> {
  await rooms.storage.transact(({ requests }) =>
    requests.insert({
      owner: alice,
      requestId: new Uint8Array(32).fill(number),
      keyId,
      state: 'signed',
      waiting: false,
      version: 1,
      createdAt,
      expiresAt: createdAt + 60,
      sealed: new Uint8Array(60),
    }),
  );
}

const refused = (code: string) => ({ verdict: 'refuse', error: { errorClass: 'PolicyError', code } });

describe('the owner’s policy', () => {
  test('allows what it names and refuses every other kind', async () => {
    expect(await decide()).toMatchObject({
      verdict: 'allow',
      policy: expect.stringMatching(/^policy [0-9a-f]{8}$/),
    });
    expect(await decide({}, { kind: 'ssh' })).toMatchObject(refused('POLICY_KIND'));
    expect(await decide({}, { kind: '__proto__' })).toMatchObject(refused('POLICY_KIND'));
  });

  test('V68: time only takes away: a key or a request that has expired is refused, to the second', async () => {
    expect(await decide({}, { now: NOON + 999, expiresAt: NOON + 2_000 })).toMatchObject({
      verdict: 'allow',
    });
    expect(await decide({}, { now: NOON + 1_000, expiresAt: NOON + 2_000 })).toMatchObject(
      refused('POLICY_KEY_EXPIRED'),
    );
    expect(await decide({}, { expiresAt: NOON })).toMatchObject(refused('POLICY_REQUEST_EXPIRED'));
  });

  test('counts durable requests within its window, and answers again when the window has passed', async () => {
    for (const number of [1, 2]) await addRequest(number, NOON - 50);
    await addRequest(3, NOON - 100);
    expect(await decide()).toMatchObject({ verdict: 'allow' });
    await addRequest(4, NOON);
    expect(await decide()).toMatchObject({
      verdict: 'refuse',
      error: { code: 'POLICY_RATE', httpStatus: 429, retryable: true, facts: { count: 3, perSeconds: 100 } },
    });
    expect(await decide({}, { now: NOON + 50, expiresAt: NOON + 99 })).toMatchObject({ verdict: 'allow' });
  });

  test('V68: a clock that is set back does not empty the window', async () => {
    for (const number of [1, 2, 3]) await addRequest(number, NOON);
    expect(await decide({}, { now: NOON - 5_000 })).toMatchObject(refused('POLICY_RATE'));
  });
});

describe('the operator', () => {
  test('can take kinds, blind signing and automatic answers away', async () => {
    expect(await decide({ kinds: ['message', 'ssh'] })).toMatchObject(refused('POLICY_KIND'));
    expect(await decide({ blindAllowed: false }, { blind: true })).toMatchObject(refused('POLICY_BLIND'));
    expect(await decide({ approval: 'operator' })).toMatchObject({ verdict: 'ask' });
  });

  test('is named in the verdict by what the whole server takes away, and only when it does', async () => {
    const nameOf = async (operator: Partial<OperatorPolicy>) => (await decide(operator)).policy;
    const strict = { approval: 'operator', kinds: ['message', 'bitcoin'] } as const;
    const plain = await nameOf({});
    const asked = await nameOf(strict);
    expect(asked).toMatch(new RegExp(`^${plain} server [0-9a-f]{8}$`));
    expect(await nameOf({ ...strict, kinds: ['bitcoin', 'message'] })).toBe(asked);
    const others = [{ approval: 'operator' }, { ...strict, blindAllowed: false }] as const;
    for (const other of others) expect(await nameOf(other)).not.toBe(asked);
    const limited = await nameOf({ rateLimit: { count: 100, perSeconds: 60 } });
    expect(limited).toMatch(/ server [0-9a-f]{8}$/);
    const { policy } = createPolicy({
      vault: rooms.vault,
      operator: { ...LAX, ...strict },
    }).acceptKey(owned, 'ed25519', 'message', NOON);
    expect(policy).toBe(asked);
  });

  test('cannot add a kind that the owner did not name', async () => {
    expect(await decide({ kinds: ['ssh'] }, { kind: 'ssh' })).toMatchObject(refused('POLICY_KIND'));
  });

  test('tightens one key, and its certified policy still holds beneath', async () => {
    const tighten = (tightening: Partial<Tightening>) =>
      rooms.storage.transact((transaction) =>
        storeTightening(
          rooms.vault,
          transaction,
          { owner: alice, keyId },
          { ...NO_TIGHTENING, ...tightening },
        ),
      );
    await tighten({ approval: 'operator', kinds: ['bitcoin', 'ssh'] });
    expect(await decide({}, { tightened: 1 })).toMatchObject({
      verdict: 'ask',
      policy: expect.stringMatching(/ operator 1$/),
    });
    expect(await decide({}, { tightened: 1, kind: 'ssh' })).toMatchObject(refused('POLICY_KIND'));
    await tighten({ rateLimit: { count: 1, perSeconds: 10 } });
    await addRequest(1, NOON - 5);
    expect(await decide({}, { tightened: 2 })).toMatchObject(refused('POLICY_RATE'));
    await tighten({});
    expect(await decide({}, { tightened: 3 })).toMatchObject({
      verdict: 'allow',
      policy: expect.stringMatching(/ operator 3$/),
    });
  });

  test('a tightening that was edited in the database stops the key rather than freeing it', async () => {
    await rooms.storage.transact((transaction) =>
      storeTightening(
        rooms.vault,
        transaction,
        { owner: alice, keyId },
        { ...NO_TIGHTENING, approval: 'operator' },
      ),
    );
    await rooms.tamper((database) => database.exec('update tightenings set version = 7'));
    for (const tightened of [0, 1, 7])
      await expect(decide({}, { tightened })).rejects.toMatchObject({ code: 'ROW_TAMPERED' });
  });

  test('takes no part in a key that it could never answer for', () => {
    const policy = createPolicy({ vault: rooms.vault, operator: { ...LAX, kinds: ['ssh'] } });
    expect(policy.acceptKey(owned, 'ed25519', 'ssh', NOON)).toMatchObject(refused('POLICY_KIND'));
    const lax = createPolicy({ vault: rooms.vault, operator: LAX });
    expect(lax.acceptKey(owned, 'ed25519', 'ssh', NOON)).toMatchObject({ verdict: 'allow' });
    expect(lax.acceptKey(owned, 'ed25519', 'ssh', NOON + 1_000)).toMatchObject(refused('POLICY_KEY_EXPIRED'));
  });

  test('a second look at a known request does not count it again', async () => {
    for (const number of [1, 2, 3]) await addRequest(number, NOON);
    const policy = createPolicy({ vault: rooms.vault, operator: LAX });
    const again = (change: Partial<RequestFacts>) =>
      rooms.storage.read((reader) => policy.recheck(reader, owned, { ...facts, ...change }));
    expect(await again({})).toMatchObject({ verdict: 'allow' });
    expect(await again({ now: NOON + 1_000, expiresAt: NOON + 2_000 })).toMatchObject(
      refused('POLICY_KEY_EXPIRED'),
    );
  });
});

describe('V68: whatever is added to a policy, it is never laxer', () => {
  const kinds = fc.uniqueArray(fc.constantFrom('bitcoin', 'message', 'ssh', 'git'), { minLength: 1 });
  const rateLimit = fc.option(fc.record({ count: fc.integer({ min: 1, max: 9 }), perSeconds: fc.nat(99) }), {
    nil: null,
  });
  const rest = {
    rateLimit,
    expiresAt: fc.option(fc.nat(1_000), { nil: null }),
    blindAllowed: fc.boolean(),
    approval: fc.constantFrom('automatic' as const, 'operator' as const),
  };
  const ownedPolicy = fc.record({ kinds, ...rest });
  const tightening = fc.record({
    kinds: fc.option(kinds, { nil: null }),
    stoppedAt: fc.option(fc.nat(), { nil: null }),
    changeDelay: fc.constant(0),
    freezes: fc.constant([]),
    ...rest,
  });

  test('for any owner and any operator', () => {
    fc.assert(
      fc.property(ownedPolicy, fc.array(tightening, { maxLength: 3 }), (owner, added) => {
        const before = effectivePolicy(owner, []);
        const after = effectivePolicy(owner, added);
        expect(before.kinds).toEqual(expect.arrayContaining([...after.kinds]));
        expect(after.rateLimits).toEqual(expect.arrayContaining([...before.rateLimits]));
        expect(after.expiresAt ?? Infinity).toBeLessThanOrEqual(before.expiresAt ?? Infinity);
        expect(after.blindAllowed && !before.blindAllowed).toBe(false);
        expect(before.approval === 'operator' && after.approval === 'automatic').toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
