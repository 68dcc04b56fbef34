import { encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { demand } from '../../errors.js';
import { type ByteCursor, skipBytes, takeBytes, takeSize } from '../script/bytes.js';

/** Which output an input spends; `txid` as explorers show it. */
export interface Outpoint {
  readonly txid: string;
  readonly index: number;
}

/** What is wanted of a transaction that somebody spends from. */
export interface PreviousTransaction {
  /** As explorers show it. */
  readonly txid: string;
  readonly outputCount: number;
  /** The output at the wanted position, as it stands there: amount, length, script. */
  readonly output: Uint8Array | undefined;
}

/** Version and lock time are four bytes each, and so are the index and the sequence of an input. */
const WORD = 4;
const HASH = 32;
const AMOUNT = 8;

/** Bytes that begin with their length. */
function skipCounted(cursor: ByteCursor): void {
  skipBytes(cursor, takeSize(cursor));
}

function skipInput(cursor: ByteCursor): void {
  skipBytes(cursor, HASH + WORD);
  skipCounted(cursor);
  skipBytes(cursor, WORD);
}

function skipOutput(cursor: ByteCursor): void {
  skipBytes(cursor, AMOUNT);
  skipCounted(cursor);
}

/** No transaction has no inputs, so that a zero in their place tells that witnesses follow. Source: BIP-144 */
function takeWitnessMark({ bytes, at }: ByteCursor): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 1;
}

function assertEnd({ bytes, at }: ByteCursor): void {
  demand(at === bytes.length, 'PSBT_MALFORMED', 'a transaction in the PSBT is followed by something');
}

/**
 * Walks over a transaction and keeps one output of it: of a megabyte of outputs nothing becomes a value of its own.
 * @param index of the output that is wanted
 * @throws EncodingError `PSBT_MALFORMED`
 * Source: BIP-144, "Serialization"; BIP-141, "Transaction ID"
 */
export function readPrevious(bytes: Uint8Array, index: number): PreviousTransaction {
  const cursor: ByteCursor = { bytes, at: 0 };
  skipBytes(cursor, WORD);
  const hasWitnesses = takeWitnessMark(cursor);
  if (hasWitnesses) skipBytes(cursor, 2);
  const start = cursor.at;
  const inputCount = takeSize(cursor);
  demand(inputCount > 0, 'PSBT_MALFORMED', 'a transaction in the PSBT spends nothing');
  for (let at = 0; at < inputCount; at++) skipInput(cursor);
  const outputCount = takeSize(cursor);
  let output: Uint8Array | undefined;
  for (let at = 0; at < outputCount; at++) {
    const before = cursor.at;
    skipOutput(cursor);
    if (at === index) output = bytes.subarray(before, cursor.at);
  }
  const end = cursor.at;
  if (hasWitnesses) skipWitnesses(cursor, inputCount);
  const lockTime = takeBytes(cursor, WORD);
  assertEnd(cursor);
  const named = sha256.create().update(bytes.subarray(0, WORD)).update(bytes.subarray(start, end));
  return { txid: encodeHex(sha256(named.update(lockTime).digest()).reverse()), outputCount, output };
}

function skipWitnesses(cursor: ByteCursor, inputCount: number): void {
  for (let input = 0; input < inputCount; input++) {
    const items = takeSize(cursor);
    for (let item = 0; item < items; item++) skipCounted(cursor);
  }
}

/** What a transaction that waits for its signatures spends, and how many outputs it has. @throws EncodingError */
export function readUnsigned(bytes: Uint8Array): { outpoints: readonly Outpoint[]; outputCount: number } {
  const cursor: ByteCursor = { bytes, at: 0 };
  skipBytes(cursor, WORD);
  const inputCount = takeSize(cursor);
  const outpoints: Outpoint[] = [];
  for (let at = 0; at < inputCount; at++) {
    const start = cursor.at;
    skipInput(cursor);
    const index = readWord(bytes.subarray(start + HASH, start + HASH + WORD));
    outpoints.push({ txid: readTxid(bytes.subarray(start, start + HASH)), index });
  }
  return { outpoints, outputCount: takeSize(cursor) };
}

/** The id as explorers show it, out of the bytes in a transaction. */
export function readTxid(hash: Uint8Array): string {
  return encodeHex(hash.toReversed());
}

/** Four bytes, the lowest first. */
export function readWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, WORD).getUint32(0, true);
}
