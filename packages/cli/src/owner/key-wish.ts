import { type Client, type CreateKeyArgs, draftedTerms, type KeyDraft, readTermsFile } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { optionInvalid } from '../command-line/option-values.js';
import { parsePolicyFlags, type PolicyFlags } from '../command-line/policy-flags.js';
import { parseQuorumFlag } from '../command-line/quorum-flag.js';
import { completeWishes, type KeyWishes } from '../guide/complete-wishes.js';
import { readTermsBytes } from './terms-words.js';

/** What a key is made with, as typed. */
export interface CreateFlags extends PolicyFlags, KeyWishes {
  readonly suite?: NonNullable<CreateKeyArgs['suite']>;
  readonly network?: NonNullable<CreateKeyArgs['network']>;
  readonly exportable?: true;
  /** A file. */
  readonly terms?: string;
  /** A folder. */
  readonly invitations?: string;
}

/** What says what a key shall be: without any of it, one that waits for people is gone on with. */
const POLICY = [
  'approval',
  'rate',
  'expires',
  'allowBlind',
  'kinds',
  'changes',
  'changeDelay',
  'recovery',
] as const;
const WISHES = [
  'for',
  'quorum',
  'servers',
  'suite',
  'network',
  'exportable',
  'strict',
  'terms',
  ...POLICY,
] as const;

export function isWishSaid(given: CreateFlags): boolean {
  return WISHES.some((flag) => given[flag] !== undefined);
}

interface Wished {
  readonly args: CreateKeyArgs;
  /** As it was read; empty where there are no terms. */
  readonly termsFile: Uint8Array;
}

/** What was typed, and asked for where it was not. @throws UsageError `OPTION_INVALID`; EncodingError `TERMS_FILE_…` */
export async function wishedKey(
  context: Context,
  client: Client,
  name: string,
  given: CreateFlags,
): Promise<Wished> {
  const { terminal } = context;
  if (given.terms !== undefined) assertNoPolicy(given);
  else if (given.invitations !== undefined)
    throw optionInvalid('--invitations has no meaning without --terms', 'leave it out, or name terms');
  if (given.terms === undefined) {
    const wishes = await completeWishes(terminal, client, name, given);
    return { args: argsFrom(name, { ...given, ...wishes }), termsFile: new Uint8Array(0) };
  }
  // What gives a lost share back stands in the terms: nobody is asked for it.
  const { recovery: _, ...wishes } = await completeWishes(terminal, client, name, {
    ...given,
    recovery: 'epoch',
  });
  const args = argsFrom(name, { ...given, ...wishes });
  const network = args.purpose === 'bitcoin' ? (args.network ?? 'bitcoin') : null;
  const termsFile = await readTermsBytes(given.terms);
  return {
    args: { ...args, terms: readTermsFile(termsFile, { purpose: args.purpose, network }) },
    termsFile,
  };
}

/** What waited for people. */
export function draftedKey(draft: KeyDraft): Wished {
  const { name, purpose, suite, quorum, servers, network, exportable, strict, termsFile } = draft;
  return {
    termsFile,
    args: {
      name,
      purpose,
      quorum,
      servers,
      ...(suite === null ? {} : { suite }),
      ...(network === null ? {} : { network }),
      ...(exportable ? { exportable } : {}),
      ...(strict ? { strict } : {}),
      terms: draftedTerms(draft),
    },
  };
}

/** What terms say is said once. */
function assertNoPolicy(given: CreateFlags): void {
  if (POLICY.every((flag) => given[flag] === undefined)) return;
  throw optionInvalid(
    'a policy option stands beside --terms, which says that too',
    'write it into the terms file',
  );
}

/** @throws UsageError `OPTION_INVALID`, or for a flag that is no quorum or policy */
export function argsFrom(
  name: string,
  given: CreateFlags & Required<Omit<KeyWishes, 'recovery'>>,
): CreateKeyArgs {
  const servers = given.servers.split(',').map((one) => one.trim());
  if (servers.some((one) => one === '')) {
    throw new UsageError('--servers holds an empty name', {
      code: 'OPTION_INVALID',
      hint: 'write the names with single commas between: --servers alpha,bravo,charlie',
    });
  }
  return {
    name,
    purpose: given.for,
    quorum: parseQuorumFlag(given.quorum),
    servers,
    policy: parsePolicyFlags(given),
    ...(given.suite === undefined ? {} : { suite: given.suite }),
    ...(given.network === undefined ? {} : { network: given.network }),
    ...(given.exportable === true ? { exportable: true } : {}),
    ...(given.strict === true ? { strict: true } : {}),
  };
}
