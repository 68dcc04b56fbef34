import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { EVIDENCE_FOLDER } from '../evidence/evidence.js';
import { DRILL_FOLDER, parseDrills } from '../drills/drill-record.js';
import { DRILL_RECORDS } from '../drills/drill-store.js';
import { CHECK_FOLDER, parseChecks } from '../keys/checks/check-record.js';
import { EXPECTED_FOLDER, parseExpectedKeys } from '../keys/fetch/expected-keys.js';
import { CHANGE_FOLDER, parseChangeRecord } from '../keys/chain/change-record.js';
import { EXPORT_FOLDER, parseExport } from '../keys/export/export-record.js';
import { FREEZE_FOLDER, parseFreeze } from '../keys/freezes/freeze-record.js';
import { ALIVE_FOLDER, parseAlive } from '../life/alive-record.js';
import { checkAlive } from './check-alive.js';
import { checkHeirs } from './check-heirs.js';
import { checkContacts } from './check-contacts.js';
import { checkDevices } from './check-devices.js';
import { checkOwners } from './check-owners.js';
import { checkRecoveries } from './check-recoveries.js';
import { LIST_FOLDER, parseKnownList } from '../devices/lists/known-list.js';
import { parseUnsent, UNSENT_FOLDER } from '../devices/lists/unsent.js';
import { parseUnlisting, UNLISTING_FOLDER } from '../life/unlisting.js';
import { DEPOSIT_FOLDER, parseDepositRecord } from '../csr/deposit-record.js';
import { parseTermsNote, TERMS_FOLDER } from '../terms/change/terms-note.js';
import { DRAFT_FOLDER, parseDraft } from '../terms/drafts/key-draft.js';
import { parseRecovery, RECOVERY_FOLDER } from '../recovery/recovery-record.js';
import { OFFER_FOLDER, parseTakenOffer } from '../devices/taken-offer.js';
import { INVITED_FOLDER, parseInvited } from '../invitations/invited.js';
import { checkExports } from './exports.js';
import { KEY_FOLDER, parseListedKey } from '../keys/key-record.js';
import type { ReadKey } from '../keys/keys.js';
import { parseServerRecord, SERVER_FOLDER } from '../servers/server-record.js';
import { recheckServer } from '../introduction/add-server.js';
import { OWNER_FOLDER, parseSeedBackup } from '../seed/seed-backup.js';
import { CLOCK_LIMIT_SECONDS, isClockFar } from '../servers/clock-difference.js';
import { parseSheetRecord, readSheet, SHEET_FOLDER } from '../keys/sheet-record.js';
import { listKeyRecords } from '../keys/keys.js';
import { checkSheet } from './check-sheet.js';
import { checkUnguarded } from './check-unguarded.js';
import { parseLastSeen, SEEN_FOLDER } from '../servers/last-seen.js';
import { listServerRecords } from '../servers/servers.js';
import { parseRequest, REQUEST_FOLDER } from '../requests/request-record.js';
import { listRequests } from '../requests/requests.js';
import { parseSession, SESSION_FOLDER } from '../sessions/session-record.js';
import { listSessions } from '../sessions/sessions.js';
import { POOL_FOLDER, parsePool } from '../signing/crafts/commitment-pool.js';
import { findUnreadable } from '../store/record-store.js';
import type { Track } from '../store/track.js';
import {
  checkComparisons,
  checkDecided,
  checkDrills,
  checkFreezes,
  checkOrders,
  checkProofs,
  checkRepairs,
  checkSettlements,
  checkStopped,
} from './check-key-status.js';
import { checkKeys, hanging } from './check-keys.js';
import { checkForgotten, checkMargins } from './check-margins.js';
import { type DoctorLine, explained, failed } from './doctor-line.js';
import { readStatus, type Status } from './status.js';

/**
 * Looks at everything that can be wrong and says what to do about it. Writes nothing.
 * @param version of the program that asks; servers of another one are pointed out
 */
