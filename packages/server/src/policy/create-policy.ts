import type { JudgedRequest, KeyTerms, WindowAsked } from '@ckm/api';
import { DRILL } from '@ckm/requests';
import { encodeHex, type PolicyError } from '@ckm/foundation';
import type { OperatorPolicy } from '../config/config.js';
import type { Reader, Transaction } from '../storage/storage.js';
import type { Vault } from '../vault/vault.js';
import { countUnknown, keyFrozen, keyStopped, policyError, rateSpent, rateSpentByOthers } from './codes.js';
import { countBesides, countWithin, type CountStored, reachesBack, startsOf, toldOf } from './counting.js';
import { nameServerPolicy } from './describe-policy.js';
import { type EffectivePolicy, effectivePolicy, type RateLimit, type Tightening } from './effective.js';
import { joinFreezes, withHeard } from './freeze.js';
import type { KeyOfPolicy, Policy, RequestFacts, Verdict } from './policy.js';
import { judgedByTerms } from './judge-by-terms.js';
import { termsInForce } from './terms.js';
import { addToTotals, readTotals, sumsToSay, unknownSums } from './totals.js';
import { findTightening, NO_TIGHTENING, storeTightening } from './tightening.js';
import { weightyOf, weightyRules } from './weighty.js';

interface Applied {
  readonly policy: EffectivePolicy;
  /** Names what applied, for the audit log. */
  readonly name: string;
}

