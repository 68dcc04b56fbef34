import type { CheckVerdict } from '../keys/checks/check-record.js';
import { listed } from '../servers/faults.js';
import type { DoctorLine } from './doctor-line.js';
import { isStoppedByFreeze, mayLetOthersIn, maySignElsewhere } from './key-status.js';
import type { Status } from './status.js';

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
      .map(({ id, origin, servers, byWords }): DoctorLine => {
        const remedy = { kind: 'cancelSession', id } as const;
        const subject = `${name} on ${listed(servers)}`;
        if (origin === 'over') {
          const text = 'a change of its servers that is over here waits there still';
          return { level: 'warn', subject, text, fix: 'take it back there too', remedy };
        }
        const what = byWords ? 'a change of its servers by the words' : 'a change of its servers';
        const text = `${what} waits that was not ordered here`;
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
