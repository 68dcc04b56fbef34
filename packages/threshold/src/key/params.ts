import { concatBytes, decodeUtf8, EncodingError, encodeUtf8, equalBytes } from '@ckm/foundation';
import { groupNamed } from '../group/index.js';
import { taggedHash } from '../hash/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import { block, type LayoutReader, readLayout, uint16be, uint32be, uint8 } from '../protocol/layout.js';
import { MOST_PARTIES, parseQuorum, type Quorum } from '../sharing/index.js';
import { assertFlags, encodeFlags, type KeyFlags, parseFlags } from './flags.js';
import { groupOfSuite, parseSuiteName, type SuiteName } from './cocktail/suite-name.js';
import { COCKTAIL_VERSION } from './cocktail/suite.js';

/** One server in a key: who it is, and the key under which it receives shares and signs the certificate. */
export interface RosterEntry {
  /** x-coordinate of the server's share: 1 … n in order, within this epoch. */
  readonly slot: PartyIndex;
  /** XID, 32 bytes. */
  readonly serverId: Uint8Array;
  /** Ed25519 public key, 32 bytes. */
  readonly identityKey: Uint8Array;
  /** X25519 public key, 32 bytes, of the server's XID document: to it the others seal what is for this server alone. */
  readonly sealingKey: Uint8Array;
  /** P, an element of the suite's group; for this key and epoch only. */
  readonly staticKey: Uint8Array;
  /** Proof of possession of `staticKey`. */
  readonly staticProof: Uint8Array;
  /** Ed25519 signature, 64 bytes, by `identityKey` over the statement of sealing and static key. */
  readonly identitySignature: Uint8Array;
  /** Where the server answers; may be empty. Visible ASCII, at most {@link MAX_URL_LENGTH} bytes. */
  readonly url: string;
}

/** Everything that the parties must agree on before an epoch of a key is made. Public. */
export interface KeyParams {
  readonly suite: SuiteName;
  /** What the key may be used for; another purpose is another key. Visible ASCII, 1 to 64 bytes. */
  readonly purpose: string;
  /** 32 bytes, fresh. */
  readonly keyId: Uint8Array;
  /** 0 for a new key. */
  readonly epoch: number;
  /** Transcript hash of the epoch before, 32 bytes; all zero in epoch 0, and only there. */
  readonly previous: Uint8Array;
  readonly flags: KeyFlags;
  readonly quorum: Quorum;
  /** 32 bytes: hash of the terms under which the servers accept the key. */
  readonly termsHash: Uint8Array;
  /** In order of slots. */
  readonly roster: readonly RosterEntry[];
}

export const MAX_URL_LENGTH = 256;
const MAX_PURPOSE_LENGTH = 64;

/** Lengths of one suite's encodings, in bytes. */
export interface SuiteLengths {
  readonly element: number;
  readonly scalar: number;
  readonly signature: number;
}

/** Lengths in bytes of what a suite encodes. */
export function suiteLengths(suite: SuiteName): SuiteLengths {
  const { elementByteLength, scalars } = groupNamed(groupOfSuite(suite));
  return {
    element: elementByteLength,
    scalar: scalars.byteLength,
    signature: elementByteLength + scalars.byteLength,
  };
}

/** Longest encoding of {@link KeyParams}. */
export const MAX_PARAMS_BYTES = 256 + MOST_PARTIES * (2 + 32 + 32 + 32 + 33 + 65 + 64 + 4 + MAX_URL_LENGTH);

const WHAT = 'the parameters of a key';
const LAYOUT_VERSION = 1;
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/**
 * The canonical bytes of a key's parameters.
 * @throws EncodingError as {@link assertKeyParams}
 */
export function encodeKeyParams(params: KeyParams): Uint8Array {
  assertKeyParams(params);
  return concatBytes(
    uint8(LAYOUT_VERSION),
    block(encodeUtf8(COCKTAIL_VERSION)),
    block(encodeUtf8(params.suite)),
    block(encodeUtf8(params.purpose)),
    params.keyId,
    uint32be(params.epoch),
    params.previous,
    encodeFlags(params.flags),
    uint8(params.quorum.needed),
    uint8(params.quorum.of),
    params.termsHash,
    ...params.roster.map(encodeEntry),
  );
}

/**
 * Reads what {@link encodeKeyParams} wrote, and nothing else. Keys, proofs and signatures are checked by
 * `verifyRoster`, not here.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, `DKG_VERSION_UNKNOWN`, `SUITE_UNKNOWN`, or as
 * {@link assertKeyParams}
 */
export function parseKeyParams(bytes: Uint8Array): KeyParams {
  const reader = readLayout(bytes, WHAT, MAX_PARAMS_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION || decodeUtf8(reader.block(32)) !== COCKTAIL_VERSION) {
    throw versionUnknown();
  }
  const suite = parseSuiteName(decodeUtf8(reader.block(32)));
  const purpose = decodeUtf8(reader.block(MAX_PURPOSE_LENGTH));
  const keyId = reader.bytes(32);
  const epoch = reader.uint32be();
  const previous = reader.bytes(32);
  const flags = parseFlags(reader.uint8());
  const quorum = parseQuorum({ needed: reader.uint8(), of: reader.uint8() });
  const termsHash = reader.bytes(32);
  const lengths = suiteLengths(suite);
  const roster = Array.from({ length: quorum.of }, () => readEntry(reader, lengths));
  reader.end();
  const params = { suite, purpose, keyId, epoch, previous, flags, quorum, termsHash, roster };
  assertKeyParams(params);
  return params;
}

