import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  judgeVotes,
  kindOfCertificate,
  type KeyParams,
  type KnownMembers,
  knownMembers,
  parseCertificate,
  parseChangeCertificate,
  verifyFirstEpoch,
  verifyLink,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand } from '../../../refusals.js';
import type { Transaction } from '../../../storage/storage.js';
import { proveWay, verifyWay } from '../../keys/past-epochs.js';
import { costOfChain, costOfEpochs } from '../../session-cost.js';
import type { ChangeMeans } from '../means.js';
import { type Base, readBase } from './read-past.js';
import { type EpochName, type KeyName, notShown, storeShown } from './shown-epochs.js';

/** A certificate of a chain, and the epoch that it proves. */
export interface CheckedLink {
  readonly certificate: Uint8Array;
  readonly epoch: CertifiedEpoch;
}

/** What a chain of certificates proves. */
export interface CheckedChain {
  /** What it follows on; null: it begins with the first epoch. */
  readonly base: Base | null;
  /** Transcript hash of the first epoch. */
  readonly first: Uint8Array;
  /** In order of epochs, never empty. */
  readonly links: readonly CheckedLink[];
  readonly newest: CertifiedEpoch;
}

/**
 * Checks certificates that somebody shows: all of a key, or what follows on an epoch that this server was shown or is in. Each is counted before
 * it is checked, and others get their turn between one and the next.
 * @param certificates not empty
 * @throws PolicyError `QUOTA_COST`; StateError `CERTIFICATE_OF_ANOTHER_KEY`; as `readBase`, `verifyFirstEpoch`, `verifyLink`
 */
export async function checkChain(
  { context, charge }: Pick<ChangeMeans, 'context' | 'charge'>,
  call: Call,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
): Promise<CheckedChain> {
  charge(call.account, costOfChain(certificates));
  const before = epochBefore(certificates[0]!);
  if (before !== null) charge(call.account, costOfEpochs(before.epoch));
  const name = { owner: call.account.xid, keyId };
  const base = before === null ? null : await readBase(context, context.storage, name, before);
  if (base === null) return checkLinks(keyId, base, certificates);
  const pay = (proved: readonly Uint8Array[]) => charge(call.account, costOfChain(proved));
  const way = { base: await proveWay(context, name, base.way, pay), certificates: [] };
  return checkLinks(keyId, { ...base, way }, certificates);
}

/** The epoch that a chain follows on, as its first certificate names it; null: it begins with the first epoch. */
export function epochBefore(first: Uint8Array): EpochName | null {
  if (kindOfCertificate(first) !== 'change') return null;
  const { epoch, previous } = parseChangeCertificate(first).change.next;
  return { epoch: epoch - 1, transcriptHash: previous };
}

/**
 * The same, of what its caller has counted.
 * @param base what they follow on; null: they begin with the first epoch
 * @throws StateError `CERTIFICATE_OF_ANOTHER_KEY`; as `verifyFirstEpoch`, `verifyLink`
 */
export async function checkLinks(
  keyId: Uint8Array,
  base: Base | null,
  certificates: readonly Uint8Array[],
): Promise<CheckedChain> {
  const known = base?.known ?? knownMembers();
  const links: CheckedLink[] = [];
  let newest = base === null ? null : await verifyWay(base.way);
  for (const certificate of certificates) {
    if (links.length > 0) await setImmediate();
    newest = checkLink(newest, known, certificate);
    demand(equalBytes(newest.params.keyId, keyId), 'CERTIFICATE_OF_ANOTHER_KEY', OTHER_KEY);
    known.add(newest.params.roster);
    links.push({ certificate, epoch: newest });
  }
  return { base, first: base?.first ?? links[0]!.epoch.transcriptHash, links, newest: newest! };
}

const OTHER_KEY = 'the certificate is of another key';

/** @throws as `verifyFirstEpoch`, `verifyLink` */
function checkLink(
  before: CertifiedEpoch | null,
  known: KnownMembers,
  certificate: Uint8Array,
): CertifiedEpoch {
  return before === null
    ? verifyFirstEpoch(parseCertificate(certificate))
    : verifyLink(before, known, parseChangeCertificate(certificate), judgeVotes);
}

/** What a certificate says of its epoch; checks no signature. */
export function paramsIn(certificate: Uint8Array): KeyParams {
  return kindOfCertificate(certificate) === 'change'
    ? parseChangeCertificate(certificate).change.next
    : parseCertificate(certificate).params;
}

/**
 * Stores what a chain proved, as far as it is not stored. What that follows on is held from then on: it may have been forgotten since it was read.
 * @returns how many epochs were not
 * @throws AccessError `KEY_UNKNOWN`, StateError `CHAIN_NOT_SHOWN` where it was; PolicyError `QUOTA_BYTES`, `CHAIN_TOO_LONG`
 */
export async function storeLinks(
  context: Pick<ServerContext, 'vault' | 'clock' | 'accounts'>,
  transaction: Transaction,
  account: Call['account'],
  keyId: Uint8Array,
  { base, links }: Pick<CheckedChain, 'base' | 'links'>,
): Promise<number> {
  const name = { owner: account.xid, keyId };
  await transaction.shownEpochs.hold(name.owner, keyId);
  if (base !== null && !(await isThere(transaction, name, base.name)))
    throw await notShown(transaction, name, null);
  const fresh: CheckedLink[] = [];
  for (const link of links) {
    const { params, transcriptHash } = link.epoch;
    const there = await transaction.shownEpochs.find(name.owner, keyId, params.epoch, transcriptHash);
    if (there === null) fresh.push(link);
  }
  const bytes = fresh.reduce((sum, { certificate }) => sum + certificate.length, 0);
  if (fresh.length > 0) await context.accounts.quota.bytes(transaction, account, bytes);
  for (const link of fresh) await storeShown(context, transaction, name, link);
  return fresh.length;
}

/** Whether an epoch that was read is here still: of a key that is here nothing is forgotten. */
async function isThere(
  { keys, shownEpochs }: Pick<Transaction, 'keys' | 'shownEpochs'>,
  { owner, keyId }: KeyName,
  { epoch, transcriptHash }: EpochName,
): Promise<boolean> {
  if ((await shownEpochs.find(owner, keyId, epoch, transcriptHash)) !== null) return true;
  return (await keys.find(owner, keyId)) !== null;
}