/** Decides by the owner's certified policy, the operator's configuration and what the operator tightened for one key. */
export function createPolicy({
  vault,
  operator,
}: {
  readonly vault: Vault;
  readonly operator: OperatorPolicy;
}): Policy {
  const general = { ...operator, expiresAt: null, stoppedAt: null, freezes: [] };
  const serverName = nameServerPolicy(operator);
  const nameOfBoth = (owned: KeyTerms) =>
    serverName === null ? nameOf(owned) : `${nameOf(owned)} server ${serverName}`;

  /**
   * What the operator allows in general is about keys that hold something: one of a drill signs one fixed text. It is counted all the
   * same, and on top of that no drill asks often.
   */
  const generalFor = ({ kinds }: KeyTerms): readonly Tightening[] =>
    kinds.every((kind) => kind === DRILL)
      ? [{ ...general, kinds: null, approval: 'automatic' }, OF_DRILLS]
      : [general];

  async function apply(reader: Reader, owned: KeyTerms, key: KeyOfPolicy): Promise<Applied> {
    const tightening = await findTightening(vault, reader, key);
    const special = tightening === null ? [] : [tightening];
    const version = tightening === null ? '' : ` operator ${key.tightened}`;
    return {
      policy: effectivePolicy(owned, [...generalFor(owned), ...special]),
      name: `${nameOfBoth(owned)}${version}`,
    };
  }

  /** Each once, with the highest of its limits: who knows whether a key was used so often knows it of the others. */
  async function windowsOf(
    reader: Reader,
    owned: KeyTerms,
    key: KeyOfPolicy,
  ): Promise<readonly WindowAsked[]> {
    const { policy } = await apply(reader, owned, key);
    const most = new Map<number, number>();
    for (const { perSeconds, count } of policy.rateLimits)
      most.set(perSeconds, Math.max(most.get(perSeconds) ?? 0, count));
    return [...most].map(([within, count]) => ({ within, most: count }));
  }

  async function longestWindow(reader: Reader, owned: KeyTerms, key: KeyOfPolicy): Promise<number> {
    return Math.max(0, ...(await windowsOf(reader, owned, key)).map(({ within }) => within));
  }

  /** What was let in before, as far as the rules look at it. */
  function before(reader: Reader, owned: KeyTerms, facts: RequestFacts): Promise<JudgedRequest['before']> {
    const { request, now } = facts;
    if (facts.facts === null || request === undefined) return Promise.resolve(() => null);
    const { totals } = termsInForce(owned).judge;
    return readTotals(vault, reader, facts, { totals, request, now });
  }

  /** Everything but the rates. */
  async function judge(
    reader: Reader,
    policy: EffectivePolicy,
    name: string,
    owned: KeyTerms,
    facts: RequestFacts,
  ): Promise<Verdict> {
    const refused = refusal(policy, facts);
    if (refused !== null) return { verdict: 'refuse', policy: name, error: refused };
    const { error, people } = judgedByTerms(owned, facts, await before(reader, owned, facts));
    const unknown = error === null && people.length === 0 ? null : sumUnknown(owned, facts);
    if (unknown !== null) return { verdict: 'refuse', policy: name, error: unknown };
    if (error !== null) return { verdict: 'refuse', policy: name, error };
    const operator = policy.approval === 'operator';
    return operator || people.length > 0
      ? { verdict: 'ask', policy: name, operator, people }
      : { verdict: 'allow', policy: name };
  }

  return {
    decide: async (transaction, owned, facts) => {
      const { policy, name } = await apply(transaction, owned, facts);
      const judged = await judge(transaction, policy, name, owned, facts);
      if (judged.verdict === 'refuse') return judged;
      const error = await rateRefusal(transaction, policy.rateLimits, facts);
      return error === null ? judged : { verdict: 'refuse', policy: name, error };
    },
    recheck: async (reader, owned, facts) => {
      const { policy, name } = await apply(reader, owned, facts);
      return judge(reader, policy, name, owned, facts);
    },
    sum: (transaction, owned, key, given) =>
      termsInForce(owned).sums ? addToTotals(vault, transaction, key, given) : Promise.resolve(null),
    rateWindow: longestWindow,
    unknownWindows: async (reader, owned, key, now) => {
      const { counting } = key;
      if (counting === null || counting.isReleased === true) return [];
      const windows = await windowsOf(reader, owned, key);
      const isUnknown = (one: WindowAsked) =>
        reachesBack(counting, one, now) && toldOf(counting, one, now) === null;
      const sums = unknownSums(key, termsInForce(owned).judge.totals, now);
      return [...windows.filter(isUnknown), ...sums].slice(0, MOST_ASKED);
    },
    countsFor: async (reader, owned, key, { windows: asked, keptSeconds, now }) => {
      const windows = asked.filter(({ of }) => of === undefined);
      const sums = await sumsToSay(vault, reader, owned, key, asked, now);
      const longest = Math.max(keptSeconds, await longestWindow(reader, owned, key));
      const { counting } = key;
      const isKnown = (one: WindowAsked) =>
        one.within <= longest &&
        (counting === null || !reachesBack(counting, one, now) || toldOf(counting, one, now) !== null);
      return {
        starts: windows.filter(isKnown).flatMap((one) => startsOf(counting, one, now)),
        say: (counted) =>
          Promise.all(
            asked.map(async (one) => {
              if (one.of !== undefined) return { ...one, count: sums.get(one) ?? null };
              const countStored: CountStored = (since, most) => Promise.resolve(counted({ since, most }));
              const window = { ...one, now };
              const count = isKnown(one) ? await countWithin(countStored, counting, window) : null;
              return { ...one, count };
            }),
          ),
      };
    },
    isCounted: (owned, { tightened }) =>
      owned.rateLimit !== null || operator.rateLimit !== null || tightened > 0,
    standing: ({ keyId, stoppedAt, frozenUntil, frozenBy }, now) => {
      if (stoppedAt !== null) return keyStopped(keyId);
      return frozenUntil !== null && now < frozenUntil ? keyFrozen(frozenUntil, frozenBy) : null;
    },
    weighty: (head) => {
      const [ofServer, ofKey] = [weightyRules([operator]), weightyOf(head)];
      return {
        asksOperator: ofServer.asksOperator || ofKey.asksOperator,
        delay: Math.max(ofServer.delay, ofKey.delay),
      };
    },
    addFreezes: async (transaction, key, freezes) => {
      const before = (await findTightening(vault, transaction, key)) ?? NO_TIGHTENING;
      const after = { ...before, freezes: joinFreezes([...freezes, ...before.freezes]) };
      return storeTightening(vault, transaction, key, after);
    },
    hearFreezes: async (transaction, key, said, now) => {
      const before = (await findTightening(vault, transaction, key)) ?? NO_TIGHTENING;
      const freezes = withHeard(before.freezes, said, now);
      if (freezes === before.freezes) return null;
      return storeTightening(vault, transaction, key, { ...before, freezes });
    },
    acceptKey: (owned, _suite, _purpose, now) => {
      const policy = effectivePolicy(owned, generalFor(owned));
      const name = nameOfBoth(owned);
      const error =
        policy.kinds.length === 0 ? kindRefused(owned.kinds.join(', ')) : expiryRefusal(policy, now);
      return error === null ? { verdict: 'allow', policy: name } : { verdict: 'refuse', policy: name, error };
    },
  };
}

