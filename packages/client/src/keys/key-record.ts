import { keyTerms, type KeyTerms, policyHash } from '@ckm/api';
import {
  encodeHex,
  equalBytes,
  CkmError,
  PeerFaultError,
  type Remedy,
  StateError,
  StorageError,
} from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { BitcoinNetwork, KeyContext } from '@ckm/requests';
import type { CertifiedEpoch, PartyIndex, PublicKeyPackage } from '@ckm/threshold';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';
import { shortId } from '../store/track.js';
import {
  changesOf,
  checkChain,
  type CheckedChain,
  encodeChecked,
  encodeProved,
  isSameChain,
  type KeyChain,
  newestParams,
  readChecked,
  readProved,
} from './chain/key-chain.js';
import {
  type HandedOut,
  type KeyComparison,
  readComparison,
  readHandedOut,
  readReceipt,
  readSpending,
  type ShareReceiptRecord,
  type SignedSpending,
} from './record-fields.js';

export type { HandedOut, KeyComparison, ShareReceiptRecord, SignedSpending } from './record-fields.js';

/** A key as its owner's client keeps it: a name, its certificates, and which servers promised that they stored the newest. */
export interface KeyRecord extends KeyChain {
  readonly name: string;
  readonly policy: KeyTerms;
  readonly network: BitcoinNetwork | null;
  /** UnixSeconds */
  readonly createdAt: number;
  /** Slots whose acknowledgement of the newest epoch was checked: see {@link isComplete}. */
  readonly acknowledged: readonly number[];
  /** UnixSeconds; there when the key was fetched from its servers instead of made by this client. */
  readonly fetchedAt?: number;
  /** How many receive addresses were handed out here, from the first on; absent: none that is known of. */
  readonly addressesShown?: number;
  /** How many change addresses are in use, from the first on, as signed transactions show; absent: none that is known of. */
  readonly changesUsed?: number;
  /** The latest receive addresses, by when they were handed out. */
  readonly handedOut?: readonly HandedOut[];
  /** Who was paid with it here: 16 bytes of a hash of each, one behind the other; absent: nobody. */
  readonly paid?: Uint8Array;
  /** What was signed with it here that spends something, the latest last. */
  readonly spent?: readonly SignedSpending[];
  /** What came of comparing its likeness with what operators see; absent: not compared here. */
  readonly comparison?: KeyComparison;
  /** UnixSeconds: when this client saw its newest epoch begin; absent: it has its first. */
  readonly changedAt?: number;
  /** What servers have signed about their shares of epochs that are over, the latest last. */
  readonly receipts?: readonly ShareReceiptRecord[];
}

/** A key whose certificates were checked, ready for use. */
export interface CertifiedKey extends Pick<CheckedChain, 'newest' | 'before'> {
  readonly record: KeyRecord;
  /** Whether no server may have lost it already: nothing of the public half is handed out before. */
  readonly isComplete: boolean;
  /**
   * 32 bytes: transcript hash of the first epoch. It names the key, and its likeness shows it, through all epochs: whoever has
   * compared it once need not do so again when its shares change.
   */
  readonly transcriptHash: Uint8Array;
  readonly keyId: Uint8Array;
  readonly purpose: string;
  /** Of the newest epoch, as everything below. */
  readonly public: PublicKeyPackage;
  /** What request kinds are given. */
  readonly context: KeyContext;
  /** In order of slots. */
  readonly roster: readonly {
    readonly slot: PartyIndex;
    readonly serverId: Uint8Array;
    readonly url: string;
  }[];
}

export const KEY_FOLDER = 'keys';
export const NETWORKS: readonly BitcoinNetwork[] = ['bitcoin', 'testnet', 'signet', 'regtest'];

export function keyPath(name: string): string {
  return `${KEY_FOLDER}/${name}`;
}

