import { type Awaited, noesInWords, type VotesHeld } from '@ckm/api';
import {
  encodeHex,
  formatMoment,
  formatSpan,
  PolicyError,
  type Remedy,
  StateError,
  UsageError,
} from '@ckm/foundation';
import { type Freezer, type Frozen, freezerInWords } from './freezer.js';

/** Every code of an error about policy. */
const POLICY_CODES = [
  'FREEZE_USED_UP',
  'POLICY_BLIND',
  'POLICY_COUNT_UNKNOWN',
  'POLICY_KEY_EXPIRED',
  'POLICY_KEY_FROZEN',
  'POLICY_KEY_STOPPED',
  'POLICY_KIND',
  'POLICY_NO_RULE',
  'POLICY_PEOPLE_NOT_ASKED',
  'POLICY_PEOPLE_SAID_NO',
  'POLICY_RATE',
  'POLICY_REQUEST_EXPIRED',
] as const;
export type PolicyCode = (typeof POLICY_CODES)[number];

export function policyError(
  code: PolicyCode,
  message: string,
  hint: string,
  more: {
    readonly retryable?: boolean;
    readonly httpStatus?: number;
    readonly facts?: Record<string, number>;
    readonly remedy?: Remedy;
  } = {},
): PolicyError {
  return new PolicyError(message, { code, hint, retryable: false, ...more });
}

/** The server computed a wrong share with a key: whatever it answered now could give the key away. */
export function keyStopped(keyId: Uint8Array): PolicyError {
  return policyError(
    'POLICY_KEY_STOPPED',
    'this server has stopped the key: it computed a wrong share with it',
    'ask its operator to look at the machine; until then use the other servers',
    { remedy: { kind: 'releaseKey', id: encodeHex(keyId) } },
  );
}

/**
 * A server that has not seen every request within a window of the key counts it as spent.
 * @param since from when on it has, UnixSeconds
 * @param until when it has seen the whole of it, UnixSeconds
 */
export function countUnknown(since: number, until: number): PolicyError {
  return policyError(
    'POLICY_COUNT_UNKNOWN',
    `this server does not know how often the key was used before ${formatMoment(since)}, and counts all of it as spent`,
    `ask the other servers of the key how often that was, and show this one what they say; it knows by itself at ${formatMoment(until)}`,
    { retryable: true, httpStatus: 429, facts: { since, until } },
  );
}

interface Rate {
  readonly count: number;
  readonly perSeconds: number;
}

/** A key was asked as often as it may be within a window. */
export function rateSpent({ count, perSeconds }: Rate): PolicyError {
  return policyError(
    'POLICY_RATE',
    atMost({ count, perSeconds }),
    'wait, then ask again; requests that an operator rejected count too',
    {
      retryable: true,
      httpStatus: 429,
      facts: { count, perSeconds },
    },
  );
}

/**
 * The same by what other servers have said of the time before, which this one cannot know to be true.
 * @param since when they said so, UnixSeconds
 */
export function rateSpentByOthers({ count, perSeconds }: Rate, since: number): PolicyError {
  const until = since + perSeconds;
  return policyError(
    'POLICY_RATE',
    `${atMost({ count, perSeconds })}, and other servers say that it was used so often before ${formatMoment(since)}`,
    `wait, at most until ${formatMoment(until)}; where that is not so, have the operator of this server release the key, which then goes by what it has counted itself`,
    { retryable: true, httpStatus: 429, facts: { count, perSeconds, since, until } },
  );
}

function atMost({ count, perSeconds }: Rate): string {
  return `this key takes at most ${count} ${count === 1 ? 'request' : 'requests'} in ${formatSpan(perSeconds)}`;
}

/** Somebody who may has frozen the key. @param until UnixSeconds @param by undefined: the account of its owner */
export function keyFrozen(until: number, by?: Freezer): PolicyError {
  return policyError(
    'POLICY_KEY_FROZEN',
    `the key is frozen by ${freezerInWords(by)} until ${formatMoment(until)}`,
    'wait until then, or ask the operators of its servers to thaw it',
    { facts: { until } },
  );
}

/** A statement by which nothing can be frozen. */
export function freezeInvalid(what: Frozen = 'key'): UsageError {
  const article = what === 'key' ? 'a' : 'an';
  return new UsageError(`this is no time for which ${article} ${what} can be frozen`, {
    code: 'FREEZE_INVALID',
    hint: 'freeze for at most seven days, from now on; compare the clocks',
  });
}

/** A freeze that does not come back. */
export function freezeOver(message: string, what: Frozen = 'key'): StateError {
  return new StateError(message, {
    code: 'FREEZE_OVER',
    hint: `freeze the ${what} anew, and compare the clocks`,
    retryable: false,
  });
}

/** @param leftSeconds for how long it may still be frozen */
export function freezeUsedUp(leftSeconds: number, what: Frozen = 'key'): PolicyError {
  return policyError(
    'FREEZE_USED_UP',
    `the ${what} has been frozen for nearly as long as its owner may within 30 days`,
    what === 'key'
      ? 'freeze for a shorter time, or ask the operator to allow nothing for the key'
      : 'freeze for a shorter time, or ask the operator to suspend the account',
    { facts: { leftSeconds } },
  );
}

/** No rule of the terms surely fits a request. @param unknown what it would have to say for one that may */
export function noRuleFits(unknown: readonly string[]): PolicyError {
  const why = unknown.length === 0 ? '' : `: it does not say its ${unknown.join(', ')}`;
  return policyError(
    'POLICY_NO_RULE',
    `no rule in the terms of this key lets such a request in${why}`,
    'ask for what the rules let in, or change the terms of the key',
  );
}

/** People are to say yes by the terms, and this server asks nobody. */
export function peopleNotAsked(awaits: readonly Awaited[]): PolicyError {
  const rules = awaits.map(({ rule, needed, of }) => `rule ${rule} wants ${needed} of ${of.join(', ')}`);
  return policyError(
    'POLICY_PEOPLE_NOT_ASKED',
    `by the terms of this key people are to say yes, and this server asks nobody: ${rules.join('; ')}`,
    'ask for what the rules let in without anybody, or use servers that ask people',
  );
}

/** A rule is over by those who said no, or because too few of those whom it names have a say. */
export function peopleSaidNo(
  { rule, by }: { readonly rule: number; readonly by: readonly string[] },
  votes: Pick<VotesHeld, 'reasons'>,
): PolicyError {
  const why = by.length === 0 ? 'too few of those whom it names have a say in this' : noesInWords(by, votes);
  return policyError(
    'POLICY_PEOPLE_SAID_NO',
    `rule ${rule} in the terms of this key is not met: ${why}`,
    'talk to the people whom the rule names, then ask anew',
  );
}
