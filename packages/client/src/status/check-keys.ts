import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { CheckVerdict } from '../keys/checks/check-record.js';
import { listKeyRecords, type ReadKey } from '../keys/keys.js';
import { type ServerVerdict, verifyKey } from '../keys/verify-key.js';
import { listed } from '../servers/faults.js';
import { type DoctorLine, explained, failed } from './doctor-line.js';
import {
  areAllThatAnswer,
  isStoppedByFreeze,
  type KeyStatus,
  mayLetOthersIn,
  maySignElsewhere,
} from './key-status.js';
import { formatMargin } from './margins.js';
import type { Status } from './status.js';

/** Nothing brings a share back whose server is gone, but the others can let another server in while enough of them are left. */
function replacedFix(key: KeyStatus): Pick<DoctorLine, 'fix' | 'remedy'> {
  const { name, replaced, margin, quorum, changes } = key;
  const gone = `the share at ${listed(replaced)} is gone with that server`;
  if (margin < 0) return { fix: `${gone}: ask its operator for a backup of the old one` };
  if (isTooFewToChange(key)) {
    const too = `${changes.needed} of the servers would have to decide on another in its place`;
    return { fix: `${gone}, and ${too}: ask its operator for a backup of the old one, or make a new key` };
  }
  const staying = [...key.reachable, ...key.stopped, ...key.lost, ...key.behind, ...key.absent];
  return {
    fix: `${gone}: let another take its place, under the same key, before one more is lost`,
    remedy: {
      kind: 'replaceServer',
      key: name,
      servers: staying,
      quorum: `${quorum.needed}of${quorum.of}`,
    },
  };
}

/** Whoever only has to be brought back, released or repaired still decides; whoever was replaced never does. */
function isTooFewToChange({ quorum, replaced, changes }: KeyStatus): boolean {
  return quorum.of - replaced.length < changes.needed;
}

/** Whoever forgot decides again in the next epoch, if there is one. */
function forgottenFix({ name, forgot, changeable }: KeyStatus): Pick<DoctorLine, 'fix' | 'remedy'> {
  if (changeable === 'never') return { fix: 'it signs as before: make a new key, and move' };
  return {
    fix: `refresh it: ${listed(forgot)} decides on no change again before that`,
    remedy: { kind: 'refreshKey', key: name },
  };
}

const RELEASE_FIRST = 'have the servers that stopped it looked at, and those that do not answer brought back';

export function checkMargins({ keys }: Status): DoctorLine[] {
  // What its owner has stopped signs nothing on purpose, and has a line of its own.
  const used = keys.filter((key) => !isStoppedByFreeze(key));
  return used.map((key): DoctorLine => {
    const { name: subject, margin, isMarginLow, changes, expiresAt, isExpired } = key;
    if (isExpired) {
      const text = `has expired by its policy, on ${new Date(expiresAt! * 1000).toISOString().slice(0, 10)}`;
      return { level: 'warn', subject, text, fix: 'make a new key in its place' };
    }
    const counts = countsText(key);
    if (!isMarginLow && !changes.isLow && margin >= 0) return { level: 'ok', subject, text: counts };
    const text = `${formatMargin({ ...key, absent: [] })}: ${counts}`;
    return { level: margin < 0 ? 'fail' : 'warn', subject, text, ...wayBack(key) };
  });
}

/** How many of its servers do what it takes how many for. */
function countsText(key: KeyStatus): string {
  const { quorum, reachable, changes } = key;
  const verb = areAllThatAnswer(key) ? 'answer' : 'sign';
  const more = changes.needed > quorum.needed ? ` (${changes.needed} to change hands)` : '';
  return `${reachable.length} of ${quorum.of} servers ${verb}, ${quorum.needed} are needed${more}`;
}

/** What makes it more that sign, the nearest thing first. */
function wayBack(key: KeyStatus): Pick<DoctorLine, 'fix' | 'remedy'> {
  const { name, replaced, lost, behind, unproved, stopped } = key;
  if (replaced.length > 0) return replacedFix(key);
  if (lost.length > 0) {
    const [server] = lost as [string];
    return { fix: `have ${server} get its share back`, remedy: { kind: 'repairKey', keys: [name], server } };
  }
  if (behind.length > 0)
    return { fix: `show ${listed(behind)} the newest epoch`, remedy: { kind: 'checkKey', key: name } };
  if (unproved.length > 0)
    return { fix: `have ${listed(unproved)} prove its share`, remedy: { kind: 'checkKey', key: name } };
  if (key.forgot.length > 0 && key.absent.length + stopped.length === 0) return forgottenFix(key);
  return stopped.length > 0 ? { fix: RELEASE_FIRST } : absentFix(key);
}

