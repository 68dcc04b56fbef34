import {
  areAllThatAnswer,
  formatMargin,
  isGone,
  isStoppedByFreeze,
  type KeyStatus,
  mayLetOthersIn,
  maySignElsewhere,
} from '@ckm/client';
import { dateOf, formatInstant, unixNow } from '../terminal/instant.js';
import { formatRemedy, wordsOf } from '../terminal/remedy-words.js';
import type { Terminal } from '../terminal/terminal.js';
import { plainText } from '../terminal/plain-text.js';
import { forgettingLine } from './change-words.js';

/** One that was made less than this ago has nothing behind it. Seconds. */
const NEW_SECONDS = 86_400;

/** Since when a key has its shares, when they were last looked at, what is overdue, and what became of the shares before them. */
export function pastLines(terminal: Terminal, key: KeyStatus, now: number): string[] {
  const { epoch, createdAt, changedAt, forgetting } = key;
  const isLookedAt = key.checks.lastAt !== null || key.checks.isOverdue || isDrilled(key);
  if (epoch === 0 && !isLookedAt && now < createdAt + NEW_SECONDS) return [];
  const since = changedAt === null ? ` since before ${dateOf(key.heldSince)}` : ` since ${dateOf(changedAt)}`;
  const shares =
    epoch === 0 ? `epoch 0 since ${dateOf(createdAt)}, never refreshed` : `epoch ${epoch}${since}`;
  const past = [shares, ...checkTexts(terminal, key), ...drillTexts(terminal, key)].join('; ');
  const older = oldSharesLine(terminal, key);
  if (epoch === 0 || forgetting.length === 0) return [past, ...older];
  const line = `told to destroy their old shares: ${forgettingLine({ forgetting })}`;
  return [past, forgetting.every(isGone) ? line : terminal.style('yellow', line), ...older];
}

/** Shares of still earlier epochs that nobody has said to be gone. */
function oldSharesLine(terminal: Terminal, { oldShares }: KeyStatus): string[] {
  if (oldShares.length === 0) return [];
  const each = oldShares.map(
    ({ epoch, servers }) => `epoch ${epoch} of ${servers.map(plainText).join(', ')}`,
  );
  return [terminal.style('yellow', `older shares that nobody has said to be gone: ${each.join('; ')}`)];
}

/** How a key stands now, cell by cell. */
export function keyRow(terminal: Terminal, key: KeyStatus): string[] {
  const { name, id, purpose, quorum, replaced, lost, behind, stopped } = key;
  return [
    name,
    purpose,
    `${quorum.needed} of ${quorum.of}`,
    answerText(key),
    marginText(terminal, key),
    ...(replaced.length === 0
      ? []
      : [
          terminal.style(
            'red',
            `${replaced.join(', ')} is another server now, its share is gone: ckm doctor`,
          ),
        ]),
    ...(lost.length === 0
      ? []
      : [
          terminal.style(
            'red',
            `${lost.join(', ')} has lost its share: ckm key repair ${name} --server ${lost[0]!}`,
          ),
        ]),
    ...(behind.length === 0
      ? []
      : [
          terminal.style(
            'yellow',
            `${behind.join(', ')} has not come to epoch ${key.epoch}: ckm key check ${name}`,
          ),
        ]),
    ...unprovedCells(terminal, key),
    ...forgotCells(terminal, key),
    ...decidedCells(terminal, key),
    ...key.strangeRepairs.map(({ servers, target }) => {
      const { command } = wordsOf({ kind: 'stopRepair', key: name, server: target });
      const text = `a repair of the share of ${target}, not begun here, goes on at ${servers.join(', ')}`;
      return terminal.style('red', `${text}: ${command}`);
    }),
    ...(stopped.length === 0
      ? []
      : [
          terminal.style(
            'red',
            `stopped at ${stopped.join(', ')} by a wrong share: ${formatRemedy({ kind: 'releaseKey', id })}`,
          ),
        ]),
    ...forkCells(terminal, key),
    ...exportCells(terminal, key),
    ...frozenCells(terminal, key),
    ...heirCells(terminal, key),
    ...comparisonCells(terminal, key),
    ...termsCells(key),
    ...(key.recovery === 'static' ? ['recovery static: identity files give its shares back'] : []),
  ];
}

