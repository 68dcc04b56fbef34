import { CkmError, type Remedy } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { EVIDENCE_FOLDER } from '../evidence/evidence.js';
import { KEY_FOLDER, parseListedKey } from '../keys/key-record.js';
import { listKeyRecords, type ReadKey } from '../keys/keys.js';
import { type ServerVerdict, verifyKey } from '../keys/verify-key.js';
import { parseServerRecord, SERVER_FOLDER } from '../servers/server-record.js';
import { recheckServer } from '../introduction/add-server.js';
import { listServerRecords } from '../servers/servers.js';
import { parseRequest, REQUEST_FOLDER } from '../requests/request-record.js';
import { listRequests } from '../requests/requests.js';
import { parseSession, SESSION_FOLDER } from '../sessions/session-record.js';
import { listSessions } from '../sessions/sessions.js';
import { POOL_FOLDER, parsePool } from '../signing/commitment-pool.js';
import { findUnreadable } from '../store/record-store.js';
import type { Track } from '../store/track.js';
import { formatMargin, readStatus, type Status } from './status.js';

/** One line of a diagnosis. `fix`: one imperative sentence; `remedy`: the same as data. */
export interface DoctorLine {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly subject: string;
  readonly text: string;
  readonly fix?: string;
  readonly remedy?: Remedy;
  /** Set when it is about this machine, and no server can help. */
  readonly isLocal?: true;
}

/** Clocks further apart than this make messages expire before they arrive. */
const CLOCK_LIMIT_SECONDS = 30;

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
  return [
    ...stored,
    ...(await checkIdentities(context, status)),
    ...checkServers(status),
    ...checkVersions(status, version),
    ...checkArithmetic(status),
    ...checkMargins(status),
    ...checkStopped(status),
    ...(await checkKeys(context, readKey, status)),
    ...checkOpen('sessions', await listSessions(context.store), context.clock()),
    ...checkOpen('requests', await listRequests(context.store), context.clock()),
    ...(await checkEvidence(context)),
  ];
}

