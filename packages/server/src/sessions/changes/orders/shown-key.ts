import { type Parameters, versionOf } from '@ckm/api';
import { encodeKeyParams, parseChangeCertificate } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { acceptKey } from '../../dkg/new-key.js';
import { assertCertified, assertVersion } from '../../keys/certified-policy.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { type CheckedChain, type CheckedLink, checkChain } from '../chain/check-chain.js';
import { type EpochName, findOwn, firstOther, type KeyName } from '../chain/shown-epochs.js';
import type { JoiningKey } from '../change-record.js';
import { isOfRoster } from '../deciding.js';
import { noteFork } from '../forks/fork.js';
import type { ChangeMeans } from '../means.js';

/** A key that this server is to join, and the chain that shows it. */
export interface ShownKey {
  readonly joining: JoiningKey;
  readonly chain: CheckedChain;
}

/**
 * What certificates prove of a key that this server is to join: all of them, or those behind what it was shown in pages.
 * @throws AccessError `KEY_UNKNOWN` for an empty chain, or where this server is of the deciding epoch: it has lost the key, or the
 * account is another one; as {@link checkChain}
 */
export async function readShown(
  means: ChangeMeans,
  call: Call,
  { order, chain: certificates, policy }: Parameters<'change.propose'>,
): Promise<ShownKey> {
  const { context } = means;
  if (certificates.length === 0) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const chain = await checkChain(means, call, order.keyId, certificates);
  await assertNotForked(means, call, order.keyId, chain);
  const { params } = chain.newest;
  const isIt = params.epoch === order.epoch;
  demand(isIt, 'CERTIFICATE_OF_ANOTHER_KEY', 'the chain ends in another epoch');
  if (isOfRoster(context, params.roster)) throw refusal('KEY_UNKNOWN', 'there is no such key');
  // Later ones than were certified are for the old members to vouch for: this server takes a share under no others.
  if (versionOf(policy) <= chain.newest.termsVersion) {
    assertCertified(params, policy);
    assertVersion(chain.newest, policy);
  }
  const { suite, purpose, flags } = params;
  acceptKey(context, { keyId: params.keyId, suite, purpose, policy, exportable: flags.exportable });
  const joining = {
    policy,
    chain: chain.base === null ? certificates : [],
    first: chain.first,
    parameters: encodeKeyParams(params),
    ...provedBy(chain.newest),
  };
  return { joining, chain };
}

/**
 * A server that had left the key knows certificates of it: a chain that leads through another one of the same epoch shows that old members signed twice.
 * @throws as `noteFork` returns and throws
 */
async function assertNotForked(
  means: ChangeMeans,
  call: Call,
  keyId: Uint8Array,
  { base, links }: CheckedChain,
): Promise<void> {
  const name = { owner: call.account.xid, keyId };
  // What was shown before was compared when it was walked through, slice by slice.
  const other = base?.other ?? (await otherOf(means.context, name, links));
  // Another first epoch is another key.
  if (other === null || other.epoch === 0) return;
  const { certificate: bytes, epoch } = other;
  const shown = { bytes, certificate: parseChangeCertificate(bytes) };
  throw await noteFork(means, call, { ...name, epoch: epoch - 1 }, shown);
}

/** The first of these epochs of which this server keeps another certificate; null: of none. */
async function otherOf(
  context: ServerContext,
  name: KeyName,
  links: readonly CheckedLink[],
): Promise<(EpochName & Pick<CheckedLink, 'certificate'>) | null> {
  const newestFirst = links.toReversed().map(({ certificate, epoch: { params, transcriptHash } }) => ({
    epoch: params.epoch,
    transcriptHash,
    certificate,
  }));
  return context.storage.read(async (reader) =>
    firstOther(context, reader, await findOwn(context, reader, name), newestFirst),
  );
}