/** What a key is made as, fixed for ever. Absent: it is not. */
export type MadeAs = { readonly [Flag in 'exportable' | 'strict']?: boolean | undefined };

/**
 * What is so in the parameters of every key that is generated: first epoch, never dealt, never exported, and either children
 * or leave to export.
 */
export function firstEpoch({ exportable = false, strict = false }: MadeAs = {}): Pick<
  KeyParams,
  'epoch' | 'previous' | 'flags'
> {
  const flags = { dealt: false, exportable, exported: false, hd: !exportable, strict };
  return { epoch: 0, previous: new Uint8Array(32), flags };
}

/** Whether parameters say of epoch and flags what those of every generated key do: see {@link firstEpoch}. */
export function isFirstEpoch({ epoch, flags }: KeyParams, made: MadeAs = {}): boolean {
  const first = firstEpoch(made);
  return epoch === first.epoch && equalBytes(encodeFlags(flags), encodeFlags(first.flags));
}

/** 32 bytes that stand for the parameters wherever a run refers to them. */
export function hashKeyParams(params: KeyParams): Uint8Array {
  return taggedHash('CKM/dkg/params/v1', encodeKeyParams(params));
}

/**
 * Types, lengths and bounds; no cryptography.
 * @throws EncodingError `KEY_PARAMS_INVALID`, `ROSTER_INVALID` (`facts.slot` names the slot), `SUITE_UNKNOWN`,
 * `QUORUM_INVALID`
 */
export function assertKeyParams(params: KeyParams): void {
  parseSuiteName(params.suite);
  const quorum = parseQuorum(params.quorum);
  if (!isText(params.purpose, MAX_PURPOSE_LENGTH) || params.purpose === '') throw paramsInvalid('purpose');
  if (!isBytes(params.keyId, 32)) throw paramsInvalid('key id');
  if (!isEpoch(params.epoch)) throw paramsInvalid('epoch');
  const isFirst = params.epoch === 0;
  if (!isBytes(params.previous, 32) || isFirst !== params.previous.every((byte) => byte === 0))
    throw paramsInvalid('previous transcript hash');
  assertFlags(params.flags);
  if (!isBytes(params.termsHash, 32)) throw paramsInvalid('terms hash');
  if (!Array.isArray(params.roster) || params.roster.length !== quorum.of)
    throw paramsInvalid('roster length');
  const lengths = suiteLengths(params.suite);
  params.roster.forEach((entry, i) => {
    if (!isEntry(entry, i + 1, lengths)) throw entryInvalid(i + 1);
  });
}

function isEntry(entry: RosterEntry, slot: number, lengths: SuiteLengths): boolean {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    entry.slot === slot &&
    isBytes(entry.serverId, 32) &&
    isBytes(entry.identityKey, 32) &&
    isSealingKey(entry.sealingKey) &&
    isBytes(entry.staticKey, lengths.element) &&
    isBytes(entry.staticProof, lengths.signature) &&
    isBytes(entry.identitySignature, 64) &&
    isText(entry.url, MAX_URL_LENGTH)
  );
}

/** One spelling for each key: X25519 itself ignores the top bit and reduces modulo p = 2^255 − 19. */
function isSealingKey(value: unknown): value is Uint8Array {
  if (!isBytes(value, 32) || value[31]! > 0x7f) return false;
  const isBelowP =
    value[0]! < 0xed || value[31] !== 0x7f || value.subarray(1, 31).some((byte) => byte !== 0xff);
  return isBelowP && value.some((byte) => byte !== 0);
}

function encodeEntry(entry: RosterEntry): Uint8Array {
  return concatBytes(
    uint16be(entry.slot),
    entry.serverId,
    entry.identityKey,
    entry.sealingKey,
    entry.staticKey,
    entry.staticProof,
    entry.identitySignature,
    block(encodeUtf8(entry.url)),
  );
}

function readEntry(reader: LayoutReader, lengths: SuiteLengths): RosterEntry {
  return {
    slot: reader.uint16be() as PartyIndex,
    serverId: reader.bytes(32),
    identityKey: reader.bytes(32),
    sealingKey: reader.bytes(32),
    staticKey: reader.bytes(lengths.element),
    staticProof: reader.bytes(lengths.signature),
    identitySignature: reader.bytes(64),
    url: decodeUtf8(reader.block(MAX_URL_LENGTH)),
  };
}

/** Whether a value is exactly `length` bytes. */
export function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** Whether a value is the number of an epoch: 32 bits. */
export function isEpoch(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && VISIBLE_ASCII.test(value);
}

function versionUnknown(): EncodingError {
  return new EncodingError('these parameters are of another version of the protocol', {
    code: 'DKG_VERSION_UNKNOWN',
    hint: 'bring all servers to the same version',
  });
}

function paramsInvalid(field: string): EncodingError {
  return new EncodingError(`the parameters of a key have an invalid ${field}`, {
    code: 'KEY_PARAMS_INVALID',
    hint: 'ask for the proposal again',
    facts: { field },
  });
}

function entryInvalid(slot: number): EncodingError {
  return new EncodingError(`slot ${slot} of the roster is malformed or out of order`, {
    code: 'ROSTER_INVALID',
    hint: 'list the servers in the order of their slots, each with all its fields',
    facts: { slot },
  });
}
