import { formatOffset, type KeyStatus, type ServerStatus, type Status } from '@ckm/client';
import { AvailabilityError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { freezerText } from '../owner/account-freezes.js';
import { caseText } from '../owner/contact-words.js';
import { keyRow, pastLines } from '../owner/key-status-words.js';
import { orderChange, orderCounts, orderOrigin } from '../owner/order-words.js';
import { unsentRow } from '../owner/device-words.js';
import { openOwner } from '../owner/open-owner.js';
import { createAsking } from '../terminal/asking.js';
import { asCalled } from '../terminal/called-as.js';
import { counted } from '../terminal/counted.js';
import { createInOrder } from '../terminal/in-order.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** `ckm status` */
export function statusCommand(): Command {
  const endings = { 69: 'none of your servers answers' };
  return leaf('status', 'everything on one screen', endings).action(run(status));
}

async function status(context: Context): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const names = (await client.listServers()).map(({ name }) => name);
  const asking = createAsking(terminal, names);
  // Each server as it answers, on a terminal and through a pipe; a JSON document is one piece.
  const isStreamed = !terminal.json && names.length > 0;
  if (isStreamed) terminal.result(terminal.style('bold', 'Servers'), null);
  const rows = createInOrder<ServerStatus>(names, (server) => {
    if (isStreamed) terminal.result(streamedRow(terminal, names, server), null);
  });
  const on = (server: ServerStatus) => {
    asking.answered(server.name);
    rows.answered(server.name, server);
  };
  try {
    const wait = flags.timeout === undefined ? { timeoutMs: USUAL_WAIT_MS } : {};
    const found = await client.status({ on, ...wait, isRemembered: flags.preview !== true });
    asking.end();
    rows.end();
    const sections = statusSections(terminal, found);
    const text = isStreamed ? `\n${sections.slice(1).join('\n\n')}` : sections.join('\n\n');
    terminal.result(text, found);
    if (found.servers.length > 0 && !found.servers.some(({ isReachable }) => isReachable))
      throw afterAnswer(nobodyAnswers(found));
  } finally {
    asking.end();
    rows.end();
  }
}

function nobodyAnswers({ servers }: Status): AvailabilityError {
  const which = servers.length === 1 ? 'your server' : `any of your ${servers.length} servers`;
  return new AvailabilityError(`no answer from ${which}`, {
    code: 'NO_SERVER_ANSWERS',
    hint: 'what keeps each of them from it stands in its line; look further',
    remedy: { kind: 'diagnose' },
    facts: { servers: servers.map(({ name }) => name) },
  });
}

/** One that hangs must not hide the others for long: with the start of a command it is five seconds in all. */
const USUAL_WAIT_MS = 4_000;

/** In columns as wide as what mostly stands in them, because those that follow are not known yet. */
function streamedRow(terminal: Terminal, names: readonly string[], server: ServerStatus): string {
  const [name, what, ...more] = serverRow(terminal, server);
  const widest = Math.max(...names.map(({ length }) => length));
  return formatTable([[name!.padEnd(widest), what!.padEnd('answers in 9999 ms'.length), ...more]], '  ');
}

function statusSections(
  terminal: Terminal,
  { servers, keys, openSessions, openRequests, clock, unsent = [], recoveries = [], ownerless = [] }: Status,
): string[] {
  const now = unixNow();
  return [
    heading(
      terminal,
      'Servers',
      servers.map((server) => serverRow(terminal, server)),
      'none yet: ckm server add NAME URL',
    ),
    ...(clock === null ? [] : [`  ${terminal.style('red', clock.text)}: ${clock.hint}`]),
    ...recoverySection(terminal, recoveries),
    keySection(terminal, keys, now),
    ...ownerSection(terminal, ownerless),
    ...orderSection(terminal, keys),
    ...(unsent.length === 0 ? [] : [heading(terminal, 'Devices', unsent.map(unsentRow), '')]),
    heading(
      terminal,
      'Open sessions',
      openSessions.map((one) => [one.id, one.title, `expires ${formatInstant(one.expiresAt, now)}`]),
      'none',
    ),
    heading(
      terminal,
      'Open requests',
      openRequests.map((one) => [
        one.id,
        one.key,
        plainText(one.title),
        `expires ${formatInstant(one.expiresAt, now)}`,
      ]),
      'none',
    ),
  ];
}

/** Who wants an account: whoever sees it says no, or loses it. */
function recoverySection(terminal: Terminal, recoveries: NonNullable<Status['recoveries']>): string[] {
  if (recoveries.length === 0) return [];
  const rows = recoveries.map((one) => [
    one.server,
    terminal.style('red', 'somebody wants your account'),
    caseText(one),
    asCalled(`ckm account veto ${one.server}`),
  ]);
  return [heading(terminal, 'Recoveries that wait', rows, '')];
}

