import { signIdentityStatement, type LockedChange } from '@ckm/api';
import {
  encodeLockCertificate,
  encodeStatement,
  parseChangeCertificate,
  parseLockCertificate,
  statementBytes,
  verifySignedChange,
  type CertifiedEpoch,
  type ChangeMemory,
  type ChangeParams,
  type CompleteNext,
  type LockCertificate,
  type Statement,
} from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import type { Deciding } from '../deciding.js';

/** What this server says, signed; only after its state is stored. Ed25519: said again, it is the same bytes. */
export function signStatement(
  { identity }: Pick<ServerContext, 'identity'>,
  { before, keyId, epoch }: Pick<Deciding, 'before' | 'keyId' | 'epoch'>,
  statement: Statement,
): Uint8Array {
  const { transcriptHash } = before;
  const bytes = statementBytes({ keyId, epoch, transcriptHash }, statement);
  return encodeStatement({ ...statement, signature: signIdentityStatement(identity, bytes) });
}

/** What its whole roster signed, with what names it. */
export interface SignedNext extends CompleteNext {
  readonly bytes: Uint8Array;
  readonly change: ChangeParams;
}

/** The deciding epoch, and what was checked against it before. */
export interface CheckedAgainst {
  readonly epoch: CertifiedEpoch;
  readonly memory: ChangeMemory;
}

/**
 * Checks a change that is said to be signed by its whole roster; not whether it fits all epochs before (`assertKnown`).
 * @throws EncodingError, PeerFaultError as `verifySignedChange`
 */
export function checkSigned({ epoch, memory }: CheckedAgainst, bytes: Uint8Array): SignedNext {
  const { kind: _kind, promises: _promises, yields: _yields, ...signed } = parseChangeCertificate(bytes);
  const { transcriptHash } = verifySignedChange(epoch, signed, memory);
  const { change } = signed;
  return { orderHash: change.order, next: transcriptHash, bytes, change };
}

/** A lock certificate with the change that it locks, whole. */
export interface Locked {
  readonly certificate: LockCertificate;
  readonly signed: SignedNext;
}

/** @throws as {@link checkSigned}, `parseLockCertificate` */
export function checkLocked(before: CheckedAgainst, { locks, signed }: LockedChange): Locked {
  return { certificate: parseLockCertificate(locks), signed: checkSigned(before, signed) };
}

/** As it travels. */
export function encodeLocked(
  highest: LockCertificate | null,
  signed: Uint8Array | null,
): LockedChange | null {
  return highest === null || signed === null ? null : { locks: encodeLockCertificate(highest), signed };
}
