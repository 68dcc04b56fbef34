import { equalBytes } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import { newestParams, paramsBefore } from '../keys/chain/key-chain.js';
import type { KeyRecord } from '../keys/key-record.js';
import type { SheetRecord } from '../keys/sheet-record.js';
import { listed } from '../servers/faults.js';
import type { DoctorLine } from './doctor-line.js';

/**
 * Whether the recovery sheet that was made here last names every key with the servers that hold it now. New shares at the same servers
 * make no sheet old.
 * @param sheet null: none was made here, of which nothing is said
 */
export function checkSheet(sheet: SheetRecord | null, keys: readonly KeyRecord[]): DoctorLine[] {
  if (sheet === null || keys.length === 0) return [];
  const made = `the last one made here is of ${new Date(sheet.madeAt * 1000).toISOString().slice(0, 10)}`;
  const namesOf = (what: Standing) =>
    keys.filter((key) => standingOn(sheet, key) === what).map(({ name }) => name);
  const [moved, missing] = [namesOf('moved'), namesOf('missing')];
  if (moved.length + missing.length === 0)
    return [{ level: 'ok', subject: SUBJECT, text: `${made}, and names every key with its servers` }];
  const why = [
    ...(moved.length === 0 ? [] : [`names servers from before the last change of ${listed(moved)}`]),
    ...(missing.length === 0 ? [] : [`does not name ${listed(missing)}`]),
  ];
  const text = `${made}: it ${why.join(', and ')}`;
  const fix = 'print a new one, and destroy the old one';
  return [{ level: 'warn', subject: SUBJECT, text, fix, remedy: { kind: 'makeSheet' }, isLocal: true }];
}

const SUBJECT = 'recovery sheet';

type Standing = 'named' | 'moved' | 'missing';

function standingOn({ keys }: SheetRecord, record: KeyRecord): Standing {
  const newest = newestParams(record);
  const found = keys.find(({ keyId }) => equalBytes(keyId, newest.keyId));
  if (found === undefined) return 'missing';
  const then = paramsBefore(record, newest.epoch)[found.epoch];
  return then === undefined || isSameRoster(then, newest) ? 'named' : 'moved';
}

/** Whether the same servers hold both, and as many of them are needed. */
function isSameRoster(one: KeyParams, other: KeyParams): boolean {
  const { needed, of } = one.quorum;
  if (needed !== other.quorum.needed || of !== other.quorum.of) return false;
  return one.roster.every(({ serverId }) =>
    other.roster.some((entry) => equalBytes(entry.serverId, serverId)),
  );
}
