import { decodeHex, EncodingError, encodeHex } from '@ckm/foundation';
import { likenessLine } from '../terminal/likeness.js';
import { formatTable } from '../terminal/table.js';

/** What an owner needs besides the 24 words to get everything back. Nothing in it is secret. */
export interface Sheet {
  /** UnixSeconds */
  readonly madeAt: number;
  readonly servers: readonly SheetServer[];
  readonly keys: readonly SheetKey[];
}

export interface SheetServer {
  readonly name: string;
  /** 32 bytes */
  readonly xid: Uint8Array;
  readonly url: string;
}

export interface SheetKey {
  readonly name: string;
  readonly purpose: string;
  readonly suite: string;
  /** `2 of 3` */
  readonly quorum: string;
  readonly servers: readonly string[];
  /** 32 bytes: what its likeness shows. */
  readonly transcriptHash: Uint8Array;
  /** The public half in the form of its purpose; null while it is not complete. */
  readonly publicForm: { readonly form: string; readonly value: string } | null;
}

const TITLE = 'ckm-recovery-sheet: 1';
const SERVER = /^ *server: ([a-z0-9][a-z0-9._-]{0,31}) ([0-9a-f]{64}) (https?:\/\/\S{1,250}) *$/;
const MOST_SERVERS = 256;

/** How everything on the sheet is written, for whoever has no program of ours. */
export const FORMATS: readonly (readonly [what: string, text: string])[] = [
  ['words', '24 words of the BIP-39 list: the 32 bytes of the owner seed and a checksum'],
  ['signatures', 'Ed25519 (RFC 8032) or BIP-340; a message with a domain as docs/formats.md says'],
  ['public keys', 'hex, an OpenSSH line, or a Bitcoin descriptor with its checksum'],
  ['shares', 'at the servers only: a quorum of them has to answer; no sheet and no seed holds one'],
];

export const STEPS: readonly string[] = [
  'on any machine with ckm: ckm seed restore --sheet FILE, and type the 24 words',
  'ckm key fetch brings back the keys that these servers hold; compare each likeness with this sheet',
  'without FILE: ckm seed restore, then ckm server add NAME ADDRESS for each server, then ckm key fetch',
];

/** The lines that `ckm seed restore --sheet` reads. */
export function sheetLines({ servers }: Pick<Sheet, 'servers'>): string {
  return [TITLE, ...servers.map(({ name, xid, url }) => `server: ${name} ${encodeHex(xid)} ${url}`)].join(
    '\n',
  );
}

/** The sheet as text, to be printed. */
export function formatSheet(sheet: Sheet): string {
  const date = new Date(sheet.madeAt * 1000).toISOString().slice(0, 10);
  return [
    `CKM recovery sheet   ${date}`,
    '',
    'Nothing on this sheet is secret. Keep it with the 24 words, or elsewhere: alone it opens nothing.',
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
    sheetLines(sheet),
    '',
  ].join('\n');
}

function keyText({ name, purpose, suite, quorum, servers, transcriptHash, publicForm }: SheetKey): string {
  return [
    `  ${name}   ${purpose} (${suite}), any ${quorum}: ${servers.join(', ')}`,
    `    likeness   ${likenessLine(transcriptHash)}`,
    ...(publicForm === null ? [] : [`    public     ${publicForm.value}`]),
    '',
  ].join('\n');
}

/**
 * The servers of a sheet, as text or as a page (`--html`).
 * @throws EncodingError `SHEET_INVALID`
 */
export function parseSheet(text: string): readonly SheetServer[] {
  const lines = text.split(/\r?\n/).map((line) => line.replaceAll('&amp;', '&'));
  const start = lines.findIndex((line) => line.trim().replace(/^<[^>]*>/, '') === TITLE);
  if (start < 0) throw invalid('it does not hold the line it begins with');
  const servers: SheetServer[] = [];
  for (const line of lines.slice(start + 1)) {
    if (!line.trimStart().startsWith('server:')) break;
    const [, name, xid, url] = SERVER.exec(line.replace(/<[^>]*>$/, '')) ?? [];
    if (name === undefined || xid === undefined || url === undefined)
      throw invalid(`line “${line.trim().slice(0, 60)}”`);
    servers.push({ name, xid: decodeHex(xid), url });
  }
  const isTwice = new Set(servers.map(({ name }) => name)).size < servers.length;
  if (servers.length === 0 || servers.length > MOST_SERVERS || isTwice)
    throw invalid('it names no servers, or one twice');
  return servers;
}

function invalid(why: string): EncodingError {
  return new EncodingError(`this is not a recovery sheet: ${why}`, {
    code: 'SHEET_INVALID',
    hint: 'use the file that ckm sheet --out wrote, or add the servers by hand: ckm server add NAME ADDRESS',
  });
}