export function encodeKeyRecord(whole: KeyRecord): Uint8Array {
  const { comparison, handedOut, spent, changes, checked, proved, receipts, ...record } = whole;
  return encodeData({
    version: 1,
    ...record,
    ...(receipts === undefined ? {} : { receipts: receipts.map((one) => ({ ...one })) }),
    ...(changes === undefined ? {} : { changes: [...changes] }),
    ...(checked === undefined ? {} : { checked: encodeChecked(checked) }),
    ...(proved === undefined ? {} : { proved: encodeProved(proved) }),
    ...(handedOut === undefined ? {} : { handedOut: handedOut.map((one) => ({ ...one })) }),
    ...(spent === undefined ? {} : { spent: spent.map((one) => ({ ...one })) }),
    ...(comparison === undefined ? {} : { comparison: { ...comparison } }),
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseKeyRecord(path: string, bytes: Uint8Array): KeyRecord {
  const record = readRecord(path, bytes);
  const policy = keyTerms.safeParse(record.value('policy'));
  const network = record.has('network') ? NETWORKS.find((one) => one === record.text('network')) : null;
  if (!policy.success || network === undefined) throw corrupt(path);
  // A record in the place of another would show somebody else's address under a name he trusts.
  if (keyPath(record.text('name')) !== path) throw corrupt(path);
  return {
    name: record.text('name'),
    certificate: record.bytes('certificate'),
    ...readChanges(path, record),
    ...(record.has('proved') ? { proved: readProved(path, record.record('proved')) } : {}),
    policy: policy.data,
    network,
    createdAt: record.integer('createdAt'),
    acknowledged: record.list('acknowledged').map(Number),
    ...(record.has('fetchedAt') ? { fetchedAt: record.integer('fetchedAt') } : {}),
    ...(record.has('addressesShown') ? { addressesShown: record.integer('addressesShown') } : {}),
    ...(record.has('changesUsed') ? { changesUsed: record.integer('changesUsed') } : {}),
    ...(record.has('comparison') ? { comparison: readComparison(path, record.record('comparison')) } : {}),
    ...(record.has('paid') ? { paid: record.bytes('paid') } : {}),
    ...(record.has('handedOut') ? { handedOut: record.records('handedOut').map(readHandedOut) } : {}),
    ...(record.has('changedAt') ? { changedAt: record.integer('changedAt') } : {}),
    ...(record.has('receipts') ? { receipts: record.records('receipts').map(readReceipt) } : {}),
    ...(record.has('spent') ? { spent: record.records('spent').map(readSpending) } : {}),
  };
}

function readChanges(path: string, record: RecordReader): Pick<KeyRecord, 'changes' | 'checked'> {
  if (!record.has('changes')) return {};
  const changes = record.list('changes').map((one) => {
    if (one instanceof Uint8Array) return one;
    throw corrupt(path);
  });
  return record.has('checked')
    ? { changes, checked: readChecked(path, record.record('checked')) }
    : { changes };
}

/**
 * The same for a list, whose readers look into every certificate: one that cannot be read is told of and left out.
 * @throws StorageError `STORE_CORRUPT`, `KEY_CERTIFICATE_INVALID`
 */
export function parseListedKey(path: string, bytes: Uint8Array): KeyRecord {
  const record = parseKeyRecord(path, bytes);
  try {
    newestParams(record);
  } catch (cause) {
    throw certificateInvalid(record.name, cause);
  }
  return record;
}

/**
 * Whether no server may have lost a key already: every one of that many promised that it stored the certificate of the first
 * epoch. Those of a later one stored their shares before they signed for it, so that there is no such gap.
 */
export function isComplete(record: Pick<KeyRecord, 'acknowledged' | 'changes'>, of: number): boolean {
  const { acknowledged } = record;
  if (changesOf(record).length > 0) return true;
  return Array.from({ length: of }, (_, i) => i + 1).every((slot) => acknowledged.includes(slot));
}

/**
 * Refuses a key that some server may have lost already: whoever received value with it could not be helped.
 * @throws StateError `KEY_NOT_USABLE`
 */
export function requireUsable(key: CertifiedKey): CertifiedKey {
  if (key.isComplete) return key;
  throw new StateError(
    `key ${key.record.name} is not ready: not every server has promised to have stored it`,
    { code: 'KEY_NOT_USABLE', hint: 'finish it first', remedy: remedyFor(key.record) },
  );
}

/**
 * The same for signing. A key that was fetched has been complete before: with it, what is left of its servers may rescue
 * what it holds.
 * @throws StateError `KEY_NOT_USABLE`
 */
export function requireSignable(key: CertifiedKey): CertifiedKey {
  return key.record.fetchedAt === undefined ? requireUsable(key) : key;
}

/** How a key that is not complete becomes so. */
export function remedyFor({ fetchedAt }: Pick<KeyRecord, 'fetchedAt'>): Remedy {
  return { kind: fetchedAt === undefined ? 'resumeSession' : 'fetchKeys' };
}

/** What caches about a key are kept under: its id, its epoch, and by which certificate that is, in hex. */
export function epochName({ keyId, newest }: Pick<CertifiedKey, 'keyId' | 'newest'>): string {
  return `${encodeHex(keyId)}-${newest.params.epoch}-${shortId(newest.transcriptHash)}`;
}

/** A checked key with what a record says of it now; null when the record is of other certificates or policy. */
export function recertify(known: CertifiedKey, record: KeyRecord): CertifiedKey | null {
  const isSame =
    isSameChain(record, known.record) && equalBytes(policyHash(record.policy), known.newest.params.termsHash);
  if (!isSame) return null;
  return { ...known, record, ...whatRecordSays(record, known.newest) };
}

/**
 * Checks the certificates inside a record, as far as it holds no note that this was done: all signatures, all proofs, all votes,
 * and that the policy is the certified one.
 * @throws StorageError `KEY_CERTIFICATE_INVALID`
 */
export function certifyRecord(record: KeyRecord): CertifiedKey {
  try {
    const { first: transcriptHash, newest, before } = checkChain(record);
    const { keyId, purpose, roster, termsHash } = newest.params;
    if (!equalBytes(termsHash, policyHash(record.policy))) throw new TypeError('policy');
    return {
      record,
      newest,
      before,
      transcriptHash,
      keyId,
      purpose,
      public: newest.public,
      roster: roster.map(({ slot, serverId, url }) => ({ slot, serverId, url })),
      ...whatRecordSays(record, newest),
    };
  } catch (cause) {
    throw certificateInvalid(record.name, cause);
  }
}

/** What of a key can change without its certificates. */
function whatRecordSays(
  record: KeyRecord,
  { params: { purpose }, public: publicPackage }: CertifiedEpoch,
): Pick<CertifiedKey, 'isComplete' | 'context'> {
  const { name, network, addressesShown = 0, changesUsed = 0 } = record;
  return {
    isComplete: isComplete(record, publicPackage.quorum.of),
    context: {
      name,
      suite: publicPackage.suite,
      purpose,
      public: publicPackage,
      ...(network === null ? {} : { network }),
      usedIndex: {
        ...(addressesShown === 0 ? {} : { receive: addressesShown - 1 }),
        ...(changesUsed === 0 ? {} : { change: changesUsed - 1 }),
      },
    },
  };
}

function certificateInvalid(name: string, cause: unknown): StorageError {
  if (cause instanceof CkmError && cause.code === 'CERTIFICATE_KIND_UNKNOWN') {
    return new StorageError(`the stored certificate of key ${name} is of a kind this version does not know`, {
      code: 'KEY_CERTIFICATE_INVALID',
      hint: 'bring this program up to date',
      remedy: { kind: 'updateSoftware' },
      cause,
    });
  }
  const why = cause instanceof PeerFaultError ? cause.code : 'it cannot be read';
  return new StorageError(`the stored certificate of key ${name} does not hold: ${why}`, {
    code: 'KEY_CERTIFICATE_INVALID',
    hint: `move the record ${keyPath(name)} away, then get the key back from its servers`,
    remedy: { kind: 'fetchKeys' },
    cause,
  });
}