/** As many as are asked about in one question. */
const MOST_ASKED = 12;
/** For how long others that could not tell how much was let in are not asked anew. Seconds. */
const TRIED_SECONDS = 600;

/** How much was let in others may know, and were not asked lately: then nobody is asked, and nothing refused, before they are. Null: so it is not. */
function sumUnknown(owned: KeyTerms, { counting, summing, request, now }: RequestFacts): PolicyError | null {
  if (counting === null || request === undefined) return null;
  if (counting.tried !== undefined && now - counting.tried < TRIED_SECONDS) return null;
  const key = { counting, ...(summing === undefined ? {} : { summing }) };
  const unknown = unknownSums(key, termsInForce(owned).judge.totals, now);
  const [longest] = unknown.toSorted((a, b) => b.within - a.within);
  return longest === undefined ? null : countUnknown(counting.at, counting.at + longest.within);
}

/** A drill asks once, and once more where it was left. */
const OF_DRILLS: Tightening = { ...NO_TIGHTENING, rateLimit: { count: 16, perSeconds: 7 * 86_400 } };

function nameOf(owned: KeyTerms): string {
  return `policy ${encodeHex(termsInForce(owned).hash.subarray(0, 4))}`;
}

function refusal(policy: EffectivePolicy, facts: Omit<RequestFacts, 'counting'>): PolicyError | null {
  const { kind, blind, expiresAt, now } = facts;
  if (policy.isStopped) {
    return keyStopped(facts.keyId);
  }
  // The one rule that a moment ends: whoever froze the key said so himself, and for how long.
  if (policy.frozenUntil !== null && now < policy.frozenUntil)
    return keyFrozen(policy.frozenUntil, policy.frozenBy);
  if (!policy.kinds.includes(kind)) return kindRefused(kind);
  if (blind && !policy.blindAllowed) {
    return policyError(
      'POLICY_BLIND',
      'this cannot be described, and the key does not sign blindly',
      'ask for something that can be described, or use a key that allows blind signing',
    );
  }
  if (expiresAt <= now) {
    return policyError('POLICY_REQUEST_EXPIRED', 'the request has expired', 'ask again with a later expiry');
  }
  return expiryRefusal(policy, now);
}

function kindRefused(kind: string): PolicyError {
  return policyError(
    'POLICY_KIND',
    `this key does not answer requests of kind ${kind}`,
    'use a key that was made for this kind of request',
  );
}

/** Time only takes away: there is no rule by which something becomes allowed because a moment has come (V68). */
function expiryRefusal({ expiresAt }: EffectivePolicy, now: number): PolicyError | null {
  if (expiresAt === null || now < expiresAt) return null;
  return policyError('POLICY_KEY_EXPIRED', 'the key has expired by its policy', 'make a new key');
}

async function rateRefusal(
  transaction: Transaction,
  limits: readonly RateLimit[],
  { owner, keyId, counting, now, letInAt }: RequestFacts,
): Promise<PolicyError | null> {
  // Whom its operator has released goes by what it has itself.
  const known = counting?.isReleased === true ? null : counting;
  const countAll: CountStored = (since, most) => transaction.requests.countForKey(owner, keyId, since, most);
  const countStored = countBesides(countAll, letInAt);
  // Held first, so that two replicas cannot both count the last place as free.
  if (limits.length > 0) await transaction.keys.hold(owner, keyId);
  for (const { count, perSeconds } of limits) {
    const window = { within: perSeconds, most: count, now };
    const used = await countWithin(countStored, known, window);
    if (used === null) return countUnknown(counting!.at, counting!.at + perSeconds);
    if (used < count) continue;
    const seen = await countStored(now - perSeconds, count);
    return seen < count
      ? rateSpentByOthers({ count, perSeconds }, toldOf(known!, window, now)!.at)
      : rateSpent({ count, perSeconds });
  }
  return null;
}
