import {
  EncodingError,
  equalBytes,
  reveal,
  secret,
  type Secret,
  StateError,
  UsageError,
  wipe,
} from '@ckm/foundation';
import {
  combineSecret,
  type RandomBytes,
  type ShareFacts,
  shareFacts,
  sharesInText,
  shareToUr,
  shareToWords,
  splitSecret,
  type SplitPlan,
} from '@ckm/gordian';
import { SEED_BYTES } from './words.js';

/** A share of an owner seed, to be written down. Groups and members are counted from 1. */
export interface SeedShare extends SharePlace {
  /** 46 words of four letters. Source: BCR-2020-012 */
  readonly words: Secret<string>;
  /** `ur:sskr/…`. Source: BCR-2020-011 */
  readonly ur: Secret<string>;
}

/** Which share of which splitting it is. */
export interface SharePlace {
  /** Four hex digits, the same for all shares of one splitting. */
  readonly set: string;
  readonly group: number;
  readonly member: number;
}

/**
 * Splits an owner seed with SSKR: a list of shares for each group, all of one new splitting.
 * Secrecy: fewer shares than the plan says tell nothing of the seed. Source: BCR-2020-011.
 * @throws UsageError `SSKR_PLAN_INVALID`, also where one share alone would be the seed
 */
export function splitSeed(
  seed: Secret<Uint8Array>,
  plan: SplitPlan,
  random: RandomBytes,
): readonly (readonly SeedShare[])[] {
  const isAlone = plan.groupsNeeded === 1 && plan.groups.some(({ needed }) => needed === 1);
  if (isAlone)
    throw new UsageError('one of these shares alone would be the whole seed', {
      code: 'SSKR_PLAN_INVALID',
      hint: 'let it take two shares or more, as 2of3 does',
    });
  return splitSecret(seed, plan, random).map((group) =>
    group.map((share) => {
      const text = { words: secret(shareToWords(share)), ur: secret(shareToUr(share)) };
      const place = placeOf(shareFacts(share));
      share.fill(0);
      return { ...place, ...text };
    }),
  );
}

/** What of a set is still missing. */
export interface MissingShares {
  /** How many groups are not complete that have to be. */
  readonly groups: number;
  /** Groups of which shares are there, and how many more of each it takes. */
  readonly begun: readonly { readonly group: number; readonly needed: number; readonly missing: number }[];
  /** How many groups there are in all; of those that are not begun nobody knows how many shares they take. */
  readonly of: number;
}

/** Shares of one splitting, collected in any order. */
export interface ShareSet {
  /**
   * Takes the shares in a text.
   * @returns which they are
   * @throws EncodingError `SSKR_SHARE_UNREADABLE`, `SEED_SHARES_MIXED`; StateError `SEED_SHARE_REPEATED`; what was taken before stays
   */
  add(text: Secret<string>): readonly SharePlace[];
  /** Null: they are enough. */
  missing(): MissingShares | null;
  /** All that were taken. */
  places(): readonly SharePlace[];
  /**
   * The seed, out of as many as it takes. The others are laid beside it: each in the place of one of those gives the same.
   * @throws EncodingError `SEED_SHARES_MIXED`, `SEED_SHARES_OTHER`
   */
  seed(): Secret<Uint8Array>;
  /** Those that {@link ShareSet.seed} could not lay beside the others: too few of their group are there. */
  unchecked(): readonly SharePlace[];
  wipe(): void;
}

interface Taken {
  readonly facts: ShareFacts;
  readonly bytes: Uint8Array;
}

