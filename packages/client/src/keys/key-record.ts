import { keyPolicy, type KeyPolicy, policyHash } from '@ckm/api';
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
import {
  type KeyCertificate,
  parseCertificate,
  type PartyIndex,
  type PublicKeyPackage,
  verifyCertificate,
} from '@ckm/threshold';
import type { MarkedSpending } from '../store/marks.js';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';

/** A key as its owner's client keeps it: a name, the certificate, and which servers promised that they stored theirs. */
export interface KeyRecord {
  readonly name: string;
  readonly certificate: Uint8Array;
  readonly policy: KeyPolicy;
  readonly network: BitcoinNetwork | null;
  /** UnixSeconds */
  readonly createdAt: number;
  /** Slots whose acknowledgement was checked. A key may receive value when all of them are here. */
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
}

/** A receive address that was given to somebody. */
export interface HandedOut {
  readonly index: number;
  /** UnixSeconds */
  readonly at: number;
  /** What its owner wrote down with it. */
  readonly note: string | null;
}

/** A signature that spends something, as a kind of request tells of it. */
export interface SignedSpending extends MarkedSpending {
  /** UnixSeconds */
  readonly at: number;
}

export interface KeyComparison {
  /** `different`: at least one operator sees something else. */
  readonly outcome: 'same' | 'different';
  /** UnixSeconds */
  readonly at: number;
}

/** A key whose certificate was checked from scratch, ready for use. */
export interface CertifiedKey {
  readonly record: KeyRecord;
  /** Whether every server promised that it stored the certificate: nothing of the public half is handed out before. */
  readonly isComplete: boolean;
  readonly certificate: KeyCertificate;
  /** 32 bytes: names the epoch; what likeness, comparison and promises are about. */
  readonly transcriptHash: Uint8Array;
  readonly keyId: Uint8Array;
  readonly purpose: string;
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

export function encodeKeyRecord({ comparison, handedOut, spent, ...record }: KeyRecord): Uint8Array {
  return encodeData({
    version: 1,
    ...record,
    ...(handedOut === undefined ? {} : { handedOut: handedOut.map((one) => ({ ...one })) }),
    ...(spent === undefined ? {} : { spent: spent.map((one) => ({ ...one })) }),
    ...(comparison === undefined ? {} : { comparison: { ...comparison } }),
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseKeyRecord(path: string, bytes: Uint8Array): KeyRecord {
  const record = readRecord(path, bytes);
  const policy = keyPolicy.safeParse(record.value('policy'));
  const network = record.has('network') ? NETWORKS.find((one) => one === record.text('network')) : null;
  if (!policy.success || network === undefined) throw corrupt(path);
  // A record in the place of another would show somebody else's address under a name he trusts.
  if (keyPath(record.text('name')) !== path) throw corrupt(path);
  return {
    name: record.text('name'),
    certificate: record.bytes('certificate'),
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
    ...(record.has('spent') ? { spent: record.records('spent').map(readSpending) } : {}),
  };
}

function readHandedOut(record: RecordReader): HandedOut {
  const note = record.has('note') ? record.text('note') : null;
  return { index: record.integer('index'), at: record.integer('at'), note };
}

function readSpending(record: RecordReader): SignedSpending {
  return { by: record.text('by'), at: record.integer('at'), coins: record.bytes('coins') };
}

function readComparison(path: string, record: RecordReader): KeyComparison {
  const outcome = record.text('outcome');
  if (outcome !== 'same' && outcome !== 'different') throw corrupt(path);
  return { outcome, at: record.integer('at') };
}

/**
 * The same for a list, whose readers look into every certificate: one that cannot be read is told of and left out.
 * @throws StorageError `STORE_CORRUPT`, `KEY_CERTIFICATE_INVALID`
 */
export function parseListedKey(path: string, bytes: Uint8Array): KeyRecord {
  const record = parseKeyRecord(path, bytes);
  try {
    parseCertificate(record.certificate);
  } catch (cause) {
    throw certificateInvalid(record.name, cause);
  }
  return record;
}

/** Whether every one of that many servers promised that it stored the certificate. */
export function isComplete({ acknowledged }: Pick<KeyRecord, 'acknowledged'>, of: number): boolean {
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

/** What caches about a key are kept under: its id and its epoch, in hex. */
export function epochName({ keyId, certificate }: Pick<CertifiedKey, 'keyId' | 'certificate'>): string {
  return `${encodeHex(keyId)}-${certificate.params.epoch}`;
}

/** A checked key with what a record says of it now; null when the record is of another certificate or policy. */
export function recertify(known: CertifiedKey, record: KeyRecord): CertifiedKey | null {
  const isSame =
    equalBytes(record.certificate, known.record.certificate) &&
    equalBytes(policyHash(record.policy), known.certificate.params.termsHash);
  if (!isSame) return null;
  return { ...known, record, ...whatRecordSays(record, known.certificate, known.public) };
}

/**
 * Checks the certificate inside a record: all signatures, all proofs, and that the policy is the certified one.
 * @throws StorageError `KEY_CERTIFICATE_INVALID`
 */
export function certifyRecord(record: KeyRecord): CertifiedKey {
  try {
    const certificate = parseCertificate(record.certificate);
    const { transcriptHash, public: publicPackage } = verifyCertificate(certificate);
    const { keyId, purpose, roster } = certificate.params;
    if (!equalBytes(certificate.params.termsHash, policyHash(record.policy))) throw new TypeError('policy');
    return {
      record,
      certificate,
      transcriptHash,
      keyId,
      purpose,
      public: publicPackage,
      roster: roster.map(({ slot, serverId, url }) => ({ slot, serverId, url })),
      ...whatRecordSays(record, certificate, publicPackage),
    };
  } catch (cause) {
    throw certificateInvalid(record.name, cause);
  }
}

/** What of a key can change without its certificate. */
function whatRecordSays(
  record: KeyRecord,
  { params: { purpose } }: KeyCertificate,
  publicPackage: PublicKeyPackage,
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
