import { quoteText } from '@ckm/requests';
import { didYouMean, nearestName } from '../../store/nearest-name.js';
import { fileRefusal } from './file-errors.js';
import type { Json } from './strict-json.js';

/** A value in a terms file, and where it stands: `approvals[0].when.atMost`; the empty text for the whole. */
export interface Spot {
  readonly value: Json;
  readonly where: string;
}

/** The members of an object, by name. */
export interface Members {
  /** Null: it is not there. */
  optional(name: string): Spot | null;
  /** @throws EncodingError `TERMS_FILE_MEMBER` */
  required(name: string): Spot;
}

/** @param names all that may be in it @throws EncodingError `TERMS_FILE_MEMBER`: it is no object, or has another member */
export function membersOf({ value, where }: Spot, names: readonly string[]): Members {
  if (!isObject(value)) throw expected({ value, where }, 'an object in braces');
  const stranger = Object.keys(value).find((name) => !names.includes(name));
  if (stranger !== undefined) throw unknownMember(stranger, where, names);
  const optional = (name: string): Spot | null =>
    Object.hasOwn(value, name) ? { value: value[name]!, where: memberOf(where, name) } : null;
  const required = (name: string): Spot => {
    const found = optional(name);
    if (found !== null) return found;
    throw fileRefusal('TERMS_FILE_MEMBER', `${whole(where)} has no ${name}`, `write ${name} into it`);
  };
  return { optional, required };
}

export function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function itemsOf({ value, where }: Spot): readonly Spot[] {
  if (!Array.isArray(value)) throw expected({ value, where }, 'a list in square brackets');
  return (value as readonly Json[]).map((item, at) => ({ value: item, where: `${where}[${at}]` }));
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function textsOf(spot: Spot): string[] {
  return itemsOf(spot).map(textOf);
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function textOf(spot: Spot): string {
  if (typeof spot.value === 'string') return spot.value;
  throw expected(spot, 'a text in quotes');
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function countOf(spot: Spot): number {
  if (typeof spot.value === 'number' && Number.isSafeInteger(spot.value) && spot.value >= 0)
    return spot.value;
  throw expected(spot, 'a whole number');
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function flagOf(spot: Spot): boolean {
  if (typeof spot.value === 'boolean') return spot.value;
  throw expected(spot, 'true or false');
}

/** @throws EncodingError `TERMS_FILE_MEMBER` */
export function oneOf<T extends string>(spot: Spot, choices: readonly T[]): T {
  const found = choices.find((one) => one === spot.value);
  if (found !== undefined) return found;
  throw expected(spot, choices.map((one) => `"${one}"`).join(' or '));
}

/** What a text that cannot be read stood for, and where. */
export function shownAt({ value, where }: Spot): string {
  return `${where} is ${typeof value === 'string' ? quoteText(value, 64) : kindOf(value)}`;
}

function expected(spot: Spot, what: string) {
  return fileRefusal(
    'TERMS_FILE_MEMBER',
    spot.where === '' ? `the terms file holds ${kindOf(spot.value)}` : shownAt(spot),
    `write ${what} there`,
  );
}

function unknownMember(name: string, where: string, names: readonly string[]) {
  return fileRefusal(
    'TERMS_FILE_MEMBER',
    `${whole(where)} has ${quoteText(name, 64)}, which means nothing there`,
    `${didYouMean(nearestName(name, names))}what may stand there: ${names.join(', ')}`,
  );
}

function whole(where: string): string {
  return where === '' ? 'the terms file' : where;
}

function memberOf(where: string, name: string): string {
  return where === '' ? name : `${where}.${name}`;
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'a text' : `${value}`;
}
