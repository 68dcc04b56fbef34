import { equalBytes } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import {
  type CertifiedEpoch,
  type ChangeMemory,
  encodeKeyParams,
  judgeVotes,
  type KeyParams,
  knownMembers,
  parseCertificate,
  parseChangeCertificate,
  parseKeyParams,
  type PublicKeyPackage,
  verifyChain,
  verifyChange,
  verifyFirstEpoch,
} from '@ckm/threshold';
import { sha256 } from '@noble/hashes/sha2.js';
import { corrupt, type RecordReader } from '../../store/record-reader.js';

/** The certificates of a key, from its first epoch to its newest. */
export interface KeyChain {
  /** Of the first epoch. */
  readonly certificate: Uint8Array;
  /** Of each change since, in order; absent: the first epoch is the newest. */
  readonly changes?: readonly Uint8Array[];
  /** The epoch before the newest, as this client has checked it; absent: all certificates are checked again. */
  readonly checked?: CheckedEpoch;
  /** The newest epoch, as this client has checked it; absent: its certificate is checked again. */
  readonly proved?: ProvedEpoch;
}

/**
 * An epoch that was checked from scratch when its record was written. Records carry a code under the owner's seed, so that it
 * need not be checked again by every command: that took 17 of 400 ms.
 */
export interface CheckedEpoch {
  /** Of the first epoch. */
  readonly first: Uint8Array;
  readonly epoch: CertifiedEpoch;
}

/** The same of the newest epoch, with what was checked: other bytes are another certificate. */
export interface ProvedEpoch extends CheckedEpoch {
  /** 32 bytes: SHA-256 of the newest certificate. */
  readonly certificateHash: Uint8Array;
}

/** What the certificates of a key prove. */
export interface CheckedChain {
  /** 32 bytes: transcript hash of the first epoch, which names the key as long as it lives. */
  readonly first: Uint8Array;
  readonly newest: CertifiedEpoch;
  /** The epoch before the newest; null where the first is the newest. */
  readonly before: CertifiedEpoch | null;
}

/** Whether two chains are the same bytes. */
export function isSameChain(one: KeyChain, other: KeyChain): boolean {
  const [mine, theirs] = [certificatesOf(one), certificatesOf(other)];
  return mine.length === theirs.length && mine.every((bytes, i) => equalBytes(bytes, theirs[i]!));
}

export function changesOf({ changes = [] }: Pick<KeyChain, 'changes'>): readonly Uint8Array[] {
  return changes;
}

/** The chain in something that holds one. */
export function chainOf({ certificate, changes, checked, proved }: KeyChain): KeyChain {
  return {
    certificate,
    ...(changes === undefined ? {} : { changes }),
    ...(checked === undefined ? {} : { checked }),
    ...(proved === undefined ? {} : { proved }),
  };
}

/** All certificates, the first epoch's first. */
export function certificatesOf(chain: KeyChain): readonly Uint8Array[] {
  return [chain.certificate, ...changesOf(chain)];
}

/** What the newest certificate says of its epoch; checks no signature. @throws as `parseCertificate`, `parseChangeCertificate` */
export function newestParams(chain: KeyChain): KeyParams {
  const last = changesOf(chain).at(-1);
  return last === undefined
    ? parseCertificate(chain.certificate).params
    : parseChangeCertificate(last).change.next;
}

/** What the certificates of all epochs before one say; checks no signature. @throws as {@link newestParams} */
export function paramsBefore(chain: KeyChain, epoch: number): readonly KeyParams[] {
  if (epoch <= 0) return [];
  const changes = changesOf(chain).slice(0, epoch - 1);
  return [
    parseCertificate(chain.certificate).params,
    ...changes.map((bytes) => parseChangeCertificate(bytes).change.next),
  ];
}

/**
 * Checks a key to its newest epoch, as far as no note says that this client has done so.
 * @throws as `verifyChain`
 */
export function checkChain(chain: KeyChain): CheckedChain {
  const { checked, proved } = chain;
  const changes = changesOf(chain);
  const last = changes.at(-1);
  const before = last === undefined ? null : checked?.epoch;
  if (before === undefined || (before !== null && before.params.epoch !== changes.length - 1))
    return checkWhole(chain);
  if (proved !== undefined && isProvedBy(proved, last ?? chain.certificate))
    return { first: proved.first, newest: proved.epoch, before };
  const newest = epochProvedBy({ before }, last ?? chain.certificate);
  return { first: before === null ? newest.transcriptHash : checked!.first, newest, before };
}

