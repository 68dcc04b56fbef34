import { allSpeak, type DkgProposal, encodeTerms, parseTerms } from '@ckm/api';
import { PolicyError, UsageError } from '@ckm/foundation';
import {
  purposeGivesSecrets,
  purposeKinds,
  purposeUsesChildren,
  REQUEST_FACTS,
  requestKind,
} from '@ckm/requests';
import type { KeyOutput, KeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import { assertIdOfPurpose } from '../drills/apart.js';
import { acceptRecovery } from '../keys/accept-recovery.js';
import { CREATED } from '../keys/change-key.js';
import type { EpochRecord } from '../keys/stored/epoch-record.js';
import type { Admission, Asking, RoomMeans, RoomStep } from '../room/room.js';
import type { Seats } from '../room/seats.js';
import { certifyKey } from './complete-key.js';
import { FIRST_EPOCH } from './offer.js';

// What the rooms have in common in which a new key comes to a server: it is made there, or its owner has it whole.

/** What is looked at before a key is held here. */
interface Acceptable extends Pick<DkgProposal, 'keyId' | 'suite' | 'purpose' | 'policy'> {
  readonly exportable?: boolean | undefined;
}

/**
 * Whether this server takes part in a key of that suite for that purpose, under that policy.
 * @throws PolicyError, UsageError; EncodingError `TERMS_…`, or `CBOR_TOO_LONG`
 */
export function acceptKey(
  context: Pick<ServerContext, 'policy' | 'clock'>,
  { keyId, suite, purpose, policy, exportable }: Acceptable,
): void {
  assertIdOfPurpose({ keyId, purpose, exportable });
  const possible = purposeKinds(purpose);
  const hasChildren = exportable === true && purposeUsesChildren(purpose);
  demand(!hasChildren, 'PURPOSE_NEEDS_CHILDREN', `a key for ${purpose} has children, and is never exported`);
  const staysHere = exportable === true && purposeGivesSecrets(purpose);
  demand(!staysHere, 'PURPOSE_GIVES_SECRETS', `a key for ${purpose} gives secrets, and is never exported`);
  for (const name of policy.kinds) {
    const kind = possible.find((candidate) => candidate === name);
    demand(kind !== undefined, 'KIND_NOT_FOR_PURPOSE', `a key for ${purpose} does not answer to this kind`);
    if (!requestKind(kind).suites.includes(suite)) throw suiteNotForPurpose(suite, purpose);
  }
  // Whoever certifies terms has looked at them himself, and no further than terms may reach.
  parseTerms(encodeTerms(policy), REQUEST_FACTS);
  const verdict = context.policy.acceptKey(policy, suite, purpose, context.clock());
  if (verdict.verdict === 'refuse') throw verdict.error;
}

function suiteNotForPurpose(suite: string, purpose: string): UsageError {
  return new UsageError(`a key for ${purpose} cannot be a ${suite} key`, {
    code: 'SUITE_NOT_FOR_PURPOSE',
    hint: 'leave the suite out, so that it is chosen for the purpose',
  });
}

/** What this server's policy says against a key; null: nothing. @throws UsageError where it cannot be one */
export function refusalOf(
  context: Pick<ServerContext, 'policy' | 'clock' | 'config'>,
  proposal: Acceptable,
): Admission | null {
  // What follows other terms was certified by nobody.
  const isFirst = proposal.policy.version === undefined;
  demand(isFirst, 'TERMS_VERSION_WRONG', 'the terms of a new key follow no others, and have no number');
  try {
    acceptKey(context, proposal);
    acceptRecovery(context, proposal.policy);
    return null;
  } catch (error) {
    if (error instanceof PolicyError) return { kind: 'refusal', error };
    throw error;
  }
}

/** @throws PolicyError `QUOTA_KEYS`; StateError `KEY_ID_TAKEN` */
export async function assertRoomForKey(
  { accounts }: Pick<ServerContext, 'accounts'>,
  { account, transaction }: Asking,
  { keyId }: Pick<DkgProposal, 'keyId'>,
): Promise<void> {
  await accounts.quota.key(transaction, account);
  const existing = await transaction.keys.find(account.xid, keyId);
  demand(existing === null, 'KEY_ID_TAKEN', 'a key with this id exists');
}

/** What is known of a key while it is made. */
export type DescribedKey = Omit<EpochRecord, 'pending' | 'certified'> & { readonly staticSeed: Uint8Array };

export function describeKey(
  { suite, purpose, quorum, policy }: Pick<DkgProposal, 'suite' | 'purpose' | 'quorum' | 'policy'>,
  run: Pick<DescribedKey, 'sessionId' | 'slot' | 'parameters' | 'staticSeed'>,
): DescribedKey {
  return { suite, purpose, quorum, policy, epoch: FIRST_EPOCH, ...run };
}

/** Everybody sits in the order of the roster, and speaks in every round. */
export function seatsOf({ roster, epoch }: KeyParams, ownSlot: number, rounds: number): Seats {
  const slots = roster.map(({ slot }) => slot);
  return {
    identityKeys: roster.map(({ identityKey }) => identityKey),
    sealingKeys: roster.map(({ sealingKey }) => sealingKey),
    ownSlot,
    epoch,
    speeches: allSpeak(slots, rounds),
  };
}

/** The last step: the key is certified. */
export function finishKey(
  means: RoomMeans,
  described: DescribedKey,
  keyId: Uint8Array,
  output: KeyOutput,
): Omit<Extract<RoomStep, { readonly kind: 'finished' }>, 'says'> {
  const certified = certifyKey(means, output);
  const { transcriptHash, acknowledgement } = certified;
  return {
    kind: 'finished',
    keys: [{ kind: 'promote', expected: CREATED, record: { ...described, pending: null, certified } }],
    result: { kind: 'dkg', keyId, transcriptHash, acknowledgement },
  };
}
