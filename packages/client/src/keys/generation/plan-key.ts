import { type DkgProposal, type ImportProposal, keyTerms, type KeyTerms } from '@ckm/api';
import { UsageError } from '@ckm/foundation';
import {
  type BitcoinNetwork,
  DRILL,
  purposeGivesSecrets,
  purposeKinds,
  purposeSuite,
  purposeUsesChildren,
  requestKind,
} from '@ckm/requests';
import { parseQuorum, type Quorum, type SuiteName } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import { parseName } from '../../store/names.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { showServerRecord } from '../../servers/servers.js';
import { newSession } from '../../sessions/run-session.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import type { WrittenTerms } from '../../terms/file/terms-file.js';
import { newKeyTerms } from '../../terms/drafts/new-key-terms.js';
import { assertNameFree, GENERATION } from '../free-name.js';

/** What a key is made for: the name of a request kind. */
export type KeyPurpose = string;

export interface CreateKeyArgs {
  readonly name: string;
  readonly purpose: KeyPurpose;
  /** Default: the purpose's own. */
  readonly suite?: SuiteName;
  readonly quorum: Quorum;
  /** The owner's names of the servers, in order of slots. */
  readonly servers: readonly string[];
  /** What differs from: the purpose's kinds, no limit, no expiry, no blind signing, no approval. */
  readonly policy?: Partial<KeyTerms>;
  /** In the place of `policy`: terms as they were written, whose approvers have answered invitations to a key of this name. */
  readonly terms?: WrittenTerms;
  /** Whose addresses are shown; Bitcoin keys only. */
  readonly network?: BitcoinNetwork;
  /** Whether its servers may give it out later, to its owner; fixed for ever, and such a key has no children. Default: no. */
  readonly exportable?: boolean;
  /**
   * Whether so many of its servers decide on each change of them that fewer liars than the quorum cannot fork the key (2 of 3: all three);
   * fixed for ever. With more of them gone for good than may be missing then, its servers never change again. Default: no.
   */
  readonly strict?: boolean;
  /** How long the ceremony may take. */
  readonly expiresInSeconds?: number;
}

/** What making a key will ask of whom: nothing has been sent or written. */
export interface KeyPlan {
  readonly proposal: Omit<DkgProposal, 'keyId'>;
  readonly network: BitcoinNetwork | null;
  readonly servers: readonly ServerRecord[];
  /** 32 bytes; absent: it is drawn when the key is made. */
  readonly keyId?: Uint8Array;
}

const DEFAULT_LIFETIME_SECONDS = 86_400;

/**
 * Checks everything about a new key that can be checked here.
 * @throws UsageError `NAME_INVALID`, `KEY_EXISTS`, `PURPOSE_UNKNOWN`, `PURPOSE_SUITE_MISMATCH`, `PURPOSE_NEEDS_CHILDREN`, `PURPOSE_GIVES_SECRETS`,
 * `QUORUM_SERVERS_MISMATCH`, `SERVERS_NOT_DISTINCT`, `SERVER_UNKNOWN`, `POLICY_INVALID`; EncodingError `QUORUM_INVALID`; as {@link newKeyTerms}
 */
export async function planKey(context: ClientContext, args: CreateKeyArgs): Promise<KeyPlan> {
  const name = parseName('key', args.name);
  if (args.purpose === DRILL) throw madeByDrills();
  const suite = args.suite ?? purposeSuite(args.purpose);
  if (!purposeKinds(args.purpose).every((kind) => requestKind(kind).suites.includes(suite))) {
    throw suiteMismatch(args.purpose, suite);
  }
  if (args.network !== undefined && args.purpose !== 'bitcoin') throw networkNotUsed();
  const exportable = args.exportable === true;
  const strict = args.strict === true;
  if (exportable && purposeUsesChildren(args.purpose)) throw needsChildren(args.purpose);
  if (exportable && purposeGivesSecrets(args.purpose)) throw givesSecrets(args.purpose);
  const quorum = parseQuorum(args.quorum);
  if (args.servers.length !== quorum.of) throw countMismatch(quorum, args.servers.length);
  const plain = parsePolicy(args);
  await assertNameFree(context, name);
  const servers: ServerRecord[] = [];
  for (const server of args.servers) servers.push(await showServerRecord(context.store, server));
  if (new Set(servers.map(({ name: one }) => one)).size !== servers.length) throw notDistinct();
  const asked = args.terms === undefined ? null : await newKeyTerms(context, name, servers, args.terms);
  const policy = asked === null ? plain : parsePolicy({ purpose: args.purpose, policy: asked.terms });
  return {
    ...(asked === null ? {} : { keyId: asked.keyId }),
    proposal: {
      kind: GENERATION,
      suite,
      purpose: args.purpose,
      quorum,
      policy,
      ...(exportable ? { exportable } : {}),
      ...(strict ? { strict } : {}),
    },
    network: args.purpose === 'bitcoin' ? (args.network ?? 'bitcoin') : null,
    servers,
  };
}