/** Whoever does not answer may come back; one that is gone for good is replaced while the others are enough to decide. */
function absentFix(key: KeyStatus): Pick<DoctorLine, 'fix' | 'remedy'> {
  const { name, absent, quorum, changes, reachable, frozen } = key;
  if (absent.length === 0) return { fix: 'bring the servers that do not answer back' };
  const back = `bring ${listed(absent)} back`;
  if (changes.margin < 0) return { fix: back };
  const servers = [...new Set([...reachable, ...frozen.map(({ server }) => server)])];
  const isOne = absent.length === 1 && servers.length + 1 === quorum.of;
  if (!isOne) return { fix: `${back}; in the place of one that is gone for good let another hold a share` };
  return {
    fix: `${back}; if it is gone for good let another take its place, under the same key`,
    remedy: { kind: 'replaceServer', key: name, servers, quorum: `${quorum.needed}of${quorum.of}` },
  };
}

/** A change that is decided goes on until its servers have entered it: until then the epoch before is in use. */
export function checkDecided({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, decided }): DoctorLine[] => {
    if (decided === null) return [];
    const text = `has the certificate of epoch ${decided.epoch}, and has not entered it yet`;
    const fix = 'verify the key: its servers are shown who is ready for it';
    const remedy = { kind: 'verifyKey', key: name } as const;
    return [{ level: 'warn', subject: `${name} on ${listed(decided.servers)}`, text, fix, remedy }];
  });
}

/** A server that has computed a wrong share answers nothing more with that key, and its operator alone can end that. */
export function checkStopped({ keys }: Status): DoctorLine[] {
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

/** Who came back in this epoch decides on nothing by himself: one more, and nobody decides any more. A new epoch remembers everything (L6). */
export function checkForgotten({ keys }: Status): DoctorLine[] {
  return keys.flatMap((key): DoctorLine[] => {
    const { name, forgot, changeable, changes } = key;
    if (changeable === 'yes') return [];
    const subject = `${name} on ${listed(forgot)}`;
    if (changeable === 'never') {
      const text = `forgot in this epoch what it said of a change: the others are fewer than the ${changes.needed} that decide, so that its servers and shares stay as they are`;
      return [{ level: 'fail', subject, text, ...forgottenFix(key) }];
    }
    const text =
      'was restored or repaired in this epoch: after one more, nothing changes its servers or shares any more';
    const fix = 'refresh the key before anything else of it is repaired or restored';
    return [{ level: 'warn', subject, text, fix, remedy: { kind: 'refreshKey', key: name } }];
  });
}

/** Nothing was repaired from here: another device of the owner began it, or somebody who has one (L6). */
export function checkRepairs({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, strangeRepairs }) =>
    strangeRepairs.map(({ servers, target }): DoctorLine => ({
      level: 'fail',
      subject: `${name} on ${listed(servers)}`,
      text: `a repair of the share of ${target} goes on that was not begun here`,
      fix: 'if none of your devices began it, stop it, and look who has your seed',
      remedy: { kind: 'stopRepair', key: name, server: target },
    })),
  );
}

/** Nothing was ordered from here: another client of the owner did, or somebody who has one. */
export function checkOrders({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, orders }) =>
    orders
      .filter(({ origin }) => origin !== 'open')
      .map(({ id, origin, servers }): DoctorLine => {
        const remedy = { kind: 'cancelSession', id } as const;
        const subject = `${name} on ${listed(servers)}`;
        if (origin === 'over') {
          const text = 'a change of its servers that is over here waits there still';
          return { level: 'warn', subject, text, fix: 'take it back there too', remedy };
        }
        const text = 'a change of its servers waits that was not ordered here';
        const fix = 'if none of your devices ordered it, take it back, and look who has your seed';
        return { level: 'fail', subject, text, fix, remedy };
      }),
  );
}

/** Orders about which of two certificates of one epoch counts, whoever gave them. */
export function checkSettlements({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, settlements }): DoctorLine[] =>
    settlements.map(({ servers }) => ({
      level: 'warn',
      subject: `${name} on ${listed(servers)}`,
      text: 'an order about which of its certificates counts waits',
      fix: 'if none of your devices gave it, take it back, and look who has your seed',
      remedy: { kind: 'cancelSettlement', key: name },
    })),
  );
}

/** What only people can find out: whether a server shows its operator another key than its owner has. */
export function checkComparisons({ keys }: Status): DoctorLine[] {
  const different = keys.filter(({ comparison }) => comparison?.outcome === 'different');
  const open = keys.filter(({ comparison }) => comparison === null);
  const [first] = open;
  return [
    ...different.map(({ name }): DoctorLine => ({
      level: 'fail',
      subject: name,
      text: 'an operator sees another likeness: nothing is signed with it',
      fix: 'ask the operator of each server which likeness he sees; once everybody sees the same, say so',
      remedy: { kind: 'compareKey', key: name },
    })),
    ...(first === undefined
      ? []
      : [
          {
            level: 'warn',
            subject: open.map(({ name }) => name).join(', '),
            text: 'not compared with what operators see',
            fix: 'compare likenesses by phone or in person',
            remedy: { kind: 'compareKey', key: first.name },
          } as const,
        ]),
  ];
}

