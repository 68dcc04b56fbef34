import { demand, refusal } from '../errors.js';
import { readLatin1 } from './encoding.js';

/** One header of a git object: `name value`, where the value may go on over lines that start with a space. */
export interface GitHeader {
  readonly name: string;
  /** One character for each byte, whatever its encoding. */
  readonly value: string;
}

/** A git object split at the first empty line. */
export interface GitText {
  readonly headers: readonly GitHeader[];
  readonly message: Uint8Array;
}

const NEWLINE = 0x0a;
const MAX_HEADERS = 256;
const MAX_HEADER_BYTES = 262_144;
const HEADER_LINE = /^([A-Za-z][A-Za-z0-9:_.-]{0,63}) ([^\r]*)$/;
const malformed = (message: string) => refusal('GIT_OBJECT_MALFORMED', message);

/**
 * Splits commit, tag or push certificate into headers and message. Header values stay as they are; the message stays bytes.
 * @throws EncodingError `GIT_OBJECT_MALFORMED`
 */
export function splitGitObject(object: Uint8Array): GitText {
  // git shows a text only up to a NUL, but hashes and signs all of it.
  demand(!object.includes(0), 'GIT_OBJECT_MALFORMED', 'the git object holds a NUL byte');
  const end = endOfHeaders(object);
  demand(end <= MAX_HEADER_BYTES, 'GIT_OBJECT_MALFORMED', 'the headers of the git object are too long');
  const lines = readLatin1(object.subarray(0, end)).split('\n');
  const headers: { name: string; value: string }[] = [];
  for (const line of lines) {
    const last = headers.at(-1);
    if (line.startsWith(' ')) {
      if (last === undefined) throw malformed('the git object starts in the middle of a header');
      last.value += `\n${line.slice(1)}`;
      continue;
    }
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw malformed('the git object has a line that is no header');
    headers.push({ name, value });
    demand(headers.length <= MAX_HEADERS, 'GIT_OBJECT_MALFORMED', 'the git object has too many headers');
  }
  return { headers, message: object.slice(end + 2) };
}

/** Where the last header line ends: at the newline before the empty line. */
function endOfHeaders(object: Uint8Array): number {
  for (let at = object.indexOf(NEWLINE); at >= 0; at = object.indexOf(NEWLINE, at + 1)) {
    if (object[at + 1] === NEWLINE) return at;
  }
  throw malformed('the git object has no empty line after its headers');
}

/** The header that has to come next, taken off. @throws EncodingError `GIT_OBJECT_MALFORMED` */
export function takeHeader(headers: GitHeader[], name: string): string {
  const header = headers.shift();
  if (header?.name !== name || header.value.includes('\n'))
    throw malformed(`the git object lacks a proper ${name}`);
  return header.value;
}

/** An object id: SHA-1 or SHA-256, lower case. @throws EncodingError `GIT_OBJECT_MALFORMED` */
export function parseObjectId(value: string): string {
  demand(
    /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value),
    'GIT_OBJECT_MALFORMED',
    'the git object names a malformed id',
  );
  return value;
}

/** Who did something, and when. */
export interface GitPerson {
  readonly name: string;
  readonly mail: string;
  readonly unixSeconds: number;
  /** As git writes it: `+0200`. */
  readonly zone: string;
}

const PERSON = /^([^<>\n]{0,2048}?) ?<([^<>\n]{0,2048})> (0|[1-9]\d{0,11}) ([+-]\d{4})$/;

/** `Name <mail> seconds zone`, its texts still one character for each byte. @throws EncodingError `GIT_OBJECT_MALFORMED` */
export function parsePerson(value: string): GitPerson {
  const [, name, mail, seconds, zone] = PERSON.exec(value) ?? [];
  if (name === undefined || mail === undefined || seconds === undefined || zone === undefined) {
    throw malformed('the git object names an author it should not: not “Name <mail> seconds zone”');
  }
  return { name, mail, unixSeconds: Number(seconds), zone };
}
