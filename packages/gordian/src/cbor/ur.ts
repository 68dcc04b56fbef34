import { UR } from '@blockchaincommons/uniform-resources';
import { decodeBytewords, encodeBytewords } from '@blockchaincommons/uniform-resources/bytewords';
import {
  decodeFountainPart,
  encodeFountainPart,
  FountainDecoder,
  FountainEncoder,
  type FountainPart,
} from '@blockchaincommons/uniform-resources/fountain';
import { EncodingError } from '@ckm/foundation';
import { decodeCanonical, DEFAULT_LIMITS, type DecodeLimits } from './dcbor.js';
import { nestsDeeperThan } from './nesting.js';

/** What a UR holds: a type such as `envelope`, and CBOR without the tag that the type stands for. */
export interface UniformResource {
  readonly type: string;
  readonly cbor: Uint8Array;
}

/** Two letters of bytewords a byte, and room for scheme, type and checksum. */
const MAX_OVERHEAD = 128;
const MAX_FRAGMENT_BYTES = 4096;
const MAX_FRAGMENTS = 1024;
/** An honest sender needs little more than one part for each fragment. */
const MAX_PARTS_PER_FRAGMENT = 8;

/** `ur:type/…` in lower case; in upper case it makes a smaller QR code. Source: BCR-2020-005. */
export function formatUr(resource: UniformResource): string {
  return refusing(() => UR.encodeBytes(resource.type, resource.cbor));
}

/**
 * A UR in one part, upper or lower case.
 * @throws EncodingError `UR_INVALID`, `UR_TYPE_UNEXPECTED` when `type` is given and differs, `CBOR_…`.
 */
export function parseUr(text: string, type?: string, limits: DecodeLimits = DEFAULT_LIMITS): UniformResource {
  if (text.length > 2 * limits.maxBytes + MAX_OVERHEAD) throw invalid('it is too long');
  const parsed = refusing(() => UR.decodeBytes(text.trim()));
  const resource = { type: parsed.type.name, cbor: parsed.bytes };
  if (type !== undefined && resource.type !== type) throw unexpectedType(type, resource.type);
  decodeCanonical(resource.cbor, limits);
  return resource;
}

/** Parts of a UR for animated QR codes: the first `count` are enough, and any of the endless rest help. */
export interface UrParts {
  readonly count: number;
  next(): string;
}

/** Cuts a UR into parts of at most `maxFragmentBytes` (before bytewords). */
export function createUrParts(resource: UniformResource, maxFragmentBytes: number): UrParts {
  const encoder = refusing(() => new FountainEncoder(resource.cbor, maxFragmentBytes));
  return {
    count: encoder.partCount,
    next: () => {
      if (encoder.isSinglePart) return formatUr(resource);
      const part = encoder.nextPart();
      return `ur:${resource.type}/${part.seqNum}-${part.seqLen}/${encodeBytewords(encodeFountainPart(part), 'minimal')}`;
    },
  };
}

/** Puts parts together again, in whatever order they are seen. */
export interface UrCollector {
  /** Whether the part brought something new. @throws EncodingError `UR_INVALID`; the collector stays usable. */
  add(text: string): boolean;
  /** 0 … 1. */
  progress(): number;
  /** The whole, once there is enough of it. */
  result(): UniformResource | null;
}

const PART = /^ur:([a-z0-9-]{1,64})\/(\d{1,5})-(\d{1,5})\/([a-z]+)$/;

/**
 * A collector for the parts of one UR. Parts of another UR, or beyond 1,024 fragments of 4,096 bytes, are refused:
 * both bounds are checked before the mixing arithmetic, whose cost grows with what a part claims.
 */
export function createUrCollector(limits: DecodeLimits = DEFAULT_LIMITS): UrCollector {
  const fountain = new FountainDecoder();
  let type: string | null = null;
  let accepted = 0;
  let whole: UniformResource | null = null;

  function addPart(text: string): boolean {
    const found = PART.exec(text);
    if (found === null) {
      whole = parseUr(text, type ?? undefined, limits);
      return true;
    }
    const [, name, number, count, words] = found;
    if (type !== null && name !== type) throw unexpectedType(type, name!);
    const part = partFrom(words!, Number(number), Number(count), limits);
    if (accepted > MAX_PARTS_PER_FRAGMENT * part.seqLen) throw invalid('its parts never make a whole');
    const progressed = refusing(() => fountain.add(part));
    type ??= name!;
    if (progressed) accepted++;
    if (fountain.done) {
      const cbor = refusing(() => fountain.result!);
      decodeCanonical(cbor, limits);
      whole = { type, cbor };
    }
    return progressed;
  }

  return {
    add: (text) => whole === null && addPart(text.trim().toLowerCase()),
    progress: () => (whole === null ? fountain.progress : 1),
    result: () => whole,
  };
}

function partFrom(words: string, number: number, count: number, limits: DecodeLimits): FountainPart {
  if (words.length > 2 * MAX_FRAGMENT_BYTES + MAX_OVERHEAD || count > MAX_FRAGMENTS)
    throw invalid('a part is too large');
  const bytes = refusing(() => decodeBytewords(words, 'minimal'));
  if (nestsDeeperThan(bytes, 2)) throw invalid('a part is malformed');
  const part = refusing(() => decodeFountainPart(bytes));
  if (part.seqNum !== number || part.seqLen !== count) throw invalid('a part contradicts its own header');
  const fits = part.messageLen <= limits.maxBytes && part.data.length === Math.ceil(part.messageLen / count);
  if (!fits) throw invalid('a part has the wrong length');
  return part;
}

function refusing<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw invalid('it does not decode', cause);
  }
}

function invalid(why: string, cause?: unknown): EncodingError {
  return new EncodingError(`not a UR: ${why}`, {
    code: 'UR_INVALID',
    hint: 'copy the whole text, from "ur:" to the last letter',
    cause,
  });
}

function unexpectedType(expected: string, found: string): EncodingError {
  return new EncodingError(`a UR of type "${expected}" was expected, not "${found}"`, {
    code: 'UR_TYPE_UNEXPECTED',
    hint: `paste a text that starts with "ur:${expected}/"`,
  });
}
