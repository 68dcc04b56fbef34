import { listed } from '../servers/faults.js';
import type { DoctorLine } from './doctor-line.js';
import { areAllThatAnswer, isStoppedByFreeze, type KeyStatus } from './key-status.js';
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
  if (changeable === 'never')
    return {
      fix: 'it signs as before: make new shares by the words, or a new key',
    };
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