export async function diagnose(
  context: ClientContext,
  readKey: ReadKey,
  version?: string,
): Promise<DoctorLine[]> {
  const stored = await checkStore(context);
  const status = await readStatus(context);
  // Where there is no server, nobody is asked for a passphrase.
  const owner = status.servers.length === 0 ? null : await context.owner();
  return [
    ...stored,
    ...(await checkIdentities(context, status)),
    ...checkServers(status, owner !== null && owner.device !== null),
    ...checkClocks(status),
    ...(owner === null ? [] : await checkDevices(context, owner)),
    ...checkRecoveries(status),
    ...checkOwners(status),
    ...(owner === null ? [] : await checkContacts(context)),
    ...checkVersions(status, version),
    ...checkArithmetic(status),
    ...checkMargins(status),
    ...checkStopped(status),
    ...checkSettlements(status),
    ...checkOrders(status),
    ...checkDecided(status),
    ...checkForgotten(status),
    ...checkRepairs(status),
    ...checkExports(status),
    ...checkComparisons(status),
    ...checkProofs(status),
    ...checkDrills(status),
    ...checkFreezes(status),
    ...checkHeirs(status, context.clock()),
    ...(await checkAlive(context)),
    ...(await checkKeys(context, readKey, status)),
    ...checkUnguarded(await listKeyRecords(context.store)),
    ...checkSheet(await readSheet(context.store), await listKeyRecords(context.store)),
    ...checkOpen('sessions', await listSessions(context.store), context.clock()),
    ...checkOpen('requests', await listRequests(context.store), context.clock()),
    ...(await checkEvidence(context)),
  ];
}

/** Every folder of records, and what reads them. Evidence is kept for people and read by none of ours. */
const FOLDERS = [
  [SERVER_FOLDER, parseServerRecord],
  [KEY_FOLDER, parseListedKey],
  [EXPECTED_FOLDER, parseExpectedKeys],
  [SESSION_FOLDER, parseSession],
  [CHANGE_FOLDER, parseChangeRecord],
  [REQUEST_FOLDER, parseRequest],
  [POOL_FOLDER, parsePool],
  [CHECK_FOLDER, parseChecks],
  [DRILL_FOLDER, parseDrills],
  ...DRILL_RECORDS,
  [FREEZE_FOLDER, parseFreeze],
  [ALIVE_FOLDER, parseAlive],
  [EXPORT_FOLDER, parseExport],
  [SEEN_FOLDER, parseLastSeen],
  [OWNER_FOLDER, parseSeedBackup],
  [SHEET_FOLDER, parseSheetRecord],
  [LIST_FOLDER, parseKnownList],
  [UNSENT_FOLDER, parseUnsent],
  [UNLISTING_FOLDER, parseUnlisting],
  [OFFER_FOLDER, parseTakenOffer],
  [RECOVERY_FOLDER, parseRecovery],
  [DEPOSIT_FOLDER, parseDepositRecord],
  [INVITED_FOLDER, parseInvited],
  [DRAFT_FOLDER, parseDraft],
  [TERMS_FOLDER, parseTermsNote],
  [EVIDENCE_FOLDER, () => null],
] as const;

async function checkStore({ store }: ClientContext): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const [folder, parse] of FOLDERS) {
    const unreadable = await findUnreadable(store, folder, parse);
    const count = (await store.list(folder)).length - unreadable.length;
    lines.push(
      ...unreadable.map(({ path, error }): DoctorLine => ({ ...failed(path, error), isLocal: true })),
    );
    if (unreadable.length === 0 && ALWAYS_TOLD.includes(folder)) {
      lines.push({ level: 'ok', subject: folder, text: `${count} on record, all readable` });
    }
  }
  return lines;
}

const ALWAYS_TOLD: readonly string[] = [SERVER_FOLDER, KEY_FOLDER, SESSION_FOLDER];

async function checkIdentities(context: ClientContext, { servers }: Status): Promise<DoctorLine[]> {
  const silent = hanging(servers);
  const records = (await listServerRecords(context.store)).filter(({ name }) => !silent.includes(name));
  const lines = await Promise.all(
    records.map(async ({ name }): Promise<DoctorLine[]> => {
      try {
        await recheckServer(context, name);
        return [{ level: 'ok', subject: name, text: 'is the server that was pinned' }];
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        // That it does not answer has a line of its own.
        const isTold = servers.some((server) => server.name === name && server.problem !== null);
        if (isTold && error.errorClass === 'AvailabilityError') return [];
        return [failed(name, error)];
      }
    }),
  );
  return lines.flat();
}

