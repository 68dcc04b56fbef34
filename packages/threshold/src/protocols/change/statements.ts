import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { taggedHash } from '../../hash/index.js';
import { isBytes, isEpoch } from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { layoutInvalid, uint16be, uint32be, uint8 } from '../../protocol/layout.js';
import { parsePartyIndex } from '../../sharing/index.js';

/** The epoch whose members decide. */
export interface DecidingEpoch {
  /** 32 bytes */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** 32 bytes: names this epoch of the key. */
  readonly transcriptHash: Uint8Array;
}

interface Spoken {
  /** Of the member that says it, in the deciding epoch. */
  readonly slot: PartyIndex;
  /** Counts the tries to change this epoch, from 1. */
  readonly attempt: number;
  /**
   * The member spoke because the owner's words released it, though it may have said something else before. Counts only
   * for readers who have checked those words.
   */
  readonly mayFork: boolean;
}

/** Names a lock certificate: the attempt it is of, and the next transcript that it locks. */
export interface LockName {
  readonly attempt: number;
  /** 32 bytes */
  readonly next: Uint8Array;
}

/** "I take part in no attempt below this one, and this is the highest lock certificate that I know." */
export interface PromiseStatement extends Spoken {
  readonly kind: 'promise';
  /** 32 bytes: hash of the order's core. */
  readonly orderHash: Uint8Array;
  /** null: the member knows none. */
  readonly highest: LockName | null;
  /** 32 bytes that a member who forgot has drawn, so that it sees that this is no old promise; zeros where none asked. */
  readonly recall: Uint8Array;
}

/** "In this attempt nothing but this transcript may become the next epoch." */
export interface LockStatement extends Spoken {
  readonly kind: 'lock';
  /** 32 bytes: transcript hash of the next epoch. */
  readonly next: Uint8Array;
}

/** "I have seen that enough members locked it: it is the next epoch." */
export interface YieldStatement extends Spoken {
  readonly kind: 'yield';
  /** 32 bytes: transcript hash of the next epoch. */
  readonly next: Uint8Array;
}

export type Statement = PromiseStatement | LockStatement | YieldStatement;

/** A statement with the Ed25519 signature of its member's identity, 64 bytes. */
export type Signed<S extends Statement> = S & { readonly signature: Uint8Array };

/** What stands in a promise when nobody asked to be reminded. */
export const NO_RECALL = new Uint8Array(32);

const WHAT = 'a statement about a change of membership';

/**
 * The bytes that a member's identity key signs: a readable prefix, another for each kind, and a hash over everything
 * said and the epoch it is said in.
 * @throws EncodingError `LAYOUT_INVALID`, `PARTY_INDEX_INVALID`
 * Source: docs/adr/0036
 */
export function statementBytes(epoch: DecidingEpoch, statement: Statement): Uint8Array {
  const { slot, attempt, mayFork } = statement;
  parsePartyIndex(slot);
  assertEpoch(epoch);
  if (!isStatement(statement)) throw layoutInvalid(WHAT);
  const who = [
    epoch.keyId,
    uint32be(epoch.epoch),
    epoch.transcriptHash,
    uint16be(slot),
    uint32be(attempt),
    uint8(mayFork ? 1 : 0),
  ];
  if (statement.kind === 'promise') {
    const hash = taggedHash('CKM/change/promise/v1', ...who, ...promiseItems(statement));
    return concatBytes(encodeUtf8('CKM change promise v1'), hash);
  }
  if (statement.kind === 'lock') {
    const hash = taggedHash('CKM/change/lock/v1', ...who, statement.next);
    return concatBytes(encodeUtf8('CKM change lock v1'), hash);
  }
  const hash = taggedHash('CKM/change/yield/v1', ...who, statement.next);
  return concatBytes(encodeUtf8('CKM change yield v1'), hash);
}

/** Whether a value can be the number of an attempt: 1 … 2^32 − 1. */
export function isAttempt(value: unknown): value is number {
  return isEpoch(value) && value > 0;
}

/** Whether types and lengths are those of a statement, whatever they are declared as. */
export function isStatement(statement: Statement): boolean {
  if (!isAttempt(statement.attempt) || typeof statement.mayFork !== 'boolean') return false;
  if (statement.kind === 'lock' || statement.kind === 'yield') return isBytes(statement.next, 32);
  const { kind, orderHash, recall, highest } = statement;
  const isKnown = kind === 'promise' && isBytes(orderHash, 32) && isBytes(recall, 32);
  return isKnown && (highest === null || (isAttempt(highest.attempt) && isBytes(highest.next, 32)));
}

function promiseItems({ orderHash, highest, recall }: PromiseStatement): readonly Uint8Array[] {
  const named = highest === null ? [] : [uint32be(highest.attempt), highest.next];
  return [orderHash, recall, ...named];
}

function assertEpoch({ keyId, epoch, transcriptHash }: DecidingEpoch): void {
  if (!isBytes(keyId, 32) || !isEpoch(epoch) || !isBytes(transcriptHash, 32)) throw layoutInvalid(WHAT);
}
