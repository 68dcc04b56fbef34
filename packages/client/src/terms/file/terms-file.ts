import type { KeyTerms, UseRule } from '@ckm/api';
import { decodeUtf8, EncodingError } from '@ckm/foundation';
import { purposeKinds } from '@ckm/requests';
import { conditionOf, type Reading } from './condition.js';
import { fileRefusal } from './file-errors.js';
import {
  countOf,
  flagOf,
  itemsOf,
  membersOf,
  type Members,
  oneOf,
  type Spot,
  textOf,
  textsOf,
} from './spot.js';
import { parseStrictJson } from './strict-json.js';
import { momentOf, secondsOf } from './written-values.js';

/** A longer file is refused unread. */
export const MOST_TERMS_FILE_BYTES = 131_072;
const FORMAT = 1;

/** What a terms file says: terms, but for what only the people and the key themselves give. `approvers`: their names. */
export type WrittenTerms = Omit<KeyTerms, 'version' | 'previous' | 'ownerKey' | 'approvers'> & {
  readonly approvers?: readonly string[];
};

const POLICY = [
  'kinds',
  'rateLimit',
  'expiresAt',
  'blindAllowed',
  'approval',
  'changes',
  'changeDelay',
  'recovery',
];
const MEMBERS = ['terms', ...POLICY, 'approvers', 'approvals', 'change', 'silence'];
const PEOPLE = ['needed', 'of', 'rejectsEnd'];

/**
 * A terms file, as a person writes it: terms with amounts, lengths of time and dates as people say them, and approvers by their names.
 * What it does not say is as usual for the purpose. The same file always gives the same terms.
 * @throws EncodingError `TERMS_FILE_…`, saying what and where; UsageError `PURPOSE_UNKNOWN`
 */
export function readTermsFile(bytes: Uint8Array, reading: Reading): WrittenTerms {
  if (bytes.length > MOST_TERMS_FILE_BYTES)
    throw fileRefusal('TERMS_FILE_TOO_LONG', `the terms file is longer than ${MOST_TERMS_FILE_BYTES} bytes`);
  const members = membersOf({ value: parseStrictJson(readText(bytes)), where: '' }, MEMBERS);
  assertFormat(members);
  return {
    ...policyIn(members, reading.purpose),
    ...part(members, 'approvers', textsOf),
    ...part(members, 'approvals', (spot) => itemsOf(spot).map((one) => ruleOf(one, reading))),
    ...part(members, 'change', changeOf),
    ...part(members, 'silence', silenceOf),
  };
}

function readText(bytes: Uint8Array): string {
  try {
    // Some editors of text put a mark in front.
    return decodeUtf8(bytes).replace(/^\ufeff/, '');
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw fileRefusal('TERMS_FILE_NOT_JSON', 'the terms file is not text', 'name the file with the terms');
  }
}

/** A file of a later format may say more than this version would see. */
function assertFormat(members: Members): void {
  const format = members.optional('terms');
  if (format?.value === FORMAT) return;
  throw fileRefusal(
    'TERMS_FILE_VERSION',
    format === null ? 'the file does not say that it holds terms' : 'the terms file is of another format',
  );
}

function part<K extends keyof WrittenTerms>(
  members: Members,
  name: K,
  read: (spot: Spot) => NonNullable<WrittenTerms[K]>,
): { [P in K]?: NonNullable<WrittenTerms[K]> } {
  const spot = members.optional(name);
  return spot === null ? {} : ({ [name]: read(spot) } as { [P in K]: NonNullable<WrittenTerms[K]> });
}

function policyIn(members: Members, purpose: string) {
  return {
    kinds: [...purposeKinds(purpose)],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: false,
    approval: 'automatic' as const,
    ...part(members, 'kinds', textsOf),
    ...part(members, 'rateLimit', rateOf),
    ...part(members, 'expiresAt', momentOf),
    ...part(members, 'blindAllowed', flagOf),
    ...part(members, 'approval', (spot) => oneOf(spot, ['automatic', 'operator'])),
    ...part(members, 'changes', (spot) => oneOf(spot, ['automatic', 'operator'])),
    ...part(members, 'changeDelay', changeDelayOf),
    ...part(members, 'recovery', (spot) => oneOf(spot, ['epoch', 'static'])),
  };
}

function rateOf(spot: Spot) {
  const { required } = membersOf(spot, ['count', 'in']);
  return { count: countOf(required('count')), perSeconds: secondsOf(required('in')) };
}

const CHANGE_DELAYS = { '0s': 0, '24h': 86_400, '7d': 604_800 } as const;

function changeDelayOf(spot: Spot) {
  return CHANGE_DELAYS[oneOf(spot, Object.keys(CHANGE_DELAYS) as (keyof typeof CHANGE_DELAYS)[])];
}

function ruleOf(spot: Spot, reading: Reading): UseRule {
  const members = membersOf(spot, ['when', ...PEOPLE]);
  const when = members.optional('when');
  return { when: when === null ? { all: [] } : conditionOf(when, reading), ...peopleIn(members) };
}

/** Without them nobody is asked. */
function peopleIn(members: Members) {
  const of = members.optional('of');
  const needed = of === null ? members.optional('needed') : members.required('needed');
  const rejectsEnd = members.optional('rejectsEnd');
  return {
    needed: needed === null ? 0 : countOf(needed),
    of: of === null ? [] : textsOf(of),
    ...(rejectsEnd === null ? {} : { rejectsEnd: countOf(rejectsEnd) }),
  };
}

function changeOf(spot: Spot): NonNullable<KeyTerms['change']> {
  const members = membersOf(spot, [...PEOPLE, 'delay', 'words']);
  const words = members.required('words');
  return {
    ...peopleIn(members),
    delaySeconds: secondsOf(members.required('delay')),
    words: words.value === 'never' ? null : secondsOf(words),
  };
}

function silenceOf(spot: Spot): NonNullable<KeyTerms['silence']> {
  const { required } = membersOf(spot, ['after', 'grants']);
  return { afterSeconds: secondsOf(required('after')), grants: itemsOf(required('grants')).map(grantOf) };
}

function grantOf(spot: Spot) {
  const { required } = membersOf(spot, ['who', 'may']);
  const may = itemsOf(required('may')).map((one) => oneOf(one, ['use', 'recover'] as const));
  return { who: textOf(required('who')), may };
}