/** Every folder of records, and what reads them. Evidence is kept for people and read by none of ours. */
const FOLDERS = [
  [SERVER_FOLDER, parseServerRecord],
  [KEY_FOLDER, parseListedKey],
  [SESSION_FOLDER, parseSession],
  [REQUEST_FOLDER, parseRequest],
  [POOL_FOLDER, parsePool],
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

function failed(subject: string, { message, hint, remedy }: CkmError): DoctorLine {
  return { level: 'fail', subject, text: message, fix: hint, ...(remedy === null ? {} : { remedy }) };
}

function explained(code: string | null | undefined): Pick<DoctorLine, 'remedy'> {
  return code === null || code === undefined ? {} : { remedy: { kind: 'read', code } };
}

async function checkIdentities(context: ClientContext, { servers }: Status): Promise<DoctorLine[]> {
  const records = await listServerRecords(context.store);
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

function checkServers({ servers }: Status): DoctorLine[] {
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
        const text = problem?.text ?? 'does not answer';
        if (problem?.code === 'MESSAGE_NOT_AUTHENTICATED') {
          const fix = 'restore each key of it, or add it again where there is none';
          return [{ level: 'fail', subject: name, text, fix, remedy: { kind: 'addServer', name, url } }];
        }
        return [
          {
            level: 'fail',
            subject: name,
            text,
            fix: 'ask its operator',
            ...explained(problem?.code),
          },
        ];
      }
      const lines: DoctorLine[] = [{ level: 'ok', subject: name, text: `answers in ${answerMs} ms` }];
      if (Math.abs(clockOffset ?? 0) > CLOCK_LIMIT_SECONDS) {
        const way = (clockOffset ?? 0) > 0 ? 'ahead of' : 'behind';
        const text = `its clock is ${Math.abs(clockOffset ?? 0)} s ${way} yours`;
        lines.push({ level: 'warn', subject: name, text, fix: 'set the clock of both machines (NTP)' });
      }
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

function checkVersions({ servers }: Status, ours: string | undefined): DoctorLine[] {
  if (ours === undefined) return [];
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

const RELEASE_FIRST = 'have the servers that stopped it looked at, and those that do not answer brought back';

function checkMargins({ keys }: Status): DoctorLine[] {
  return keys.map((key): DoctorLine => {
    const { name, margin, isMarginLow, quorum, reachable, lost, stopped, expiresAt, isExpired } = key;
    if (isExpired) {
      const text = `has expired by its policy, on ${new Date(expiresAt! * 1000).toISOString().slice(0, 10)}`;
      return { level: 'warn', subject: name, text, fix: 'make a new key in its place' };
    }
    const way: Pick<DoctorLine, 'fix' | 'remedy'> =
      lost.length > 0
        ? { fix: 'let them recover their shares', remedy: { kind: 'restoreKey', keys: [name] } }
        : { fix: stopped.length > 0 ? RELEASE_FIRST : 'bring the servers that do not answer back' };
    const text = `${reachable.length} of ${quorum.of} servers answer, ${quorum.needed} are needed`;
    if (margin < 0)
      return {
        level: 'fail',
        subject: name,
        text: `${formatMargin({ ...key, absent: [] })}: ${text}`,
        ...way,
      };
    if (isMarginLow) {
      return {
        level: 'warn',
        subject: name,
        text: `${formatMargin({ ...key, absent: [] })}: ${text}`,
        ...way,
      };
    }
    return { level: 'ok', subject: name, text };
  });
}

/** A server that has computed a wrong share answers nothing more with that key, and its operator alone can end that. */
function checkStopped({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, id, stopped }) =>
    stopped.map((server): DoctorLine => ({
      level: 'fail',
      subject: `${name} on ${server}`,
      text: 'has stopped the key: it computed a wrong share with it',
      fix: `ask the operator of ${server} to look at its machine, then to release the key`,
      remedy: { kind: 'releaseKey', id },
    })),
  );
}

async function checkKeys(
  context: ClientContext,
  readKey: ReadKey,
  { servers }: Status,
): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  const found: Finding[] = [];
  for (const { name } of await listKeyRecords(context.store)) {
    try {
      const { servers: verdicts } = await verifyKey(context, await readKey(name), () => undefined);
      found.push(...verdicts.map((one) => ({ ...one, key: name })));
      if (verdicts.every(({ verdict }) => verdict === 'holds')) {
        lines.push({
          level: 'ok',
          subject: name,
          text: `same certificate on all ${verdicts.length} servers`,
        });
      }
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
      lines.push(failed(name, error));
    }
  }
  // What keeps a server from answering at all has a line of its own, whatever number of keys it holds.
  const isTold = ({ server, verdict }: Finding) =>
    (verdict === 'silent' || verdict === 'refused') &&
    servers.some(({ name, problem }) => name === server && problem !== null);
  return [...lines, ...groupCauses(found.filter((one) => one.verdict !== 'holds' && !isTold(one)))];
}

/** What one server says about one key. */
interface Finding extends ServerVerdict {
  readonly key: string;
}

/** One line for each cause: a server that says the same about many keys says it once. */
function groupCauses(found: readonly Finding[]): DoctorLine[] {
  const causes = new Map<string, Finding[]>();
  for (const one of found) {
    const cause = `${one.server} ${one.verdict} ${one.text}`;
    causes.set(cause, [...(causes.get(cause) ?? []), one]);
  }
  return [...causes.values()].map((same) =>
    keyLine(
      same.map(({ key }) => key),
      same[0]!,
    ),
  );
}

function keyLine(keys: readonly string[], { server, verdict, text, code }: ServerVerdict): DoctorLine {
  const subject = `${keys.join(', ')} on ${server}`;
  switch (verdict) {
    case 'pending':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'go on making it, or restore it',
        remedy: { kind: 'restoreKey', keys },
      };
    case 'lost':
    case 'forgot':
      return {
        level: 'fail',
        subject,
        text,
        fix: 'let it recover its share',
        remedy: { kind: 'restoreKey', keys },
      };
    case 'silent':
      return { level: 'warn', subject, text, fix: `bring ${server} back` };
    case 'unknown':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'add it again, with its address',
        remedy: { kind: 'addServer' },
      };
    case 'refused':
      return {
        level: 'warn',
        subject,
        text,
        fix: `ask the operator of ${server}`,
        ...explained(code),
      };
    default:
      return { level: 'fail', subject, text, fix: `ask the operator of ${server}` };
  }
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
