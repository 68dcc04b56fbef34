import type { Comparison, Condition } from '@ckm/api';
import { type BitcoinNetwork, type FactType, REQUEST_FACTS, scriptHashOf } from '@ckm/requests';
import { fileRefusal } from './file-errors.js';
import { isObject, itemsOf, type Members, membersOf, type Spot, shownAt, textOf, textsOf } from './spot.js';
import { satsOf, secondsOf, shareOf } from './written-values.js';

/** What a terms file is read for. */
export interface Reading {
  /** What the key is for. */
  readonly purpose: string;
  /** Whose addresses stand in it; null: the key has none. */
  readonly network: BitcoinNetwork | null;
}

const LIMITS = ['atMost', 'above'] as const;
const LISTS = ['among', 'beyond'] as const;
const HASH = /^[0-9a-f]{64}$/;

/** @throws EncodingError `TERMS_FILE_…` */
export function conditionOf(spot: Spot, reading: Reading): Condition {
  const partsOf = (parts: Spot) => itemsOf(parts).map((one) => conditionOf(one, reading));
  for (const name of ['all', 'any'] as const) {
    if (!isObject(spot.value) || !Object.hasOwn(spot.value, name)) continue;
    const parts = partsOf(membersOf(spot, [name]).required(name));
    return name === 'all' ? { all: parts } : { any: parts };
  }
  return comparisonOf(spot, reading);
}

function comparisonOf(spot: Spot, reading: Reading): Comparison {
  const isTotal = isObject(spot.value) && Object.hasOwn(spot.value, 'total');
  const about = isTotal ? ['total', 'within'] : ['fact'];
  const members = membersOf(spot, [...about, ...LIMITS, ...(isTotal ? [] : LISTS)]);
  const named = members.required(isTotal ? 'total' : 'fact');
  const type = typeOf(named);
  const limit = limitIn(spot, members, type);
  if (limit === null) return { fact: textOf(named), ...listIn(spot, members, reading) };
  if (!isTotal) return { fact: textOf(named), ...limit };
  return { total: textOf(named), within: secondsOf(members.required('within')), ...limit };
}

/** Of that name, whichever kind says it. */
export function factType(name: string): FactType | undefined {
  return Object.values(REQUEST_FACTS).find((types) => Object.hasOwn(types, name))?.[name];
}

function typeOf(spot: Spot): FactType {
  const name = textOf(spot);
  const found = factType(name);
  if (found !== undefined) return found;
  const names = new Set(Object.values(REQUEST_FACTS).flatMap((types) => Object.keys(types)));
  throw fileRefusal(
    'TERMS_FILE_MEMBER',
    `${shownAt(spot)}, which no request says by its bytes`,
    `compare one of: ${[...names].toSorted().join(', ')}`,
  );
}

/** Exactly one of some members, where one of them is there. */
function onlyOf<T extends string>(
  spot: Spot,
  members: Members,
  names: readonly T[],
): readonly [T, Spot] | null {
  const found = names.flatMap((name) => {
    const one = members.optional(name);
    return one === null ? [] : [[name, one] as const];
  });
  if (found.length < 2) return found[0] ?? null;
  throw fileRefusal(
    'TERMS_FILE_MEMBER',
    `${spot.where} has ${found.map(([name]) => name).join(' and ')}`,
    'compare once in each part; more of them go into "all" or "any"',
  );
}

function limitIn(
  spot: Spot,
  members: Members,
  type: FactType,
): { readonly atMost: number } | { readonly above: number } | null {
  const isNumber = type.is === 'sats' || type.is === 'share';
  const found = onlyOf(spot, members, [...LIMITS, ...LISTS]);
  const isLimit = found !== null && found[0] !== 'among' && found[0] !== 'beyond';
  if (found === null || isLimit !== isNumber) throw notCompared(spot, isNumber);
  if (!isLimit) return null;
  const value = type.is === 'sats' ? satsOf(found[1]) : shareOf(found[1]);
  return found[0] === 'atMost' ? { atMost: value } : { above: value };
}

function notCompared(spot: Spot, isNumber: boolean) {
  return fileRefusal(
    'TERMS_FILE_MEMBER',
    `${spot.where} does not compare ${isNumber ? 'a number with a limit' : 'a text with a list'}`,
    isNumber ? 'write "atMost" or "above" into it' : 'write "among" or "beyond" with a list into it',
  );
}

function listIn(
  spot: Spot,
  members: Members,
  reading: Reading,
): { readonly among: readonly string[] } | { readonly beyond: readonly string[] } {
  const [name, list] = onlyOf(spot, members, LISTS)!;
  const isDestination = members.optional('fact')?.value === 'destinations';
  const texts = isDestination ? itemsOf(list).map((one) => destinationIn(one, reading)) : textsOf(list);
  return name === 'among' ? { among: texts } : { beyond: texts };
}

function destinationIn(spot: Spot, { network }: Reading): string {
  const text = textOf(spot);
  if (HASH.test(text)) return text;
  const hash = network === null ? null : scriptHashOf(text, network);
  if (hash !== null) return hash;
  throw fileRefusal(
    'TERMS_FILE_DESTINATION',
    `${shownAt(spot)}, which is no address${network === null ? '' : ` of ${network}`}`,
  );
}
