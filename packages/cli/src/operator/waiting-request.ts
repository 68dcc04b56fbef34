import { decodeHex, UsageError } from '@ckm/foundation';
import type { Operator, OperatorRequest } from '@ckm/server';
import { formatDescription } from '../terminal/description.js';
import { likenessLine } from '../terminal/likeness.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { findAccount } from './find-account.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** Digits of an id that people are shown; the first ones of it name a request. */
const SHOWN = 8;

/** Every request that waits, oldest first. */
export async function listWaiting(operator: Operator): Promise<OperatorRequest[]> {
  const all: OperatorRequest[] = [];
  for (let after = {}; ;) {
    const { requests, next } = await operator.requests(after);
    all.push(...requests);
    if (next === null) return all;
    after = next;
  }
}

/**
 * The request that an operator means: the one that waits under an id beginning like that.
 * @param account the first digits of whose it is
 */
export async function findWaiting(
  operator: Operator,
  id: string,
  account?: string,
): Promise<OperatorRequest> {
  const prefix = id.toLowerCase();
  if (/^[0-9a-f]{4,64}$/.test(prefix)) {
    if (account === undefined) return operator.request({ requestId: prefix });
    const { xid: owner } = await findAccount(operator, account);
    return operator.request({ requestId: prefix, owner });
  }
  throw new UsageError('the id of a request is 4 to 64 hex digits', {
    code: 'REQUEST_ID_INVALID',
    hint: 'copy it from: ckm server requests FOLDER',
  });
}

/**
 * A yes that reads nothing must name all of what it means: whoever asks chooses the id, and could have exchanged the
 * request for another whose id begins alike.
 * @throws UsageError `REQUEST_ID_SHORT`
 */
export function assertWholeId(id: string): void {
  if (id.length === 64) return;
  throw new UsageError('with --yes a request is named by its whole id', {
    code: 'REQUEST_ID_SHORT',
    hint: 'leave --yes out and read the sentence, or copy all 64 digits from: ckm server requests FOLDER --json',
  });
}

/** As people read it in a list: the sentence first, then what matters most of what stands beneath it. */
export function formatWaiting(request: OperatorRequest): string {
  const { requestId, sentence, shown } = request;
  return [
    `${requestId.slice(0, SHOWN)}  ${sentence}`,
    ...factsOf(request),
    ...(shown === null ? [NOT_STORED] : [...firstRows(shown), ...oneOfEach(shown)]),
  ].join(`\n${' '.repeat(SHOWN + 2)}`);
}

/** All that there is to read about a request, before anybody says yes. */
export function formatWhole(terminal: Terminal, request: OperatorRequest): string {
  const { requestId, sentence, shown } = request;
  const indent = (line: string) => `  ${line}`;
  if (shown === null)
    return [requestId, sentence, ...[...factsOf(request), NOT_STORED].map(indent)].join('\n');
  const description = formatDescription(terminal, { sentence, ...shown });
  return [requestId, ...factsOf(request).map(indent), description].join('\n');
}

const NOT_STORED = 'an earlier version of this server kept nothing but the sentence';
/** Rows of each request in a list. */
const FIRST_ROWS = 4;

function factsOf({ keyId, transcriptHash, kind, owner, createdAt, expiresAt }: OperatorRequest): string[] {
  const now = unixNow();
  return [
    `kind ${kind} · account ${owner.slice(0, SHOWN)} · asked ${formatInstant(createdAt, now)}`,
    `expires ${formatInstant(expiresAt, now)}`,
    transcriptHash === null
      ? `key ${keyId}`
      : `key ${likenessLine(decodeHex(transcriptHash))} (${keyId.slice(0, SHOWN)})`,
  ];
}

type Description = NonNullable<OperatorRequest['shown']>;

function firstRows({ rows, rowsLeftOut }: Description): string[] {
  const first = rows.slice(0, rows.length > FIRST_ROWS + 1 ? FIRST_ROWS : undefined);
  const table = formatTable(
    first.map(({ label, value, note }) => [label, `${brief(value)}${note === undefined ? '' : `  ${note}`}`]),
  );
  const more = rows.length - first.length + Math.max(0, rowsLeftOut - 1);
  const lines = table === '' ? [] : table.split('\n');
  return more === 0 ? lines : [...lines, `and ${more} more rows: ckm server approve … --preview`];
}

/** Longer than any address with its amount. */
const BRIEF = 120;

function brief(value: string): string {
  const letters = Array.from(value);
  return letters.length <= BRIEF ? value : `${letters.slice(0, BRIEF).join('')}…`;
}

/** Every kind of warning, whatever else crowds the list. */
function oneOfEach({ warnings }: Description): string[] {
  const texts = new Map<string, string[]>();
  for (const { code, text } of warnings) {
    const alike = texts.get(code);
    if (alike === undefined) texts.set(code, [text]);
    else alike.push(text);
  }
  return [...texts.values()].map(([first, ...alike]) =>
    alike.length === 0 ? `! ${first}` : `! ${first} (and ${alike.length} more like it)`,
  );
}
