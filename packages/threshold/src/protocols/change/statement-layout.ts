import { concatBytes } from '@ckm/foundation';
import { isBytes } from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import {
  layoutInvalid,
  type LayoutReader,
  readLayout,
  uint16be,
  uint32be,
  uint8,
} from '../../protocol/layout.js';
import { MOST_PARTIES, parsePartyIndex } from '../../sharing/index.js';
import { isSameLock } from './lock-certificate.js';
import {
  isStatement,
  type LockName,
  type LockStatement,
  type PromiseStatement,
  type Signed,
  type Statement,
  type YieldStatement,
} from './statements.js';

/** The byte that stands for a kind is its index. */
const KINDS = ['promise', 'lock', 'yield'] as const;
const LAYOUT_VERSION = 1;
const WHAT = 'a statement about a change of membership';

/** What a promise says beside slot and attempt: flag, order, recall, and the lock certificate it names. */
const MAX_PROMISED_BYTES = 1 + 32 + 32 + 1 + 4 + 32;
/** Longest encoding of a signed statement. */
export const MAX_STATEMENT_BYTES = 1 + 1 + 2 + 4 + MAX_PROMISED_BYTES + 64;
/** Longest list of promises of one attempt. */
export const MAX_PROMISES_BYTES = 1 + MOST_PARTIES * (2 + MAX_PROMISED_BYTES + 64);
/** Longest list of locks, or of yields, of one attempt. */
export const MAX_SIGNERS_BYTES = 1 + MOST_PARTIES * (2 + 1 + 64);

/**
 * The canonical bytes of a statement with its signature.
 * @throws EncodingError `LAYOUT_INVALID`, `PARTY_INDEX_INVALID`
 */
export function encodeStatement(statement: Signed<Statement>): Uint8Array {
  const { kind, slot, attempt, signature } = statement;
  assertSigned(statement);
  return concatBytes(
    uint8(LAYOUT_VERSION),
    uint8(KINDS.indexOf(kind)),
    uint16be(parsePartyIndex(slot)),
    uint32be(attempt),
    encodeSaid(statement),
    signature,
  );
}

/**
 * Reads what {@link encodeStatement} wrote, and nothing else. Says nothing of the signature: see `membersOf`.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, `PARTY_INDEX_INVALID`
 */
