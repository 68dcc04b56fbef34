import type { RepairTargetProposal } from '@ckm/api';
import { equalBytes, wipe } from '@ckm/foundation';
import { type CertifiedEpoch, encodeKeyParams, type RosterEntry } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import type { Reader } from '../../storage/storage.js';
import { checkLinks, epochBefore, paramsIn } from '../changes/chain/check-chain.js';
import { readBase, type Readings } from '../changes/chain/read-past.js';
import { staticKeyFrom } from '../dkg/offer.js';
import { assertCertified, assertVersion } from '../keys/certified-policy.js';
import { findOwnEntry } from '../keys/own-entry.js';
import { openHead } from '../keys/stored/key-head.js';
import { isShareHere, readEpoch } from '../keys/stored/read-key.js';
import { otherEpoch } from './held-key.js';
import { type PassedEpoch, passedBy } from './passed-epochs.js';
import { assertBehind, assertCounted, assertOfNobodyElse } from './same-key.js';

/** The key whose share is lost, as the certificates prove it that its owner shows. */
export interface ShownKey {
  readonly key: CertifiedEpoch;
  /** Of this server. */
  readonly own: RosterEntry;
  /** Every epoch up to it. */
  readonly passed: readonly PassedEpoch[];
}

/**
 * Checks what the owner shows of a key: all certificates, or those behind what this server was shown before. Nothing else is believed of it.
 * @throws EncodingError, PeerFaultError as `verifyChain`; StateError `POLICY_NOT_CERTIFIED`, `CERTIFICATE_OF_ANOTHER_KEY`; as `readBase`
 */
export async function readShownKey(
  context: Pick<ServerContext, 'vault' | 'identity'>,
  reader: Reader,
  owner: Uint8Array,
  { chain, keyId, epoch, policy }: RepairTargetProposal,
): Promise<ShownKey> {
  const params = paramsIn(chain.at(-1)!);
  const isAsked = equalBytes(params.keyId, keyId) && params.epoch === epoch;
  demand(isAsked, 'CERTIFICATE_OF_ANOTHER_KEY', 'the certificate is of another key or epoch');
  const own = findOwnEntry(context.identity, params);
  if (own === null) throw refusal('CERTIFICATE_OF_ANOTHER_KEY', 'this server is not one of those of the key');
  assertCertified(params, policy);
  const name = { owner, keyId };
  const before = epochBefore(chain[0]!);
  const here: Readings = { read: (work) => work(reader) };
  const base = before === null ? null : await readBase(context, here, name, before);
  const key = (await checkLinks(keyId, base, chain)).newest;
  assertVersion(key, policy);
  return { key, own, passed: await passedBy(context, reader, name, chain, key.transcriptHash) };
}

/**
 * Refuses at once where the share of that very epoch is here, before a chain that was shown in pages is walked through: it may lead through thousands of epochs. Nothing
 * of it is believed: what is said of any other, and of a forked key, is found behind that.
 * @throws StateError `SHARE_NOT_LOST`; StorageError `ROW_TAMPERED`
 */
export async function assertNotHere(
  context: Pick<ServerContext, 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  owner: Uint8Array,
  { chain, keyId, epoch }: RepairTargetProposal,
): Promise<void> {
  if (epochBefore(chain[0]!) === null) return;
  const row = await reader.keys.find(owner, keyId);
  if (row === null || row.epoch !== epoch || row.state !== 'active') return;
  const head = openHead(context, row);
  if (head.left !== undefined || head.forked !== undefined) return;
  const { parameters } = await readEpoch(context, reader, row, head);
  if (!equalBytes(parameters, encodeKeyParams(paramsIn(chain.at(-1)!)))) return;
  demand(!(await isShareHere(context, reader, row)), 'SHARE_NOT_LOST', 'this server has its share');
}

/**
 * Refuses a loss that is none: the share is here, or this server can take it from the certificate, which needs nobody's help. One
 * that was restored from a backup of an earlier epoch has lost those since.
 * @throws StateError `SHARE_NOT_LOST`, `SHARE_RESTORABLE`, `KEY_EPOCH_DIFFERS`, `CERTIFICATE_OF_ANOTHER_KEY`; as {@link assertCounted}
 */
export async function assertLost(
  context: Pick<ServerContext, 'epochKeys' | 'staticSeeds' | 'vault' | 'events'>,
  reader: Reader,
  owner: Uint8Array,
  { key, own, passed }: ShownKey,
): Promise<void> {
  const { keyId, epoch } = key.params;
  await assertOfNobodyElse(context, reader, { owner, keyId, passed });
  const row = await reader.keys.find(owner, keyId);
  const left = row === null ? undefined : openHead(context, row).left;
  if (left !== undefined && left.epoch >= epoch) throw otherEpoch(left.epoch, epoch);
  if (row !== null) await assertCounted(context, reader, row, passed);
  if (row !== null && row.epoch !== epoch) return assertBehind(context, reader, row, passed);
  const isThere = row !== null && (await isShareHere(context, reader, row));
  demand(!(isThere && row.state === 'active'), 'SHARE_NOT_LOST', 'this server has its share');
  const isRestorable = isThere || isDerivable(context, owner, key, own);
  demand(!isRestorable, 'SHARE_RESTORABLE', 'this server can take its share from the certificate');
}

/** Whether static backup gives the static key that is certified: with it the certificate opens. */
function isDerivable(
  { staticSeeds }: Pick<ServerContext, 'staticSeeds'>,
  owner: Uint8Array,
  { params }: CertifiedEpoch,
  own: RosterEntry,
): boolean {
  const { suite, keyId, epoch } = params;
  const seed = staticSeeds.derive({ owner, suite, keyId, epoch });
  const { staticKey, staticSecret } = staticKeyFrom(params, seed);
  seed.fill(0);
  wipe(staticSecret);
  return equalBytes(staticKey, own.staticKey);
}