export function createShareSet(): ShareSet {
  const taken: Taken[] = [];

  const groupsTaken = () =>
    [...new Set(taken.map(({ facts }) => facts.groupIndex))]
      .toSorted((a, b) => a - b)
      .map((index) => taken.filter(({ facts }) => facts.groupIndex === index));
  const isComplete = (group: readonly Taken[]) => group.length >= group[0]!.facts.membersNeeded;

  function take(bytes: Uint8Array): SharePlace {
    const facts = shareFacts(bytes);
    for (const other of taken) compare(other, { facts, bytes });
    taken.push({ facts, bytes });
    return placeOf(facts);
  }

  function missing(): MissingShares | null {
    const groups = groupsTaken();
    const { groupsNeeded = 1, groupCount = 1 } = taken[0]?.facts ?? {};
    const lacking = groupsNeeded - groups.filter(isComplete).length;
    if (lacking <= 0) return null;
    const begun = groups
      .filter((group) => !isComplete(group))
      .map((group) => {
        const { groupIndex, membersNeeded: needed } = group[0]!.facts;
        return { group: groupIndex + 1, needed, missing: needed - group.length };
      });
    return { groups: lacking, begun, of: groupCount };
  }

  /** As many as it takes, this one among them; null: too few of its group are there. */
  function quorumWith(one: Taken): readonly Taken[] | null {
    const complete = groupsTaken().filter(isComplete);
    const own = complete.find((group) => group.includes(one));
    if (own === undefined) return null;
    const { groupsNeeded } = one.facts;
    const groups = [own, ...complete.filter((group) => group !== own)].slice(0, groupsNeeded);
    return groups.flatMap((group) => {
      const first = group.includes(one) ? [one, ...group.filter((other) => other !== one)] : group;
      return first.slice(0, group[0]!.facts.membersNeeded);
    });
  }

  function seed(): Secret<Uint8Array> {
    let found: Secret<Uint8Array> | null = null;
    for (const one of taken) {
      const quorum = quorumWith(one);
      if (quorum === null) continue;
      try {
        const combined = combine(quorum, one);
        if (found === null) found = combined;
        else assertSame(found, combined, one);
      } catch (error) {
        if (found !== null) wipe(found);
        throw error;
      }
    }
    if (found === null) throw notFitting(null);
    if (reveal(found, 'measuring the seed that shares give').length === SEED_BYTES) return found;
    wipe(found);
    throw new EncodingError('these shares hold a secret that is no owner seed', {
      code: 'SEED_SHARES_OTHER',
      hint: 'use shares of a secret of 32 bytes',
    });
  }

  return {
    add: (text) => sharesInText(reveal(text, 'reading shares of a seed')).map(take),
    missing,
    places: () => taken.map(({ facts }) => placeOf(facts)),
    seed,
    unchecked: () => taken.filter((one) => quorumWith(one) === null).map(({ facts }) => placeOf(facts)),
    wipe: () => {
      for (const { bytes } of taken) bytes.fill(0);
      taken.length = 0;
    },
  };
}

/** @throws EncodingError `SEED_SHARES_MIXED`; StateError `SEED_SHARE_REPEATED` */
function compare(known: Taken, given: Taken): void {
  const [one, other] = [placeOf(given.facts), placeOf(known.facts)];
  const name = nameOf(one);
  if (one.set !== other.set)
    throw mixed(`${name} is of set ${one.set}, and the others are of set ${other.set}`);
  const [a, b] = [given.facts, known.facts];
  const isSamePlan =
    a.groupsNeeded === b.groupsNeeded &&
    a.groupCount === b.groupCount &&
    (a.groupIndex !== b.groupIndex || a.membersNeeded === b.membersNeeded) &&
    given.bytes.length === known.bytes.length;
  if (!isSamePlan) throw mixed(`${name} says otherwise than the others how many shares it takes`);
  if (one.group !== other.group || one.member !== other.member) return;
  if (!equalBytes(given.bytes, known.bytes)) throw mixed(`there are two of ${name}, and they differ`);
  throw new StateError(`${name} was given already`, {
    code: 'SEED_SHARE_REPEATED',
    hint: 'give another one of the set',
  });
}

/** @param one which share it was found with */
function combine(quorum: readonly Taken[], one: Taken): Secret<Uint8Array> {
  try {
    return combineSecret(quorum.map(({ bytes }) => bytes));
  } catch {
    // Without a cause, which could quote a share.
    throw notFitting(quorum.length === 1 ? placeOf(one.facts) : null);
  }
}

function assertSame(found: Secret<Uint8Array>, other: Secret<Uint8Array>, one: Taken): void {
  const isSame = equalBytes(
    reveal(found, 'comparing what shares give'),
    reveal(other, 'comparing what shares give'),
  );
  wipe(other);
  if (!isSame) throw notFitting(placeOf(one.facts));
}

function placeOf({ identifier, groupIndex, memberIndex }: ShareFacts): SharePlace {
  const set = identifier.toString(16).padStart(4, '0');
  return { set, group: groupIndex + 1, member: memberIndex + 1 };
}

/** What people call a share: its group and its place there. */
function nameOf({ group, member }: SharePlace): string {
  return `share ${member} of group ${group}`;
}

function notFitting(one: SharePlace | null): EncodingError {
  return mixed(
    one === null ? 'one of these shares does not fit the others' : `${nameOf(one)} does not fit the others`,
  );
}

function mixed(what: string): EncodingError {
  return new EncodingError(what, {
    code: 'SEED_SHARES_MIXED',
    hint: 'use shares that were made together; leave out the one that you trust least',
  });
}
