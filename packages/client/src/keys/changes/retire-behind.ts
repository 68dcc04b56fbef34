import { parseReceipt } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { type KeyParams, parseCertificate, parseChangeCertificate } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { isSilence, type Participant } from '../../servers/ask-all.js';
import { listServerRecords } from '../../servers/servers.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import { certificatesOf, changesOf, isSameChain } from '../chain/key-chain.js';
import { askWithChain } from '../chain/show-chain.js';
import { showEpochs } from '../chain/show-epochs.js';
import type { CertifiedKey, ShareReceiptRecord } from '../key-record.js';
import { gatherAcknowledgements } from '../gather-acknowledgements.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { rosterOf, unrecordedMember } from '../roster.js';
import { type OldShare, readReceipt, withReceipts } from './receipts.js';

/** So many epochs back servers are asked what became of their shares. A server that destroys one destroys all before it. */
const MOST_EPOCHS = 16;

/** A server that had shares in epochs that are over, of which it has signed nothing that is on record here. */
interface OldHolder extends Participant {
  /** In ascending order of epochs. */
  readonly shares: readonly OldShare[];
}

/** A key with the parameters of each of its epochs, the first one first. */
interface Known {
  readonly key: CertifiedKey;
  readonly epochs: readonly KeyParams[];
}

/**
 * Has servers destroy what they still hold of epochs before the newest, where nothing on record says that they did: a server may have died
 * between one change and its end, or the computer that made it. All servers of the newest epoch say once more that they stored its
 * certificate; with that everything before it has ended. Whoever does not answer is passed over, and asked again another time.
 * @param silent names of servers that are known not to answer: they are not waited for
 * @throws UsageError `KEY_UNKNOWN`; StorageError
 */
export async function retireBehind(
  context: ClientContext,
  key: CertifiedKey,
  silent: readonly string[] = [],
): Promise<void> {
  const known = { key, epochs: certificatesOf(key.record).map(paramsIn) };
  const isHeard = ({ server }: OldHolder) =>
    !silent.includes(server.name) && !silentIn(context).has(encodeHex(server.xid));
  const holders = (await oldHolders(context, known)).filter(isHeard);
  if (holders.length === 0) return;
  const acknowledgements = await acknowledgedByAll(context, key);
  if (acknowledgements === null) return;
  const said = await Promise.all(holders.map((holder) => retireAt(context, known, holder, acknowledgements)));
  await keepReceipts(context, key, said.flat());
}

function paramsIn(certificate: Uint8Array, epoch: number): KeyParams {
  return epoch === 0 ? parseCertificate(certificate).params : parseChangeCertificate(certificate).change.next;
}

async function oldHolders(context: ClientContext, { key, epochs }: Known): Promise<OldHolder[]> {
  const recorded = await listServerRecords(context.store);
  const holders = new Map<string, { participant: Participant; shares: OldShare[] }>();
  for (const { keyId, epoch, roster } of epochs.slice(0, -1).slice(-MOST_EPOCHS)) {
    const transcriptHash = epochs[epoch + 1]!.previous;
    for (const entry of roster.filter(({ serverId }) => !isTold(key, serverId, epoch))) {
      const { slot, serverId, identityKey } = entry;
      const server = recorded.find(({ xid }) => equalBytes(xid, serverId)) ?? unrecordedMember(entry);
      if (!equalBytes(server.publicKeys.signing.bytes, identityKey)) continue;
      const name = encodeHex(serverId);
      const { participant = { slot, server }, shares = [] } = holders.get(name) ?? {};
      holders.set(name, { participant, shares: [...shares, { keyId, epoch, transcriptHash, entry }] });
    }
  }
  return [...holders.values()].map(({ participant, shares }) => ({ ...participant, shares }));
}

/** Of the last of them, one that knew of backups which may hold the share is asked again: its operator may have destroyed them since. */
function isTold(
  { record: { receipts = [] }, newest }: CertifiedKey,
  serverId: Uint8Array,
  epoch: number,
): boolean {
  const found = receipts.find((one) => one.epoch === epoch && equalBytes(one.xid, serverId));
  if (found === undefined) return false;
  if (epoch < newest.params.epoch - 1) return true;
  const { mode, shareDeleted, lastBackupAt, backups } = parseReceipt(found.receipt);
  if (mode === 'static' || !shareDeleted) return true;
  return backups === undefined ? lastBackupAt === null : backups.destroyed === backups.taken;
}

