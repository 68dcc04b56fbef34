import { CkmError, encodeHex, equalBytes, secret, type Secret } from '@ckm/foundation';
import type { Envelope, Xid } from '@ckm/gordian';
import { causeOf } from '../servers/causes.js';
import { askEverybody, type NotReached, type Whereabouts } from './ask-everybody.js';
import { type AskedForShares, depositDamaged, nothingKept, sharesTooFew } from './csr-errors.js';
import type { Deposit, DepositPlace, KeptKind } from './deposit-envelope.js';
import type { DepositSecret } from './deposit-secret.js';
import type { ShownShares } from './look-at-shares.js';
import type { ShareMeans, ShareServer } from './share-server.js';
import { joinKept, THREE_OF_FIVE, TWO_OF_THREE } from './split-secret.js';

/** How one server stands in what was found. */
export interface ShareAt {
  readonly server: string;
  readonly url: string;
  readonly xid: Xid;
  /** `faulty`: what it gives is not what was stored there. `none`: it keeps nothing. `silent`: it did not answer, or refused. */
  readonly outcome: 'good' | 'faulty' | 'none' | 'silent';
  /** To stand behind its name; empty where its share is good. */
  readonly text: string;
  readonly code: string | null;
}

/** Shares as they lie at servers, and what they keep. */
export interface FoundShares {
  /** 16 bytes */
  readonly set: Uint8Array;
  /** UnixSeconds */
  readonly at: number;
  readonly kind: KeptKind;
  /** How many shares it took. */
  readonly needed: number;
  /** Every server that has one of the set, in the order of its members. */
  readonly places: readonly DepositPlace[];
  readonly servers: readonly ShareAt[];
  /** 16 to 32 bytes; the caller wipes it. */
  readonly kept: Secret<Uint8Array>;
}

interface Share {
  readonly server: ShareServer;
  readonly deposit: Deposit;
}

/**
 * Finds the shares under a deposit secret, from one server that has one to all others, and brings together what they keep. A server that gives what is wrong,
 * old or somebody else’s is named, and stops nobody.
 * @param missed addresses at which nobody answered
 * @throws StateError `DEPOSIT_SHARES_TOO_FEW`, `DEPOSIT_NOT_FOUND`; EncodingError `DEPOSIT_DAMAGED`; AvailabilityError `SERVERS_MISSING`; where nobody answers, why not
 */
export async function findShares(
  means: ShareMeans,
  secret: DepositSecret,
  where: Whereabouts,
  missed: readonly AskedForShares[] = [],
): Promise<FoundShares> {
  const { shown, lost } = await askEverybody(means, secret, where);
  const sets = setsOf(
    shown.flatMap(({ server, deposits }) => deposits.map((deposit) => ({ server, deposit }))),
  );
  if (sets.length === 0) throw nothingFound(shown, missed);
  for (const shares of sets) {
    const opened = openSet(shares);
    if (opened === null) continue;
    const { needed, kept, wrong } = opened;
    const { set, at, kind } = shares[0]!.deposit;
    const servers = [...shown.map((one) => standing(one, shares, wrong)), ...lost.map(standingOfLost)];
    return { set, at, kind, needed, places: placesOf(shares), servers, kept };
  }
  throw notEnough(sets[0]!, [
    ...shown.map((one) => standing(one, sets[0]!, [])),
    ...lost.map(standingOfLost),
  ]);
}

/** Shares of each set together, the newest set first. */
function setsOf(shares: readonly Share[]): readonly (readonly Share[])[] {
  const sets = new Map<string, Share[]>();
  for (const share of shares.toSorted((a, b) => b.deposit.at - a.deposit.at)) {
    const name = encodeHex(share.deposit.set);
    sets.set(name, [...(sets.get(name) ?? []), share]);
  }
  return [...sets.values()];
}

interface OpenedSet {
  readonly needed: number;
  readonly kept: Secret<Uint8Array>;
  /** Those whose share does not fit the others. */
  readonly wrong: readonly Share[];
}