/** What is on record of key checks: shares that were not there, and what is to be asked again. */
export function checkProofs({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, checks: { lastAt, unproved, isOverdue } }): DoctorLine[] => {
    const remedy = { kind: 'checkKey', key: name } as const;
    const lines = unproved.flatMap(({ server, verdict }): DoctorLine[] => {
      const found = FOUND[verdict];
      if (found === undefined) return [];
      const fix = 'check the key again, and ask its operator';
      return [{ level: 'fail', subject: `${name} on ${server}`, text: found, fix, remedy }];
    });
    if (!isOverdue) return lines;
    const text = lastAt === null ? 'has never been checked' : 'has not been checked for too long';
    const fix = 'have every server prove that it holds its share';
    return [...lines, { level: 'warn', subject: name, text, fix, remedy }];
  });
}

/** Whether it is known that a lost server could be made again. */
export function checkDrills({ keys }: Status): DoctorLine[] {
  return keys.flatMap(({ name, drills: { lastAt, failed, isOverdue } }): DoctorLine[] => {
    if (failed !== null) {
      const text = `failed in its last drill, in which ${failed.server} was to be made again`;
      const remedy = { kind: 'drillKey', key: name, server: failed.server } as const;
      return [{ level: 'fail', subject: name, text, fix: 'find out why, and drill again', remedy }];
    }
    if (!isOverdue) return [];
    const text = lastAt === null ? 'has never been drilled' : 'has not been drilled for too long';
    const fix = 'rehearse that a lost server is made again';
    return [{ level: 'warn', subject: name, text, fix, remedy: { kind: 'drillKey', key: name } }];
  });
}

/** What its owner has stopped, and whether that holds: with too few servers it does not. */
export function checkFreezes({ keys }: Status): DoctorLine[] {
  return keys.flatMap((key): DoctorLine[] => {
    const { name, frozen, quorum } = key;
    if (frozen.length === 0) return [];
    const names = listed(frozen.map(({ server }) => server));
    const open = key.elsewhere.filter(({ isFrozen }) => !isFrozen);
    if (isStoppedByFreeze(key) && open.length > 0) {
      const others = listed(open.map(({ server }) => server));
      const text = `may NOT be stopped: ${names} has been told, ${others} went on by another certificate and is not frozen`;
      const fix = 'say it again: those are told too, and it says whether the key is stopped';
      return [{ level: 'fail', subject: name, text, fix, remedy: { kind: 'freezeKey', key: name } }];
    }
    if (isStoppedByFreeze(key) && maySignElsewhere(key)) {
      const text = `is frozen at ${names}, and forked: servers by another certificate may not have heard`;
      const fix = 'say it again: those are told too, and it says whether the key is stopped';
      return [{ level: 'warn', subject: name, text, fix, remedy: { kind: 'freezeKey', key: name } }];
    }
    if (isStoppedByFreeze(key) && mayLetOthersIn(key)) {
      const text = `is frozen at ${names}, and a change may let in servers that have not heard`;
      const fix = 'say it again: those are told too, and it says whether the key is stopped';
      return [{ level: 'warn', subject: name, text, fix, remedy: { kind: 'freezeKey', key: name } }];
    }
    if (isStoppedByFreeze(key)) {
      const fix = 'wait until it ends, or ask the operators to thaw it';
      return [
        {
          level: 'warn',
          subject: name,
          text: `is frozen at ${names}`,
          fix,
          remedy: { kind: 'thawKey', key: name },
        },
      ];
    }
    const needed = quorum.of - quorum.needed + 1;
    const text = `is NOT stopped: only ${names} has been told, ${needed} are needed`;
    const fix = 'tell the others too';
    return [{ level: 'fail', subject: name, text, fix, remedy: { kind: 'freezeKey', key: name } }];
  });
}

/** What counts against a server; one that refused or was silent has lines of its own. */
const FOUND: Partial<Record<CheckVerdict, string>> = {
  wrong: 'gave a wrong proof of its share at the last check',
  damaged: 'said at the last check that its share is damaged',
  lost: 'had lost its share at the last check',
};

export async function checkKeys(
  context: ClientContext,
  readKey: ReadKey,
  { servers }: Status,
): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  const found: Finding[] = [];
  const silent = hanging(servers);
  for (const { name } of await listKeyRecords(context.store)) {
    try {
      const { servers: verdicts } = await verifyKey(context, await readKey(name), () => undefined, silent);
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

/** Servers that were waited for in vain: to wait for them again for each key would take minutes. */
export function hanging(servers: Status['servers']): readonly string[] {
  return servers.filter(({ problem }) => problem?.code === 'SERVER_TIMEOUT').map(({ name }) => name);
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
    case 'behind':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'verify the key: whoever was away learns the certificates between',
        remedy: { kind: 'verifyKey', key: keys[0]! },
      };
    case 'forked':
      return {
        level: 'fail',
        subject,
        text,
        fix: 'have its servers settle which of the two counts',
        remedy: { kind: 'settleKey', key: keys[0]! },
      };
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
        fix: 'have it get its share back',
        remedy: { kind: 'repairKey', keys, server },
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
      return { level: 'warn', subject, text, ...explained(`ask the operator of ${server}`, code) };
    default:
      return { level: 'fail', subject, text, fix: `ask the operator of ${server}` };
  }
}