/** Before its key has an id. */
type Unnamed<P> = Omit<P, 'keyId'>;

/** The stored beginning of a ceremony from which a key comes, with fresh ids. */
export function sessionFromPlan(
  context: ClientContext,
  plan: Omit<KeyPlan, 'proposal'> & { readonly proposal: Unnamed<DkgProposal> | Unnamed<ImportProposal> },
  args: Pick<CreateKeyArgs, 'name' | 'expiresInSeconds'>,
): SessionRecord {
  return newSession(context, {
    proposal: { ...plan.proposal, keyId: plan.keyId ?? context.random(32) },
    servers: plan.servers,
    keyName: args.name,
    notes: { network: plan.network },
    lifetimeSeconds: lifetimeOf(args),
  });
}

function lifetimeOf({ expiresInSeconds }: Pick<CreateKeyArgs, 'expiresInSeconds'>): number {
  return expiresInSeconds ?? DEFAULT_LIFETIME_SECONDS;
}

/** The policy that is wished for, with what is usual where nothing is said. @throws UsageError `POLICY_INVALID` */
export function parsePolicy(args: Pick<CreateKeyArgs, 'purpose' | 'policy'>): KeyTerms {
  const kinds = purposeKinds(args.purpose);
  const wanted = {
    kinds: [...kinds],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: false,
    approval: 'automatic',
    ...args.policy,
  };
  const parsed = keyTerms.safeParse(wanted);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0]);
    throw policyInvalid(POLICY_FIELDS[field as keyof KeyTerms] ?? 'it has a field that no policy has');
  }
  const stranger = parsed.data.kinds.find((kind) => !kinds.some((known) => known === kind));
  if (stranger !== undefined) throw policyInvalid(`a key for ${args.purpose} never answers to ${stranger}`);
  return parsed.data;
}

function suiteMismatch(purpose: string, suite: string): UsageError {
  return new UsageError(`a key for ${purpose} cannot be of suite ${suite}`, {
    code: 'PURPOSE_SUITE_MISMATCH',
    hint: `leave the suite out: it follows from the purpose`,
  });
}

/** It has no place among the keys of its owner. */
function madeByDrills(): UsageError {
  return new UsageError('a key for a drill is made and forgotten by the drill itself', {
    code: 'PURPOSE_UNKNOWN',
    hint: 'make the key for what it shall sign',
  });
}

/** What is derived hangs on the id that the key was made under, which no file of the key alone brings along. */
export function givesSecrets(purpose: string): UsageError {
  return new UsageError(
    `a key for ${purpose} stays with its servers: elsewhere it would give other secrets`,
    {
      code: 'PURPOSE_GIVES_SECRETS',
      hint: 'make one without leave to export it, and keep what must outlive its servers in another place too',
    },
  );
}

function needsChildren(purpose: string): UsageError {
  return new UsageError(`a key for ${purpose} has children, and one with children is never exported`, {
    code: 'PURPOSE_NEEDS_CHILDREN',
    hint: 'make it without leave to export it: whoever had the key and one child had all of them',
  });
}

function networkNotUsed(): UsageError {
  return new UsageError('only a key for bitcoin has a network', {
    code: 'PURPOSE_SUITE_MISMATCH',
    hint: 'leave the network out, or make the key for bitcoin',
  });
}

function countMismatch({ needed, of }: Quorum, servers: number): UsageError {
  return new UsageError(`a quorum ${needed} of ${of} needs ${of} servers, and ${servers} are named`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: `name exactly ${of} servers, or another quorum`,
  });
}

function notDistinct(): UsageError {
  return new UsageError('the same server is named twice', {
    code: 'SERVERS_NOT_DISTINCT',
    hint: 'name different servers: one operator with two shares would count twice',
  });
}

/** What each field has to be, for people. */
const POLICY_FIELDS: Readonly<Record<keyof KeyTerms, string>> = {
  kinds: 'it has to name 1 to 16 kinds of request',
  rateLimit: 'a rate is 1 to 1,000,000 requests in 1 second to 365 days',
  expiresAt: 'its end is not a moment in time',
  blindAllowed: 'whether blind signing is allowed is yes or no',
  approval: 'approval is automatic, or by the operator',
  changes: 'a change of who holds the key is automatic, or by the operator',
  changeDelay: 'a change waits for nothing, 24 hours or 7 days',
  recovery: 'a lost share comes back by recovery epoch, or static',
  version: 'the terms of a new key have no number',
  previous: 'the terms of a new key follow no others',
  approvals: 'a rule for requests has a member that it cannot have',
  change: 'the rule for changes has a member that it cannot have',
  silence: 'the rule for silence has a member that it cannot have',
  ownerKey: 'the key of its owner is 32 bytes',
  approvers: 'an approver has a member that he cannot have',
};

function policyInvalid(why: string): UsageError {
  return new UsageError(`the policy cannot be used: ${why}`, {
    code: 'POLICY_INVALID',
    hint: 'correct the field named',
    remedy: { kind: 'createKey' },
  });
}
