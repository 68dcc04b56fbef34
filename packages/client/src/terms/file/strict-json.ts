import { quoteText } from '@ckm/requests';
import { fileRefusal } from './file-errors.js';

/** What JSON holds. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Deeper than any terms are. */
const MOST_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;
const BLANK = /[ \t\r\n]*/y;

/**
 * JSON (RFC 8259) in which each name stands once in its object, whatever its spelling: of two, the last would count without a word.
 * @throws EncodingError `TERMS_FILE_NOT_JSON` with line and column · `TERMS_FILE_TWICE`
 */
export function parseStrictJson(text: string): Json {
  let at = 0;
  const value = readValue(0);
  blanks();
  if (at < text.length) throw wrongAt('something stands behind its end');
  return value;

  function readValue(depth: number): Json {
    if (depth > MOST_DEPTH) throw wrongAt('it nests too deep');
    blanks();
    if (text[at] === '{') return readObject(depth);
    if (text[at] === '[') return readList(depth);
    const token = taken(STRING) ?? taken(NUMBER) ?? taken(WORD);
    if (token === null) throw wrongAt(at < text.length ? 'a value is missing' : 'it ends too early');
    return JSON.parse(token) as Json;
  }

  function readObject(depth: number): Json {
    const members = new Map<string, Json>();
    inSequence('}', () => {
      const from = at;
      const token = taken(STRING);
      if (token === null) throw wrongAt('the name of a member is missing');
      const name = JSON.parse(token) as string;
      if (members.has(name)) throw twice(name, from);
      blanks();
      take(':');
      members.set(name, readValue(depth + 1));
    });
    return Object.fromEntries(members);
  }

  function readList(depth: number): Json {
    const items: Json[] = [];
    inSequence(']', () => items.push(readValue(depth + 1)));
    return items;
  }

  function inSequence(end: ']' | '}', readOne: () => void): void {
    at++;
    blanks();
    if (text[at] === end) {
      at++;
      return;
    }
    for (;;) {
      blanks();
      readOne();
      blanks();
      if (text[at] === end) {
        at++;
        return;
      }
      take(',');
    }
  }

  function blanks(): void {
    taken(BLANK);
  }

  function take(sign: string): void {
    if (text[at] !== sign) throw wrongAt(at < text.length ? `a ${sign} is missing` : 'it ends too early');
    at++;
  }

  function taken(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) return null;
    at += found.length;
    return found;
  }

  function wrongAt(what: string) {
    return fileRefusal('TERMS_FILE_NOT_JSON', `the terms file is not JSON: ${what} ${placeOf(at)}`);
  }

  function twice(name: string, from: number) {
    return fileRefusal(
      'TERMS_FILE_TWICE',
      `the terms file has ${quoteText(name, 64)} twice in one object, ${placeOf(from)}`,
    );
  }

  function placeOf(index: number): string {
    const lines = text.slice(0, index).split('\n');
    return `at line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
  }
}
