import { concatBytes } from '@ckm/foundation';
import { isBytes, isEpoch } from '../../key/params.js';
import {
  block,
  layoutInvalid,
  type LayoutReader,
  readLayout,
  uint16be,
  uint32be,
  uint8,
} from '../../protocol/layout.js';
import { MOST_PARTIES, parsePartyIndex } from '../../sharing/index.js';
import type { LockCertificate } from './lock-certificate.js';
import { encodeLockCertificate, MAX_LOCK_CERTIFICATE_BYTES, parseLockCertificate } from './lock-layout.js';
import type { MemberState, PlainMemory, Release } from './member-state.js';
import {
  encodeOptional,
  encodeSaid,
  encodeStatement,
  MAX_STATEMENT_BYTES,
  parseStatement,
  readFlag,
  readOptional,
  readPromised,
} from './statement-layout.js';
import { isStatement, type Statement } from './statements.js';

/** Longest encoding of a member's state. */
export const MAX_MEMBER_STATE_BYTES =
  256 + MAX_STATEMENT_BYTES + 2 * MAX_LOCK_CERTIFICATE_BYTES + MOST_PARTIES * (4 + MAX_STATEMENT_BYTES);
const LAYOUT_VERSION = 2;
const WHAT = 'what a member remembers of a change';

/**
 * The canonical bytes of a member's state, for its row.
 * @throws EncodingError `LAYOUT_INVALID` for a state that no member can be in, `PARTY_INDEX_INVALID`
 */
export function encodeMemberState(state: MemberState): Uint8Array {
  const { slot, attempt, promise, lock, yielded, highest, ladder, promisedAt, forgot, released } = state;
  const said: readonly (Statement | null)[] = [promise, lock, yielded];
  const isWhole =
    isEpoch(attempt) &&
    said.every((one) => one === null || (one.slot === slot && one.attempt === attempt && isStatement(one))) &&
    ladder.length <= MOST_PARTIES &&
    (promisedAt === null || isEpoch(promisedAt)) &&
    (forgot === null || isBytes(forgot, 32));
  if (!isWhole) throw layoutInvalid(WHAT);
  return concatBytes(
    uint8(LAYOUT_VERSION),
    uint16be(parsePartyIndex(slot)),
    uint32be(attempt),
    ...said.map((one) => encodeOptional(one, encodeSaid)),
    encodeOptional(highest, (certificate) => block(encodeLockCertificate(certificate))),
    uint8(ladder.length),
    ...ladder.map((statement) => block(encodeStatement(statement))),
    encodeOptional(promisedAt, uint32be),
    encodeOptional(forgot, (bytes) => bytes),
    encodeOptional(released, encodeRelease),
  );
}

/**
 * Reads what {@link encodeMemberState} wrote, and nothing else.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, `PARTY_INDEX_INVALID`
 */
export function parseMemberState(bytes: Uint8Array): MemberState {
  const reader = readLayout(bytes, WHAT, MAX_MEMBER_STATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const slot = parsePartyIndex(reader.uint16be());
  const attempt = reader.uint32be();
  const promise = readOptional(reader, () => readPromised(reader, slot, attempt));
  const named = () => ({ slot, attempt, mayFork: readFlag(reader), next: reader.bytes(32) });
  const lock = readOptional(reader, () => ({ kind: 'lock' as const, ...named() }));
  const yielded = readOptional(reader, () => ({ kind: 'yield' as const, ...named() }));
  const highest = readOptional(reader, () => readCertificate(reader));
  const ladder = readLadder(reader);
  const promisedAt = readOptional(reader, () => reader.uint32be());
  const forgot = readOptional(reader, () => reader.bytes(32));
  const released = readOptional(reader, readRelease);
  reader.end();
  if ([promise, lock, yielded].some((one) => one !== null && !isStatement(one))) throw layoutInvalid(WHAT);
  return { slot, attempt, promise, lock, yielded, highest, ladder, promisedAt, forgot, released };
}

function readLadder(reader: LayoutReader): MemberState['ladder'] {
  const count = reader.uint8();
  if (count > MOST_PARTIES) throw layoutInvalid(WHAT);
  return Array.from({ length: count }, () => parseStatement(reader.block(MAX_STATEMENT_BYTES)));
}

function encodeRelease({ orderHash, voided, plain }: Release): Uint8Array {
  if (!isBytes(orderHash, 32) || (voided !== null && !isBytes(voided, 32))) throw layoutInvalid(WHAT);
  return concatBytes(
    orderHash,
    encodeOptional(voided, (bytes) => bytes),
    encodeOptional(plain ?? null, encodePlain),
  );
}

function readRelease(reader: LayoutReader): Release {
  const release = { orderHash: reader.bytes(32), voided: readOptional(reader, () => reader.bytes(32)) };
  const plain = readOptional(reader, readPlain);
  return plain === null ? release : { ...release, plain };
}

function encodePlain({ forgot, highest }: PlainMemory): Uint8Array {
  if (forgot !== null && !isBytes(forgot, 32)) throw layoutInvalid(WHAT);
  return concatBytes(
    encodeOptional(forgot, (bytes) => bytes),
    encodeOptional(highest, (certificate) => block(encodeLockCertificate(certificate))),
  );
}

function readPlain(reader: LayoutReader): PlainMemory {
  const forgot = readOptional(reader, () => reader.bytes(32));
  return { forgot, highest: readOptional(reader, () => readCertificate(reader)) };
}

function readCertificate(reader: LayoutReader): LockCertificate {
  return parseLockCertificate(reader.block(MAX_LOCK_CERTIFICATE_BYTES));
}