/** Null: no shares of the set go together, by either plan. */
function openSet(shares: readonly Share[]): OpenedSet | null {
  for (const [needed, copyOf] of PLANS) {
    const having = shares.filter(({ deposit }) => copyOf(deposit) !== null);
    for (const few of subsets(having, needed)) {
      const kept = joined(few.map(({ deposit }) => copyOf(deposit)!));
      if (kept === null) continue;
      const wrong = having.filter((one) => !few.includes(one) && !fits(one, few, copyOf));
      return { needed, kept: secret(kept), wrong };
    }
  }
  return null;
}

type CopyOf = (deposit: Deposit) => Envelope | null;

const PLANS: readonly (readonly [needed: number, copyOf: CopyOf])[] = [
  [TWO_OF_THREE.needed, ({ two }) => two],
  [THREE_OF_FIVE.needed, ({ three }) => three],
];

/** Whether a share opens the same in the place of one of those that do. */
function fits(one: Share, few: readonly Share[], copyOf: CopyOf): boolean {
  const kept = joined([one, ...few.slice(1)].map(({ deposit }) => copyOf(deposit)!));
  kept?.fill(0);
  return kept !== null;
}

function joined(copies: readonly Envelope[]): Uint8Array | null {
  try {
    return joinKept(copies);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/** Every choice of so many of them. */
function subsets<T>(of: readonly T[], count: number): readonly (readonly T[])[] {
  if (count === 0) return [[]];
  return of.flatMap((first, at) => subsets(of.slice(at + 1), count - 1).map((others) => [first, ...others]));
}

/** As the envelopes name them: those of the members that came later know the most. */
function placesOf(shares: readonly Share[]): readonly DepositPlace[] {
  return shares
    .map(({ deposit: { places } }) => places)
    .reduce((most, places) => (places.length > most.length ? places : most));
}

/** @param wrong shares of the set that do not fit */
function standing(
  { server: { name, url, xid }, answer, error, deposits, faults }: ShownShares,
  shares: readonly Share[],
  wrong: readonly Share[],
): ShareAt {
  const at = { server: name, url, xid, code: null };
  const isOf = (share: Share) => equalBytes(share.server.xid, xid);
  if (error !== null) return { ...at, outcome: 'silent', text: causeOf(error), code: error.code };
  if (wrong.some(isOf))
    return { ...at, outcome: 'faulty', text: 'gave a share that does not fit the others' };
  if (shares.some(isOf)) return { ...at, outcome: 'good', text: '' };
  if (deposits.length > 0) return { ...at, outcome: 'faulty', text: otherShare(deposits[0]!, shares[0]!) };
  if (faults.length > 0) return { ...at, outcome: 'faulty', text: faults.join(', and ') };
  return {
    ...at,
    outcome: 'none',
    text: answer === 'stranger' ? 'has no account of these words' : 'keeps nothing under these words',
  };
}

function otherShare(given: Deposit, { deposit }: Share): string {
  return given.at < deposit.at
    ? 'gave a share that is older than those of the others'
    : 'gave a share of another set than those of the others';
}

export function standingOfLost({ place: { name, url, xid }, error }: NotReached): ShareAt {
  return { server: name, url, xid, outcome: 'silent', text: causeOf(error), code: error.code };
}

function nothingFound(shown: readonly ShownShares[], missed: readonly AskedForShares[]): CkmError {
  const faulty = shown.filter(({ faults }) => faults.length > 0);
  if (faulty.length > 0)
    throw sharesTooFew(
      0,
      TWO_OF_THREE.needed,
      faulty.map(({ server, faults }) => `${server.name} ${faults[0]!}`),
    );
  return nothingKept([...shown.map(({ server, error }) => ({ name: server.name, error })), ...missed]);
}

function notEnough(shares: readonly Share[], servers: readonly ShareAt[]): CkmError {
  const needed = shares.some(({ deposit: { two } }) => two !== null)
    ? TWO_OF_THREE.needed
    : THREE_OF_FIVE.needed;
  const others = servers.filter(({ outcome }) => outcome !== 'good');
  if (shares.length >= THREE_OF_FIVE.needed) return depositDamaged();
  return sharesTooFew(
    shares.length,
    needed,
    others.map(({ server, text }) => `${server} ${text}`),
  );
}