/** Each key in a line, and under it what is behind it. @param now UnixSeconds */
function keySection(terminal: Terminal, keys: readonly KeyStatus[], now: number): string {
  const title = heading(
    terminal,
    'Keys',
    // A cell with a command stands before others, and is as wide as people read it.
    keys.map((key) => keyRow(terminal, key).map((cell) => asCalled(cell))),
    'none yet: ckm key create NAME',
  );
  const [first, ...rows] = title.split('\n');
  const indent = ' '.repeat(Math.max(0, ...keys.map(({ name }) => name.length)) + 4);
  const lines = rows.flatMap((row, i) => {
    const past = keys[i] === undefined ? [] : pastLines(terminal, keys[i], now);
    return [row, ...past.map((line) => indent + line)];
  });
  return [first, ...lines].join('\n');
}

/** Keys whose owner was a device that is out of the account. */
function ownerSection(terminal: Terminal, keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  const rows = keys.map((key) => [
    key,
    terminal.style('yellow', 'its owner was a device that is removed'),
    asCalled(`ckm terms propose ${key} --own`),
  ]);
  return [heading(terminal, 'Keys without an owner', rows, '')];
}

/** Orders about who holds a key next, where servers show some: whichever client gave them, this one can cancel them. */
function orderSection(terminal: Terminal, keys: readonly KeyStatus[]): string[] {
  const orders = keys.flatMap((key) => key.orders);
  if (orders.length === 0) return [];
  const rows = orders.map((order) => [
    order.id,
    order.key,
    orderChange(order),
    orderCounts(order),
    orderOrigin(terminal, order),
  ]);
  return [heading(terminal, 'Changes that wait', rows, '')];
}

function heading(
  terminal: Terminal,
  title: string,
  rows: readonly (readonly string[])[],
  none: string,
): string {
  return `${terminal.style('bold', title)}\n${rows.length === 0 ? `  ${none}` : formatTable(rows, '  ')}`;
}

function serverRow(terminal: Terminal, server: ServerStatus): string[] {
  const { name, isReachable, answerMs, version, url, arithmetic, lastSeenAt, unrecorded } = server;
  const { problem, frozen } = server;
  if (!isReachable) {
    const [what, next] = silenceText(server);
    const seen = lastSeenAt === null ? '' : `last seen ${formatInstant(lastSeenAt, unixNow())}`;
    return [name, terminal.style('red', what), next, seen, url];
  }
  const more = `${counted(unrecorded, 'key')} of yours not on record: ckm key fetch`;
  const row = [name, `answers in ${answerMs} ms`, version ?? '', gradesText(terminal, arithmetic), url];
  if (frozen !== null) return [...row, terminal.style('yellow', frozenText(name, frozen))];
  if (problem !== null) return [...row, terminal.style('red', `${problem.text}: ckm doctor`)];
  return unrecorded === 0 ? row : [...row, terminal.style('yellow', more)];
}

/** It answers, and does nothing more: who said so is what its owner wants to know first. */
function frozenText(server: string, { until, thawAskedAt, device }: NonNullable<ServerStatus['frozen']>) {
  const end = `your account is ${freezerText(device)} until ${formatInstant(until, unixNow())}`;
  const next = thawAskedAt === null ? `ckm thaw --account ${server}` : 'its operator is asked to thaw it';
  return `${end}: ${next}`;
}

/** What keeps a server from answering, and what to do about it: each cause in its own words. */
function silenceText({ problem, clockOffset }: ServerStatus): readonly [what: string, next: string] {
  const code = problem?.code ?? '';
  if (code === 'CLOCK_DIFFERS')
    return [`its clock is ${formatOffset(clockOffset ?? 0)} yours`, 'ckm explain CLOCK_DIFFERS'];
  const [cause, more] =
    problem === null ? ['does not answer', ''] : [problem.cause, `ckm explain ${problem.reason}`];
  return SILENCES[code] ?? [cause, more];
}

const SILENCES: Readonly<Record<string, readonly [what: string, next: string]>> = {
  MESSAGE_NOT_AUTHENTICATED: ['does not know you any more', 'ckm doctor'],
  ACCOUNT_SUSPENDED: ['answers you no more: account suspended', 'ask its operator'],
  SERVER_IDENTITY_CHANGED: ['another server answers', 'ckm explain SERVER_IDENTITY_CHANGED'],
  SERVER_SEALED: ['sealed', 'its operator must unseal it'],
  SERVER_CERTIFICATE_NAME: ['its TLS certificate is for another name', 'ckm explain SERVER_CERTIFICATE_NAME'],
  SERVER_CERTIFICATE_TIME: ['its TLS certificate is out of its time', 'ckm explain SERVER_CERTIFICATE_TIME'],
  SERVER_CERTIFICATE_UNKNOWN: [
    'its TLS certificate is not trusted',
    'ckm explain SERVER_CERTIFICATE_UNKNOWN',
  ],
  SERVER_NOT_HTTP: ['something else listens there', 'check the address and the port'],
};

/** How a server computes with shares: `native`, `wasm`, or in a time that depends on them. */
function gradesText(terminal: Terminal, arithmetic: ServerStatus['arithmetic']): string {
  const grades = [...new Set(arithmetic?.map(({ grade }) => grade))];
  if (grades.includes('bigint')) return terminal.style('yellow', 'slow arithmetic: ckm doctor');
  return grades.join(' + ');
}
