import { StorageError } from '@ckm/foundation';
import { decodeData, type Data, type DecodeLimits } from '@ckm/gordian';
import { formatUnknown } from './record-seal.js';

/** The `version` of every record body. */
const VERSION = 1;

/** A record has been opened under the owner's seed before it is read; one of a request holds a payload and what came of it. */
const LIMITS: DecodeLimits = { maxBytes: 64 * 1_048_576, maxDepth: 64 };

/** Reads one stored record field by field; whatever is not of its form is a damaged record. */
export interface RecordReader {
  has(field: string): boolean;
  text(field: string): string;
  integer(field: string): number;
  boolean(field: string): boolean;
  bytes(field: string, length?: number): Uint8Array;
  record(field: string): RecordReader;
  records(field: string): readonly RecordReader[];
  list(field: string): readonly Data[];
  /** The value as it is. */
  value(field: string): Data;
}

/**
 * Reads a record that was written with `encodeData`.
 * @param path names it in errors
 * @throws StorageError `RECORD_FORMAT_UNKNOWN`; `STORE_CORRUPT`, also later, by the methods
 */
export function readRecord(path: string, bytes: Uint8Array): RecordReader {
  let value: Data;
  try {
    value = decodeData(bytes, LIMITS);
  } catch {
    throw corrupt(path);
  }
  const record = readerOf(path, value);
  const version = record.integer('version');
  if (version !== VERSION) {
    throw formatUnknown(path, `is of version ${version}, and this program knows version ${VERSION}`);
  }
  return record;
}

function readerOf(path: string, value: Data): RecordReader {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || Array.isArray(value)) {
    throw corrupt(path);
  }
  const fields = value as { readonly [key: string]: Data };
  const get = <T extends Data>(field: string, is: (one: Data) => one is T): T => {
    const found = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (found === undefined || !is(found)) throw corrupt(path);
    return found;
  };
  const list = (field: string) => get(field, (one): one is Data[] => Array.isArray(one));
  return {
    has: (field) => Object.hasOwn(fields, field) && fields[field] !== null,
    text: (field) => get(field, (one) => typeof one === 'string'),
    integer: (field) => get(field, (one): one is number => Number.isSafeInteger(one)),
    boolean: (field) => get(field, (one) => typeof one === 'boolean'),
    bytes: (field, length) =>
      get(
        field,
        (one): one is Uint8Array => one instanceof Uint8Array && one.length === (length ?? one.length),
      ),
    record: (field) =>
      readerOf(
        path,
        get(field, (_one): _one is Data => true),
      ),
    records: (field) => list(field).map((one) => readerOf(path, one)),
    list,
    value: (field) => get(field, (_one): _one is Data => true),
  };
}

export function corrupt(path: string): StorageError {
  return new StorageError(`the stored record ${path} is damaged`, {
    code: 'STORE_CORRUPT',
    hint: 'restore it from a copy, or move it away and have everything looked at',
    remedy: { kind: 'diagnose' },
  });
}