function isProvedBy({ certificateHash }: ProvedEpoch, certificate: Uint8Array): boolean {
  return equalBytes(certificateHash, sha256(certificate));
}

/** All certificates from scratch. @throws as `verifyChain` */
export function checkWhole(chain: KeyChain): CheckedChain {
  const changes = changesOf(chain).map(parseChangeCertificate);
  const epochs = verifyChain(parseCertificate(chain.certificate), changes, judgeVotes);
  return { first: epochs[0].transcriptHash, newest: epochs.at(-1)!, before: epochs.at(-2) ?? null };
}

/**
 * The chain with more changes: each of them checked from scratch, and what they follow as far as no note says that this client has
 * done so. Old notes go.
 * @throws as `verifyChain`
 */
export function extendChain(
  chain: KeyChain,
  more: readonly [Uint8Array, ...Uint8Array[]],
  memory?: ChangeMemory,
): KeyChain & { readonly checked: CheckedEpoch } {
  const { first, newest } = checkChain(chain);
  const known = knownMembers();
  for (const { roster } of paramsBefore(chain, newest.params.epoch + 1)) known.add(roster);
  let [before, last] = [newest, newest];
  for (const certificate of more) {
    const next = verifyChange(last, parseChangeCertificate(certificate), judgeVotes, memory);
    known.check(next.params.roster);
    known.add(next.params.roster);
    [before, last] = [last, next];
  }
  const longer = { certificate: chain.certificate, changes: [...changesOf(chain), ...more] };
  const checked = { first, epoch: before };
  return { ...withNotes(longer, { first, newest: last, before }), checked };
}

/** The chain with the notes that spare checking it each time. @throws as `verifyChain` */
export function notedChain({ certificate, changes }: KeyChain): KeyChain {
  const chain = changes === undefined || changes.length === 0 ? { certificate } : { certificate, changes };
  return withNotes(chain, checkWhole(chain));
}

function withNotes(chain: KeyChain, { first, newest, before }: CheckedChain): KeyChain {
  const certificateHash = sha256(changesOf(chain).at(-1) ?? chain.certificate);
  const proved = { first, epoch: newest, certificateHash };
  return before === null ? { ...chain, proved } : { ...chain, checked: { first, epoch: before }, proved };
}

/**
 * The epoch that a certificate proves in the place of the newest one: signatures can be made again, so that the same epoch has
 * many.
 * @throws as `verifyCertificate`, `verifyChange`
 */
export function epochProvedBy({ before }: Pick<CheckedChain, 'before'>, bytes: Uint8Array): CertifiedEpoch {
  return before === null
    ? verifyFirstEpoch(parseCertificate(bytes))
    : verifyChange(before, parseChangeCertificate(bytes), judgeVotes);
}

export function encodeProved(proved: ProvedEpoch): Data {
  return { ...(encodeChecked(proved) as object), certificateHash: proved.certificateHash };
}

/** @throws as {@link readChecked} */
export function readProved(path: string, record: RecordReader): ProvedEpoch {
  return { ...readChecked(path, record), certificateHash: record.bytes('certificateHash', 32) };
}

export function encodeChecked({ first, epoch }: CheckedEpoch): Data {
  const { params, transcriptHash, public: half, termsVersion } = epoch;
  const { commitment, verifyingShares, chainCode } = half;
  return {
    first,
    transcriptHash,
    params: encodeKeyParams(params),
    commitment: [...commitment],
    verifyingShares: [...verifyingShares],
    chainCode,
    ...(termsVersion === 0 ? {} : { termsVersion }),
  };
}

/** @throws StorageError `STORE_CORRUPT`; as `parseKeyParams` */
export function readChecked(path: string, record: RecordReader): CheckedEpoch {
  const params = parseKeyParams(record.bytes('params'));
  const bytesIn = (field: string) =>
    record.list(field).map((one) => {
      if (one instanceof Uint8Array) return one;
      throw corrupt(path);
    });
  const { suite, quorum } = params;
  const commitment = bytesIn('commitment');
  const verifyingShares = bytesIn('verifyingShares');
  const [groupKey] = commitment;
  if (groupKey === undefined || verifyingShares.length !== quorum.of) throw corrupt(path);
  const half: PublicKeyPackage = {
    suite,
    quorum,
    groupKey,
    commitment,
    verifyingShares,
    chainCode: record.bytes('chainCode', 32),
  };
  const transcriptHash = record.bytes('transcriptHash', 32);
  const termsVersion = record.has('termsVersion') ? record.integer('termsVersion') : 0;
  return { first: record.bytes('first', 32), epoch: { params, transcriptHash, public: half, termsVersion } };
}