/** Null: not every server of the newest epoch has said that it is in it. */
async function acknowledgedByAll(
  context: ClientContext,
  key: CertifiedKey,
): Promise<{ slot: number; signature: Uint8Array }[] | null> {
  const { keyId, newest, record } = key;
  const members = await rosterOf(context, key);
  const certificate = changesOf(record).at(-1)!;
  if (members.length < newest.params.quorum.of) return null;
  const all = await Promise.all(
    members.map((member) =>
      orNothing(context, member, async (link) => {
        const { transcriptHash, acknowledgement } = await link.call('change.commit', { keyId, certificate });
        if (acknowledgement === null) return undefined;
        checkAcknowledgement(newest, member, { keyId, transcriptHash, acknowledgement });
        return { slot: member.slot, signature: acknowledgement };
      }),
    ),
  );
  const said = all.filter((one) => one !== undefined);
  return said.length === members.length ? said : null;
}

async function retireAt(
  context: ClientContext,
  known: Known,
  holder: OldHolder,
  acknowledgements: { slot: number; signature: Uint8Array }[],
): Promise<readonly ShareReceiptRecord[]> {
  const { keyId, newest, record } = known.key;
  const said: ShareReceiptRecord[] = [];
  await orNothing(context, holder, async (link) => {
    const at = await bringToItsLast(context, link, known, holder);
    const ended = { keyId, acknowledged: newest.params.epoch, acknowledgements };
    const certificates = certificatesOf(record).slice(at + 1);
    for (const share of holder.shares) {
      const { epoch } = share;
      const retire = (chain: Uint8Array[]) => {
        const more = chain.length === 0 ? {} : { certificates: chain };
        return link.call('change.retire', { ...ended, epoch, ...more });
      };
      said.push(readReceipt(share, holder, await askWithChain(link, keyId, certificates, retire)));
    }
    return said;
  });
  return said;
}

/**
 * Shows a server that is not among the newest ones up to where it was left out, if it has not seen that.
 * @returns the newest epoch that it has the certificate of
 */
async function bringToItsLast(
  context: ClientContext,
  link: ServerLink,
  { key: { keyId, newest, record }, epochs }: Known,
  { server }: OldHolder,
): Promise<number> {
  const { key } = await link.call('key.show', { keyId });
  if (key.left !== undefined) return key.left;
  const without = epochs.findIndex(
    ({ epoch, roster }) =>
      epoch > key.epoch && !roster.some(({ serverId }) => equalBytes(serverId, server.xid)),
  );
  if (without < 0) return key.epoch;
  const params = epochs[without]!;
  const transcriptHash = epochs[without + 1]?.previous ?? newest.transcriptHash;
  const certificates = certificatesOf(record).slice(0, without + 1);
  const members = await membersOf(context, params);
  const led = { newest: { params, transcriptHash }, certificates };
  const said = await gatherAcknowledgements(context, led, members);
  await showEpochs(link, keyId, certificates.slice(key.epoch + 1), said);
  return without;
}

/** Servers of an epoch, also those that are not on record any more. */
async function membersOf(
  { store }: Pick<ClientContext, 'store'>,
  { roster }: KeyParams,
): Promise<Participant[]> {
  const recorded = await listServerRecords(store);
  return roster.map((entry) => {
    const known = recorded.find(({ xid }) => equalBytes(xid, entry.serverId));
    return { slot: entry.slot, server: known ?? unrecordedMember(entry) };
  });
}

async function keepReceipts(
  { store }: ClientContext,
  { record }: CertifiedKey,
  fresh: readonly ShareReceiptRecord[],
): Promise<void> {
  if (fresh.length === 0) return;
  await store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, record.name);
    if (isSameChain(now, record)) await saveKeyRecord(store, withReceipts(now, fresh));
  });
}

/** Nobody's silence, refusal or lie stops it; whoever was silent is not waited for again in this process. */
async function orNothing<T>(
  context: ClientContext,
  { server }: Participant,
  work: (link: ServerLink) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(await context.linkTo(server));
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    if (isSilence(error)) silentIn(context).add(encodeHex(server.xid));
    return undefined;
  }
}

const silences = new WeakMap<ClientContext, Set<string>>();

function silentIn(context: ClientContext): Set<string> {
  const known = silences.get(context) ?? new Set<string>();
  silences.set(context, known);
  return known;
}
