import type { KeyPolicy, KeyTerms } from '@ckm/api';
import { formatSpan } from '@ckm/foundation';
import { Option } from 'commander';
import { counted } from '../terminal/counted.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { optionInvalid, parseDuration, parseMoment, parseRate } from './option-values.js';

/** What the owner asks every server of a key to enforce, as flags. */
export interface PolicyFlags {
  readonly approval?: 'automatic' | 'operator';
  readonly rate?: string;
  readonly expires?: string;
  readonly allowBlind?: true;
  readonly kinds?: string;
  readonly changes?: 'automatic' | 'operator';
  readonly changeDelay?: keyof typeof CHANGE_DELAYS;
  /** In the parameters of the key itself, not in its policy. */
  readonly strict?: true;
  readonly recovery?: Recovery;
}

/** What gives a server its lost share back. */
export type Recovery = NonNullable<KeyPolicy['recovery']>;

/** What gives a server its share back that it lost, and what that costs, in one sentence. */
const RECOVERIES: Readonly<Record<Recovery, string>> = {
  epoch: 'its backup or the other servers give it back; a refresh can heal what was stolen',
  static: 'its identity file alone gives it back; no refresh heals theft of a quorum of those files',
};

/** How long servers wait before they change who holds a key. Seconds. */
export const CHANGE_DELAYS = { '0': 0, '24h': 86_400, '7d': 604_800 } as const;

const GROUP = 'Policy, certified with the key:';

export function policyOptions(): readonly Option[] {
  return [
    new Option('--approval <who>', 'operator: each request waits until the operators say yes').choices([
      'automatic',
      'operator',
    ]),
    new Option('--rate <limit>', 'at most so many requests in so long: 10/1h'),
    new Option('--expires <when>', 'answers nothing from then on: 2027-12-31, or 90d'),
    new Option('--allow-blind', 'content that cannot be described may be signed'),
    new Option(
      '--changes <who>',
      'who says yes before other servers hold the key; default: operator',
    ).choices(['automatic', 'operator']),
    new Option('--change-delay <time>', 'how long each server waits before that; default: 24h').choices(
      Object.keys(CHANGE_DELAYS),
    ),
    new Option(
      '--strict',
      'so many servers decide on a change of them that a few liars cannot fork the key; fixed for ever',
    ),
    new Option('--recovery <how>', 'what gives a server its lost share back; default: epoch').choices(
      Object.keys(RECOVERIES),
    ),
    new Option('--kinds <kinds>', 'fewer request kinds than the purpose allows, separated by commas'),
  ].map((option) => option.helpGroup(GROUP));
}

/** @throws UsageError `OPTION_INVALID` */
export function parsePolicyFlags(flags: PolicyFlags): Partial<KeyPolicy> {
  return {
    ...(flags.approval === undefined ? {} : { approval: flags.approval }),
    ...(flags.rate === undefined ? {} : { rateLimit: parseRate('--rate', flags.rate) }),
    ...(flags.expires === undefined ? {} : { expiresAt: parseExpiry(flags.expires) }),
    ...(flags.allowBlind === true ? { blindAllowed: true } : {}),
    ...(flags.changes === undefined ? {} : { changes: flags.changes }),
    ...(flags.changeDelay === undefined ? {} : { changeDelay: CHANGE_DELAYS[flags.changeDelay] }),
    // What is usual stands in no policy.
    ...(flags.recovery === 'static' ? { recovery: flags.recovery } : {}),
    ...(flags.kinds === undefined ? {} : { kinds: flags.kinds.split(',').map((one) => one.trim()) }),
  };
}

/** A policy as lines of label and value. */
export function policyLines(policy: KeyTerms): string[] {
  const { kinds, rateLimit, expiresAt, blindAllowed, approval } = policy;
  const limit =
    rateLimit === null ? '' : `, at most ${rateLimit.count} in ${formatSpan(rateLimit.perSeconds)}`;
  const end = expiresAt === null ? '' : `, until ${formatInstant(expiresAt, unixNow())}`;
  const who =
    approval === 'operator' ? 'each request waits for the operators' : 'signs without asking its operator';
  return [
    `Policy  ${kinds.join(', ')}; ${who}${limit}${end}${blindAllowed ? ', blind signing allowed' : ''}`,
    ...peopleLines(policy),
    ...changeLines(policy),
  ];
}

/** Only of terms that have more than a policy; ckm terms show says all of them. */
function peopleLines({ approvals, approvers, version = 0 }: KeyTerms): string[] {
  if (approvals === undefined && approvers === undefined && version === 0) return [];
  const rules = `${counted(approvals?.length ?? 0, 'rule')} for requests`;
  const people = (approvers ?? []).map(({ name }) => name).join(', ');
  return [`Terms   number ${version}; ${rules}${people === '' ? '' : `, may ask ${people}`}`];
}

/** Only where a key says something else than what is usual. */
function changeLines(policy: KeyPolicy): string[] {
  return policy.changes === undefined && policy.changeDelay === undefined ? [] : [changeLine(policy)];
}

function changeLine({ changes, changeDelay = CHANGE_DELAYS['24h'] }: KeyPolicy): string {
  const who = changes === 'automatic' ? 'without asking operators' : 'with the yes of every operator';
  const delay = changeDelay === 0 ? 'at once' : `after ${formatSpan(changeDelay)}`;
  return `Changes of servers or quorum ${who}, ${delay}`;
}

/** The policy of a key that is to be made: the rules of changes too where nobody chose them, because they are certified with it. */
export function wishedPolicyLines(policy: KeyPolicy): string[] {
  const lines = policyLines(policy);
  if (changeLines(policy).length > 0) return lines;
  return [
    ...lines,
    changeLine(policy),
    '        (as long as the key lives; otherwise: --changes, --change-delay)',
  ];
}

/** How a server of a key gets a lost share back. */
export function recoveryText({ recovery = 'epoch' }: Pick<KeyPolicy, 'recovery'>): string {
  return `${recovery}: when a server loses its share, ${RECOVERIES[recovery]}`;
}

/** What leave to export a key means, and under which conditions of its policy it is given out. */
export function exportLines({ changes, changeDelay = CHANGE_DELAYS['24h'] }: KeyPolicy): string[] {
  const who = changes === 'automatic' ? 'asking no operator' : 'each with the yes of its operator';
  const delay = changeDelay === 0 ? 'at once' : `after ${formatSpan(changeDelay)}`;
  const isOpen = changes === 'automatic' && changeDelay === 0;
  return [
    `its servers may give it out, whole: ${who}, ${delay}`,
    ...(isOpen
      ? ['whoever holds this computer, unlocked, can have it: nobody is asked and nothing waits']
      : []),
  ];
}

function parseExpiry(text: string): number {
  const isSpan = /^[0-9]+[smhd]$/.test(text);
  const at = isSpan ? unixNow() + parseDuration('--expires', text) : parseMoment('--expires', text);
  if (at <= unixNow()) throw optionInvalid('--expires is in the past', 'name a time in the future');
  return at;
}
