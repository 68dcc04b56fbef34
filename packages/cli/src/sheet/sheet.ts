import type { ExpectedKey } from '@ckm/client';
import { decodeHex, EncodingError, encodeHex } from '@ckm/foundation';
import { dateOf } from '../terminal/instant.js';
import { likenessLine } from '../terminal/likeness.js';
import { formatTable } from '../terminal/table.js';

/** What an owner needs besides the seed's backup to get everything back. Nothing in it is secret. */
export interface Sheet {
  /** UnixSeconds */
  readonly madeAt: number;
  readonly servers: readonly SheetServer[];
  readonly keys: readonly SheetKey[];
  /** Null: made by a device, which does not have the seed that the check comes from. */
  readonly check: SheetCheck | null;
}

/** What `ckm seed restore --sheet` reads of it, and nothing else. */
export interface ReadSheet {
  /** `2026-11-29`; null where the sheet does not say. */
  readonly madeOn: string | null;
  readonly servers: readonly SheetServer[];
  /** Empty on a sheet of an earlier version. */
  readonly keys: readonly ExpectedKey[];
  /** Null: anybody can have written it. */
  readonly check: SheetCheck | null;
}

/** By what its owner knows a sheet again; see `sheet-check.ts`. */
export interface SheetCheck {
  /** 8 bytes, no secret: tells a sheet of another seed from a changed one. */
  readonly seedName: Uint8Array;
  /** 32 bytes */
  readonly mac: Uint8Array;
}

export interface SheetServer {
  readonly name: string;
  /** 32 bytes */
  readonly xid: Uint8Array;
  readonly url: string;
}

export interface SheetKey extends ExpectedKey {
  readonly purpose: string;
  readonly suite: string;
  /** `2 of 3` */
  readonly quorum: string;
  readonly servers: readonly string[];
  /** How a server gets a lost share back. */
  readonly recovery: string;
  /** The public half in the form of its purpose; null while it is not complete. */
  readonly publicForm: { readonly form: string; readonly value: string } | null;
}

const TITLE = 'ckm-recovery-sheet: 1';
/** A page that a browser has saved begins it behind a tag. */
const TITLE_LINE = /(?:^|>) *ckm-recovery-sheet: 1 *$/;
const MADE = /^ *made: (\d{4}-\d{2}-\d{2}) *$/;
const SERVER = /^ *server: ([a-z0-9][a-z0-9._-]{0,31}) ([0-9a-f]{64}) (https?:\/\/\S{1,250}) *$/;
const KEY = /^ *key: ([a-z0-9][a-z0-9._-]{0,31}) ([0-9a-f]{64})(?: (bitcoin|testnet|signet|regtest))? *$/;
const CHECK = /^ *check: ([0-9a-f]{16}) ([0-9a-f]{64}) *$/;

/** How everything on the sheet is written, for whoever has no program of ours. */
export const FORMATS: readonly (readonly [what: string, text: string])[] = [
  ['words', '24 words of the BIP-39 list: the 32 bytes of the owner seed and a checksum'],
  ['seed shares', 'SSKR (BCR-2020-011): enough of them give the same 32 bytes; as bytewords, or ur:sskr'],
  ['signatures', 'Ed25519 (RFC 8032) or BIP-340; a message with a domain as docs/formats.md says'],
  ['public keys', 'hex, an OpenSSH line, or a Bitcoin descriptor with its checksum'],
  ['shares', 'at the servers only: a quorum of them has to answer; no sheet and no seed holds one'],
];

export const STEPS: readonly string[] = [
  'on any machine with ckm: ckm seed restore --sheet FILE, and type the 24 words, or enough shares of the seed',
  'ckm key fetch brings back the keys that these servers hold, under these names; compare each likeness with this sheet',
  'without FILE: ckm seed restore, then ckm server add NAME ADDRESS for each server, then ckm key fetch',
];

/** The lines that the check of a sheet is about, in their one spelling. */
export function checkedLines({ madeOn, servers, keys }: Omit<ReadSheet, 'check'>): readonly string[] {
  return [
    TITLE,
    ...(madeOn === null ? [] : [`made: ${madeOn}`]),
    ...servers.map(({ name, xid, url }) => `server: ${name} ${encodeHex(xid)} ${url}`),
    ...keys.map(keyLine),
  ];
}

function keyLine({ name, transcriptHash, network }: ExpectedKey): string {
  return ['key:', name, encodeHex(transcriptHash), ...(network === null ? [] : [network])].join(' ');
}

/** The lines that `ckm seed restore --sheet` reads. */
export function sheetLines({ madeAt, servers, keys, check }: Sheet): readonly string[] {
  const checked = checkedLines({ madeOn: dateOf(madeAt), servers, keys });
  if (check === null) return checked;
  return [...checked, `check: ${encodeHex(check.seedName)} ${encodeHex(check.mac)}`];
}

/** The sheet as text, to be printed. */
export function formatSheet(sheet: Sheet): string {
  return [sheetText(sheet), ...sheetLines(sheet), ''].join('\n');
}