/** Of a key that may ask people, or whose terms have changed since it was made. */
function termsCells({ name, terms: { version, asks } }: KeyStatus): string[] {
  if (asks.length === 0 && version === 0) return [];
  const people = asks.length === 0 ? '' : `, which may ask ${asks.join(', ')}`;
  return [`terms ${version}${people}: ckm terms show ${name}`];
}

/** Whoever answers, and is not counted on. */
function unprovedCells(terminal: Terminal, { name, unproved }: KeyStatus): string[] {
  if (unproved.length === 0) return [];
  const { command } = wordsOf({ kind: 'checkKey', key: name });
  const text = `not counted, by the last check of its share: ${unproved.join(', ')}`;
  return [terminal.style('red', `${text}: ${command}`)];
}

/** Where servers that came back in this epoch keep the key from ever changing its servers, or one more would. */
function forgotCells(terminal: Terminal, { name, forgot, changeable }: KeyStatus): string[] {
  if (changeable === 'never') {
    const text = `nothing changes its servers or shares any more: ${forgot.join(', ')} forgot in this epoch what was said`;
    return [terminal.style('red', text)];
  }
  if (changeable !== 'once') return [];
  const { command } = wordsOf({ kind: 'refreshKey', key: name });
  const text = `${forgot.join(', ')} came back in this epoch, and one more ends all changes of its servers`;
  return [terminal.style('yellow', `${text}: ${command}`)];
}

/** A change that has come so far that nobody takes it back, and not to its end. */
function decidedCells(terminal: Terminal, { name, epoch, decided }: KeyStatus): string[] {
  if (decided === null) return [];
  const { command } = wordsOf({ kind: 'verifyKey', key: name });
  const text = `epoch ${decided.epoch} is decided, ${decided.servers.join(', ')} in epoch ${epoch} still`;
  return [terminal.style('yellow', `${text}: ${command}`)];
}

/** Whether it is being taken out of its servers, by whichever device of the owner, and what has left. */
function exportCells(terminal: Terminal, { name, quorum, exports: { goesOn, given } }: KeyStatus): string[] {
  const { command } = wordsOf({ kind: 'stopExport', key: name });
  const out =
    given.length < quorum.needed
      ? `shares of it are out, of ${given.join(', ')}`
      : 'exported: it needs no server';
  return [
    ...(goesOn.length === 0
      ? []
      : [terminal.style('red', `an export goes on at ${goesOn.join(', ')}: ${command}`)]),
    ...(given.length === 0 ? [] : [terminal.style('yellow', out)]),
  ];
}

/** Where two certificates of one epoch were seen, and what waits to settle that. */
function forkCells(terminal: Terminal, { name, forked, elsewhere, settlements }: KeyStatus): string[] {
  const { command } = wordsOf({ kind: 'settleKey', key: name });
  const cancel = wordsOf({ kind: 'cancelSettlement', key: name }).command;
  return [
    ...(forked.length === 0
      ? []
      : [
          terminal.style(
            'red',
            `answers nothing at ${forked.join(', ')}, two certificates of one epoch hold: ${command}`,
          ),
        ]),
    ...(elsewhere.length === 0
      ? []
      : [terminal.style('red', `by another certificate of an epoch at ${namesOf(elsewhere)}: ${command}`)]),
    ...settlements.map(({ servers }) =>
      terminal.style(
        'yellow',
        `an order about which counts waits at ${servers.join(', ')}; if no device of yours gave it: ${cancel}`,
      ),
    ),
  ];
}

/** Who asks for it as if its owner were dead. */
function heirCells(terminal: Terminal, { name, heirs }: KeyStatus): string[] {
  const open = heirs.filter(({ isOpen }) => isOpen);
  if (open.length === 0) return [];
  const who = [...new Set(open.map(({ heir }) => heir))].join(', ');
  const at = open.map(({ server }) => server).join(', ');
  return [terminal.style('red', `${who} asks for it at ${at}, as if you were dead: ckm alive ${name}`)];
}

/** Where its owner has frozen it, and whether that stops it. */
function frozenCells(terminal: Terminal, key: KeyStatus): string[] {
  const { name, frozen } = key;
  if (frozen.length === 0) return [];
  const names = frozen.map(({ server }) => server).join(', ');
  const ends = formatInstant(Math.min(...frozen.map(({ until }) => until)), unixNow());
  const { command } = wordsOf({ kind: isStoppedByFreeze(key) ? 'thawKey' : 'freezeKey', key: name });
  if (!isStoppedByFreeze(key))
    return [terminal.style('red', `NOT stopped, frozen only at ${names}: ${command}`)];
  const again = wordsOf({ kind: 'freezeKey', key: name }).command;
  const others = `a change may let in servers that have not heard, which this tells: ${again}`;
  return [
    terminal.style('yellow', `frozen at ${names} until ${ends}: ${command}`),
    ...branchFreezeCells(terminal, key),
    ...(mayLetOthersIn(key) ? [terminal.style('yellow', others)] : []),
  ];
}

