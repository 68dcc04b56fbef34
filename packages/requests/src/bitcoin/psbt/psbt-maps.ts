import { concatBytes, encodeHex, equalBytes } from '@ckm/foundation';
import { demand } from '../../errors.js';
import { type ByteCursor, encodeSize, takeBytes, takeSize } from '../script/bytes.js';

/** One key-value pair of a PSBT map; `key` starts with its type. */
export interface PsbtRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}
export type PsbtMap = readonly PsbtRecord[];

const MAGIC = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff);
/** Inputs, or outputs, of one transaction we read. */
export const MAX_INPUTS = 512;
export const MAX_OUTPUTS = 512;
const MAX_MAPS = 1 + MAX_INPUTS + MAX_OUTPUTS;
const MAX_RECORDS_PER_MAP = 256;
const MAX_RECORDS = 8192;
/** Records about keys, hashes and scripts, in the whole PSBT: each may cost its reader a point decompression. */
const MAX_KEYED_RECORDS = 2048;
const MAX_KEY = 4096;

/** Whether bytes begin as every PSBT does. */
export function isPsbt(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}

interface Cursor extends ByteCursor {
  records: number;
  keyed: number;
}

function takeKey(cursor: Cursor, length: number, recordsBefore: number): Uint8Array {
  cursor.records += 1;
  if (length > 1) cursor.keyed += 1;
  const few = cursor.records <= MAX_RECORDS && cursor.keyed <= MAX_KEYED_RECORDS;
  demand(
    few && length <= MAX_KEY && recordsBefore < MAX_RECORDS_PER_MAP,
    'PSBT_TOO_MANY_PARTS',
    'the PSBT says too much about its inputs and outputs',
  );
  const key = takeBytes(cursor, length);
  // A type of more than one byte could be spelled in several ways; no such type exists.
  demand(key[0]! < 0xfd, 'PSBT_MALFORMED', 'the PSBT has a record of an impossible type');
  return key;
}

function takeMap(cursor: Cursor): PsbtMap {
  const records: PsbtRecord[] = [];
  const seen = new Set<string>();
  for (;;) {
    const keyLength = takeSize(cursor);
    if (keyLength === 0) return records;
    const key = takeKey(cursor, keyLength, records.length);
    const value = takeBytes(cursor, takeSize(cursor));
    const name = encodeHex(key);
    demand(!seen.has(name), 'PSBT_MALFORMED', 'the PSBT holds the same key twice');
    seen.add(name);
    records.push({ key, value });
  }
}

/**
 * Splits a PSBT into its maps, global map first, without looking into them: the same in version 0 and 2. Stricter
 * than its readers are, so that all of them see the same.
 * @throws EncodingError `PSBT_MALFORMED`, `PSBT_TOO_MANY_PARTS`
 * Source: BIP-174, "Specification"
 */
export function readPsbtMaps(psbt: Uint8Array): readonly PsbtMap[] {
  const cursor: Cursor = { bytes: psbt, at: 0, records: 0, keyed: 0 };
  demand(equalBytes(takeBytes(cursor, MAGIC.length), MAGIC), 'PSBT_MALFORMED', 'this is not a PSBT');
  const maps: PsbtMap[] = [];
  while (cursor.at < psbt.length) {
    demand(maps.length < MAX_MAPS, 'PSBT_TOO_MANY_PARTS', 'the PSBT has too many inputs or outputs');
    maps.push(takeMap(cursor));
  }
  return maps;
}

/** The PSBT that {@link readPsbtMaps} reads. */
export function writePsbtMaps(maps: readonly PsbtMap[]): Uint8Array {
  const parts: Uint8Array[] = [MAGIC];
  for (const map of maps) {
    for (const { key, value } of map) {
      parts.push(encodeSize(key.length), key, encodeSize(value.length), value);
    }
    parts.push(Uint8Array.of(0));
  }
  return concatBytes(...parts);
}

/** The value of the record whose key is this one type byte; `undefined` when the map has none. */
export function recordValue(map: PsbtMap, type: number): Uint8Array | undefined {
  return map.find(({ key }) => key.length === 1 && key[0] === type)?.value;
}

/** The map with that record set. */
export function withRecord(map: PsbtMap, type: number, value: Uint8Array): PsbtMap {
  return withKeyedRecord(map, Uint8Array.of(type), value);
}

/** The map with the record of that whole key set. */
export function withKeyedRecord(map: PsbtMap, key: Uint8Array, value: Uint8Array): PsbtMap {
  return [...map.filter((record) => !equalBytes(record.key, key)), { key, value }];
}