/** What people read of it, down to the head above the lines for programs. */
export function sheetText(sheet: Sheet): string {
  return [
    `CKM recovery sheet   ${dateOf(sheet.madeAt)}`,
    '',
    'Nothing on this sheet is secret. Keep it with the 24 words or a share, or elsewhere: alone it opens nothing.',
    '',
    'Servers',
    formatTable(
      sheet.servers.map(({ name, url, xid }) => [name, url, likenessLine(xid)]),
      '  ',
    ),
    '',
    'Keys',
    ...sheet.keys.map(keyText),
    'Formats',
    formatTable(
      FORMATS.map((row) => [...row]),
      '  ',
    ),
    '',
    'To get everything back',
    ...STEPS.map((step, i) => `  ${i + 1}. ${step}`),
    '',
    'For programs',
  ].join('\n');
}

function keyText(key: SheetKey): string {
  const { name, purpose, suite, quorum, servers, transcriptHash, recovery, publicForm } = key;
  return [
    `  ${name}   ${purpose} (${suite}), any ${quorum}: ${servers.join(', ')}`,
    `    likeness   ${likenessLine(transcriptHash)}`,
    ...(publicForm === null ? [] : [`    public     ${publicForm.value}`]),
    `    recovery   ${recovery}`,
    '',
  ].join('\n');
}

/**
 * Reads a sheet, as text or as a page (`--html`). Whose it is nobody has looked at then.
 * @throws EncodingError `SHEET_INVALID`
 */
export function parseSheet(text: string): ReadSheet {
  const isPage = /^\s*<!doctype html/i.test(text);
  const lines = text.split(/\r?\n/).map((line) => (isPage ? textOfPage(line) : line));
  const start = lines.findIndex((line) => TITLE_LINE.test(line));
  if (start < 0) throw invalid('it does not hold the line it begins with');
  const rest = unfolded(lines.slice(start + 1));
  const madeOn = MADE.exec(rest[0] ?? '')?.[1] ?? null;
  if (madeOn !== null) rest.shift();
  const servers = parseServers(rest);
  const keys = parseKeys(rest.slice(servers.length));
  const after = rest[servers.length + keys.length] ?? '';
  if (!after.trimStart().startsWith('check:')) return { madeOn, servers, keys, check: null };
  const [, seedName, mac] = CHECK.exec(after) ?? [];
  if (seedName === undefined || mac === undefined) throw unreadable(after);
  return { madeOn, servers, keys, check: { seedName: decodeHex(seedName), mac: decodeHex(mac) } };
}

const BEGINNING = /^ *(?:made|server|key|check):/;
const WHOLE = [MADE, SERVER, KEY, CHECK];

/**
 * Lines as they were before a terminal broke them: what goes on stands further in, or behind a line that is none yet. What a
 * screen has cut in the middle of a word is as long as the screen is wide.
 */
function unfolded(lines: readonly string[]): string[] {
  const whole: string[] = [];
  const width = lines.reduce((most, { length }) => Math.max(most, length), 0);
  let before = '';
  for (const line of lines) {
    const last = whole.at(-1) ?? '';
    const goesOn = BEGINNING.test(last) && !BEGINNING.test(line) && /\S/.test(line);
    const joined = goesOn ? joinedTo(last, line, before.length === width) : null;
    if (joined === null) whole.push(line);
    else whole[whole.length - 1] = joined;
    before = line;
  }
  return whole;
}

/** Null: the line is another one. */
function joinedTo(last: string, line: string, isFull: boolean): string | null {
  const [spaced, cut] = [`${last.trimEnd()} ${line.trim()}`, `${last}${line}`];
  if (isWhole(spaced)) return spaced;
  const isIn = line.startsWith(' ');
  if (isFull && !isIn && (isWhole(cut) || !isWhole(last))) return cut;
  return isIn || !isWhole(last) ? spaced : null;
}

function isWhole(line: string): boolean {
  return WHOLE.some((form) => form.test(line));
}

/** What a line of a page says, behind its last tag. */
function textOfPage(line: string): string {
  return line
    .replace(/<[^>]*>$/, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

/** The lines at the beginning that are about one thing: `server` or `key`. */
function leading(lines: readonly string[], word: string): readonly string[] {
  const end = lines.findIndex((line) => !line.trimStart().startsWith(`${word}:`));
  return end < 0 ? lines : lines.slice(0, end);
}

function parseKeys(lines: readonly string[]): readonly ExpectedKey[] {
  return leading(lines, 'key').map((line) => {
    const [, name, hash, network = null] = KEY.exec(line) ?? [];
    if (name === undefined || hash === undefined) throw unreadable(line);
    return { name, transcriptHash: decodeHex(hash), network: network as ExpectedKey['network'] };
  });
}

function parseServers(lines: readonly string[]): readonly SheetServer[] {
  const servers = leading(lines, 'server').map((line) => {
    const [, name, xid, url] = SERVER.exec(line) ?? [];
    if (name === undefined || xid === undefined || url === undefined) throw unreadable(line);
    return { name, xid: decodeHex(xid), url };
  });
  const isTwice = new Set(servers.map(({ name }) => name)).size < servers.length;
  if (servers.length === 0 || isTwice) throw invalid('it names no servers, or one twice');
  return servers;
}

function unreadable(line: string): EncodingError {
  return invalid(`line “${line.trim().slice(0, 60)}”`);
}

function invalid(why: string): EncodingError {
  return new EncodingError(`this is not a recovery sheet: ${why}`, {
    code: 'SHEET_INVALID',
    hint: 'use the file that ckm sheet --out wrote, or add the servers by hand: ckm server add NAME ADDRESS',
  });
}