export function parseStatement(bytes: Uint8Array): Signed<Statement> {
  const reader = readLayout(bytes, WHAT, MAX_STATEMENT_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const kind = KINDS[reader.uint8()];
  if (kind === undefined) throw layoutInvalid(WHAT);
  const slot = parsePartyIndex(reader.uint16be());
  const attempt = reader.uint32be();
  const said =
    kind === 'promise'
      ? readPromised(reader, slot, attempt)
      : { kind, slot, attempt, mayFork: readFlag(reader), next: reader.bytes(32) };
  const statement = { ...said, signature: reader.bytes(64) };
  reader.end();
  assertSigned(statement);
  return statement;
}

/** All that a statement says beside its kind, slot and attempt. */
export function encodeSaid(statement: Statement): Uint8Array {
  const mayFork = encodeFlag(statement.mayFork);
  if (statement.kind !== 'promise') return concatBytes(mayFork, statement.next);
  const { orderHash, recall, highest } = statement;
  return concatBytes(mayFork, orderHash, recall, encodeOptional(highest, encodeName));
}

export function readPromised(reader: LayoutReader, slot: PartyIndex, attempt: number): PromiseStatement {
  return {
    kind: 'promise',
    slot,
    attempt,
    mayFork: readFlag(reader),
    orderHash: reader.bytes(32),
    recall: reader.bytes(32),
    highest: readOptional(reader, readName),
  };
}

export function encodeName({ attempt, next }: LockName): Uint8Array {
  return concatBytes(uint32be(attempt), next);
}

export function readName(reader: LayoutReader): LockName {
  const name = { attempt: reader.uint32be(), next: reader.bytes(32) };
  if (name.attempt === 0) throw layoutInvalid(WHAT);
  return name;
}

/**
 * Promises of one attempt, one of each member, in ascending order of slots.
 * @throws EncodingError `LAYOUT_INVALID` where they are not
 */
export function encodePromises(attempt: number, promises: readonly Signed<PromiseStatement>[]): Uint8Array {
  return encodeBySlot(promises, (one) => {
    if (one.kind !== 'promise' || one.attempt !== attempt) throw layoutInvalid(WHAT);
    return encodeSaid(one);
  });
}

export function readPromises(reader: LayoutReader, attempt: number): readonly Signed<PromiseStatement>[] {
  return readBySlot(reader, (slot) => readPromised(reader, slot, attempt));
}

/**
 * Who signed one lock, or one yield: of each only slot, flag and signature, since everything else is the name.
 * @throws EncodingError `LAYOUT_INVALID` where a statement is of another kind or name, or a member speaks twice
 */
export function encodeSigners(
  kind: 'lock' | 'yield',
  name: LockName,
  statements: readonly Signed<LockStatement | YieldStatement>[],
): Uint8Array {
  return encodeBySlot(statements, (one) => {
    if (one.kind !== kind || !isSameLock(one, name)) throw layoutInvalid(WHAT);
    return encodeFlag(one.mayFork);
  });
}

export function readLocks(reader: LayoutReader, name: LockName): readonly Signed<LockStatement>[] {
  return readBySlot(reader, (slot) => ({ kind: 'lock', slot, ...name, mayFork: readFlag(reader) }));
}

export function readYields(reader: LayoutReader, name: LockName): readonly Signed<YieldStatement>[] {
  return readBySlot(reader, (slot) => ({ kind: 'yield', slot, ...name, mayFork: readFlag(reader) }));
}

export function encodeOptional<T>(value: T | null, encode: (value: T) => Uint8Array): Uint8Array {
  return value === null ? uint8(0) : concatBytes(uint8(1), encode(value));
}

export function readOptional<T>(reader: LayoutReader, read: (reader: LayoutReader) => T): T | null {
  return readFlag(reader) ? read(reader) : null;
}

function encodeBySlot<S extends Statement>(
  statements: readonly Signed<S>[],
  encodeOne: (one: Signed<S>) => Uint8Array,
): Uint8Array {
  const sorted = statements.toSorted((a, b) => a.slot - b.slot);
  const isTwice = sorted.some(({ slot }, i) => slot === sorted[i + 1]?.slot);
  if (isTwice || sorted.length > MOST_PARTIES) throw layoutInvalid(WHAT);
  return concatBytes(
    uint8(sorted.length),
    ...sorted.flatMap((one) => {
      assertSigned(one);
      return [uint16be(parsePartyIndex(one.slot)), encodeOne(one), one.signature];
    }),
  );
}

function readBySlot<S extends Statement>(
  reader: LayoutReader,
  readOne: (slot: PartyIndex) => S,
): readonly Signed<S>[] {
  const count = reader.uint8();
  if (count > MOST_PARTIES) throw layoutInvalid(WHAT);
  let last = 0;
  return Array.from({ length: count }, (): Signed<S> => {
    const slot = parsePartyIndex(reader.uint16be());
    if (slot <= last) throw layoutInvalid(WHAT);
    last = slot;
    const statement = { ...readOne(slot), signature: reader.bytes(64) };
    assertSigned(statement);
    return statement;
  });
}

function assertSigned(statement: Signed<Statement>): void {
  if (!isStatement(statement) || !isBytes(statement.signature, 64)) throw layoutInvalid(WHAT);
}

function encodeFlag(flag: boolean): Uint8Array {
  return uint8(flag ? 1 : 0);
}

export function readFlag(reader: LayoutReader): boolean {
  const byte = reader.uint8();
  if (byte > 1) throw layoutInvalid(WHAT);
  return byte === 1;
}