/** @param isDevice whether a device asks: one that is removed is a stranger */
function checkServers({ servers }: Status, isDevice: boolean): DoctorLine[] {
  if (servers.length === 0) {
    return [
      {
        level: 'warn',
        subject: 'servers',
        text: 'there are none',
        fix: 'add one',
        remedy: { kind: 'addServer' },
      },
    ];
  }
  return servers.flatMap(
    ({
      name,
      url,
      isReachable,
      answerMs,
      clockOffset,
      keys,
      keyQuota,
      unrecorded,
      problem,
    }): DoctorLine[] => {
      if (!isReachable) {
        // Whose clock is wrong has a line of its own.
        if (problem?.code === 'CLOCK_DIFFERS') return [];
        const text = problem?.text ?? 'does not answer';
        if (problem?.code === 'MESSAGE_NOT_AUTHENTICATED' && isDevice) {
          const removed =
            'does not know this device: it was removed there, or the server has lost its accounts';
          return [
            {
              level: 'fail',
              subject: name,
              text: removed,
              fix: 'look with another device, or with the words',
            },
          ];
        }
        if (problem?.code === 'MESSAGE_NOT_AUTHENTICATED') {
          const fix = 'restore each key of it, or add it again where there is none';
          return [{ level: 'fail', subject: name, text, fix, remedy: { kind: 'addServer', name, url } }];
        }
        return [{ level: 'fail', subject: name, text, ...explained('ask its operator', problem?.reason) }];
      }
      const clock = !isClockFar(clockOffset ?? 0)
        ? `; its clock agrees with yours to ${CLOCK_LIMIT_SECONDS} s`
        : '';
      const lines: DoctorLine[] = [{ level: 'ok', subject: name, text: `answers in ${answerMs} ms${clock}` }];
      if (unrecorded > 0) {
        const text = `holds ${unrecorded} ${unrecorded === 1 ? 'key' : 'keys'} of yours not on record here`;
        lines.push({ level: 'warn', subject: name, text, fix: 'fetch them', remedy: { kind: 'fetchKeys' } });
      }
      if (keys !== null && keyQuota !== null && keys >= keyQuota) {
        const text = `your ${keyQuota} keys there are used up`;
        lines.push({ level: 'warn', subject: name, text, fix: 'ask its operator for more' });
      }
      return lines;
    },
  );
}

/** Messages still arrive where clocks are half a minute apart, and not for long where they drift. */
function checkClocks({ clock, servers }: Status): DoctorLine[] {
  if (clock === null) return [];
  const isRefused = servers.some(({ problem }) => problem?.code === 'CLOCK_DIFFERS');
  return [
    {
      level: isRefused ? 'fail' : 'warn',
      subject: 'clock',
      text: clock.text,
      fix: clock.hint,
      ...(clock.whose === 'ours' ? { isLocal: true } : {}),
    },
  ];
}

function checkVersions({ servers }: Status, ours: string | undefined): DoctorLine[] {
  if (ours === undefined) return [];
  const asked = servers.filter(({ version }) => version !== null);
  if (asked.length > 0 && asked.every(({ version }) => version === ours))
    return [{ level: 'ok', subject: 'versions', text: `this and every server that answers: ${ours}` }];
  return servers.flatMap(({ name, version }): DoctorLine[] => {
    if (version === null || version === ours) return [];
    const text = `runs version ${version}, this is ${ours}`;
    return [{ level: 'warn', subject: name, text, fix: 'bring both to one version' }];
  });
}

/** Whether servers compute with shares in a time that does not depend on them. */
function checkArithmetic({ servers }: Status): DoctorLine[] {
  return servers.flatMap(({ name, arithmetic }): DoctorLine[] => {
    if (arithmetic === null) return [];
    const slow = arithmetic.filter(({ grade }) => grade === 'bigint').map(({ suite }) => suite);
    if (slow.length === 0) {
      const backends = [...new Set(arithmetic.map(({ backend }) => backend))];
      return [{ level: 'ok', subject: name, text: `computes with ${backends.join(', ')}` }];
    }
    const text = `computes ${slow.join(', ')} in a time that depends on your shares`;
    return [
      {
        level: 'warn',
        subject: name,
        text,
        fix: 'ask its operator to install the libraries for its machine',
      },
    ];
  });
}

function checkOpen(subject: 'sessions' | 'requests', tracks: readonly Track[], now: number): DoctorLine[] {
  const open = tracks.filter(({ state }) => state === 'open');
  const overdue = open.filter(({ expiresAt }) => expiresAt <= now);
  if (overdue.length === 0) return [{ level: 'ok', subject, text: `${open.length} open` }];
  return [
    {
      level: 'warn',
      subject,
      text: `${overdue.length} open beyond their time`,
      fix: 'go on with each or cancel it',
      remedy: { kind: subject === 'sessions' ? 'listSessions' : 'listRequests' },
    },
  ];
}

async function checkEvidence({ store }: ClientContext): Promise<DoctorLine[]> {
  const kept = await store.list(EVIDENCE_FOLDER);
  if (kept.length === 0) return [];
  const text = `${kept.length} pieces about servers that misbehaved`;
  return [
    { level: 'warn', subject: 'evidence', text, fix: 'ask their operators; the folder is store/evidence' },
  ];
}
