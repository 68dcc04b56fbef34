import { type Parameters, verifyIdentityStatement } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  type ChangeCertificate,
  judgeVotes,
  parseChangeCertificate,
  readinessStatement,
  verifyChange,
} from '@ckm/threshold';
import type { Call } from '../../../context.js';
import { demand } from '../../../refusals.js';
import { proveWay, readPublicEpoch, readWay } from '../../keys/past-epochs.js';
import { costOfChain } from '../../session-cost.js';
import type { Settling } from '../change-record.js';
import { readDecided } from '../chain/show-chain.js';
import { type DecidingScope, epochDiffers } from '../deciding.js';
import type { ChangeMeans } from '../means.js';
import { isSameChange, whoSignedTwice } from './fork.js';
import { namesOfOrders, readForked } from './forked-key.js';

/** The key and its epoch, and a few certificates of the next one that each hold. */
export interface Evidence extends Pick<Settling, 'certificates' | 'names' | 'twice' | 'hash'> {
  readonly before: CertifiedEpoch;
  readonly parsed: readonly ChangeCertificate[];
  readonly epochs: readonly CertifiedEpoch[];
}

/**
 * What several certificates of one epoch prove; the certificate by which this server went on must be among them.
 * @throws as `readForked`, `verifyChange`, `judgeVotes`; EncodingError as `parseChangeCertificate`; StateError `SETTLEMENT_INVALID`
 */
export async function checkEvidence(
  { context, charge }: Pick<ChangeMeans, 'context' | 'charge'>,
  { account }: Call,
  scope: DecidingScope,
  certificates: readonly Uint8Array[],
): Promise<Evidence> {
  // Each is checked, and once more for who signed twice.
  charge(account, 2 * costOfChain(certificates));
  const parsed = certificates.map(parseChangeCertificate);
  const { way, own } = await context.storage.read(async (reader) => {
    const { newest } = await readForked(context, reader, scope);
    if (newest < scope.epoch) throw epochDiffers(newest, scope.epoch);
    const isOn = newest > scope.epoch;
    const own = isOn
      ? (await readPublicEpoch(context, reader, scope, scope.epoch + 1)).certificate
      : ((await readDecided(context, reader, scope)) ?? undefined);
    return { way: await readWay(context, reader, scope, scope.epoch), own };
  });
  const before = await proveWay(context, scope, way, (proved) => charge(account, costOfChain(proved)));
  const epochs = parsed.map((one) => verifyChange(before, one, judgeVotes));
  const names = epochs.map(({ transcriptHash }) => transcriptHash);
  const isDistinct = names.every((name, i) => names.findIndex((one) => equalBytes(one, name)) === i);
  const isOwnThere =
    own === undefined || parsed.some((one) => isSameChange(one, parseChangeCertificate(own)));
  demand(
    isDistinct && isOwnThere,
    'SETTLEMENT_INVALID',
    'the certificates are not different ones of one epoch, or the one that this server has is not among them',
  );
  const hash = namesOfOrders(scope, before.transcriptHash, names)[0]!;
  return { certificates, names, twice: whoSignedTwice(before, parsed), hash, before, parsed, epochs };
}

/** So many that, but for those who signed twice, the epoch that is to count has a quorum. */
export function enoughReady(
  { epochs: [counts], before, twice }: Evidence,
  acknowledgements: Parameters<'fork.settle'>['acknowledgements'],
): boolean {
  const { params, transcriptHash } = counts!;
  const { keyId, epoch, quorum, roster } = params;
  const isDoubted = ({ serverId }: (typeof roster)[number]) =>
    twice.length < before.params.quorum.needed &&
    twice.some((slot) => equalBytes(before.params.roster[slot - 1]!.serverId, serverId));
  const ready = roster.filter((entry) => {
    const statement = readinessStatement({ keyId, epoch, slot: entry.slot, transcriptHash });
    const isSaid = acknowledgements.some(
      ({ slot, signature }) =>
        slot === entry.slot && verifyIdentityStatement(entry.identityKey, statement, signature),
    );
    return isSaid && !isDoubted(entry);
  });
  return ready.length >= quorum.needed;
}