/** Whether those are frozen too who may sign by another certificate: only a freeze that is said again counts them all. */
function branchFreezeCells(terminal: Terminal, key: KeyStatus): string[] {
  const again = wordsOf({ kind: 'freezeKey', key: key.name }).command;
  const open = key.elsewhere.filter(({ isFrozen }) => !isFrozen);
  if (open.length > 0) {
    const text = `may NOT be stopped, not frozen at ${namesOf(open)}, by another certificate: ${again}`;
    return [terminal.style('red', text)];
  }
  if (!maySignElsewhere(key)) return [];
  const text = `it is forked, and servers by another certificate may not have heard, which this tells: ${again}`;
  return [terminal.style('yellow', text)];
}

function namesOf(servers: readonly { readonly server: string }[]): string {
  return servers.map(({ server }) => server).join(', ');
}

/** What the last key check found, and whether the next one is overdue. */
function checkTexts(terminal: Terminal, { name, checks }: KeyStatus): string[] {
  const { lastAt, unproved, isOverdue } = checks;
  const { command } = wordsOf({ kind: 'checkKey', key: name });
  const missing = [...new Set(unproved.map(({ server }) => server))].join(', ');
  const last =
    lastAt === null
      ? 'never checked'
      : missing === ''
        ? `checked ${dateOf(lastAt)}`
        : terminal.style('yellow', `checked ${dateOf(lastAt)}, not proved by ${missing}: ${command}`);
  return isOverdue ? [last, terminal.style('yellow', `check overdue: ${command}`)] : [last];
}

function isDrilled({ drills: { lastAt, failed, open } }: KeyStatus): boolean {
  return lastAt !== null || failed !== null || open !== null;
}

/** When it was last shown that a lost server can be made again, what came of the last try, and whether the next is overdue. */
function drillTexts(terminal: Terminal, key: KeyStatus): string[] {
  const { lastAt, server, failed, open, dueAt, isOverdue } = key.drills;
  const command = (lost?: string) =>
    wordsOf({ kind: 'drillKey', key: key.name, ...(lost === undefined ? {} : { server: lost }) }).command;
  const never = dueAt === null ? [] : ['never drilled'];
  const last = lastAt === null ? never : [`drilled ${dateOf(lastAt)} (${server})`];
  const tries = [
    ...(failed === null
      ? []
      : [
          terminal.style(
            'red',
            `drill of ${failed.server} failed ${dateOf(failed.at)}: ${command(failed.server)}`,
          ),
        ]),
    ...(open === null
      ? []
      : [terminal.style('yellow', `drill of ${open.server} not over: ${command(open.server)}`)]),
  ];
  return [...last, ...tries, ...(isOverdue ? [terminal.style('yellow', `drill overdue: ${command()}`)] : [])];
}

function comparisonCells(terminal: Terminal, { name, comparison }: KeyStatus): string[] {
  const { command } = wordsOf({ kind: 'compareKey', key: name });
  if (comparison === null) return [`not compared: ${command}`];
  if (comparison.outcome === 'same') return [];
  return [terminal.style('red', `an operator sees another likeness: ${command}`)];
}

function answerText(key: KeyStatus): string {
  const { reachable, quorum, isExpired } = key;
  const { length } = reachable;
  if (isExpired) return '';
  if (length === quorum.of) return `all ${length} answer`;
  const verb = areAllThatAnswer(key) ? 'answer' : 'sign';
  return `${length} ${length === 1 ? `${verb}s` : verb}`;
}

function marginText(terminal: Terminal, key: KeyStatus): string {
  const { margin, isMarginLow, changes, remedy, expiresAt, isExpired } = key;
  if (isExpired) return terminal.style('red', `expired ${formatInstant(expiresAt!, unixNow())}`);
  if (remedy !== null) return terminal.style('yellow', `not complete: ${wordsOf(remedy).command}`);
  const text = formatMargin(key);
  if (margin < 0) return terminal.style('red', text);
  return isMarginLow || changes.isLow ? terminal.style('yellow', text) : text;
}
