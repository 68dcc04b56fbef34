import { encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { readableText } from '../../text/content.js';
import { describeDigest, groupsOfFour, plural, quoteText } from '../../text/quote.js';
import type { Destination } from '../script/destination.js';
import { countPushes } from '../script/pushes.js';

/** Bytes that are shown as they are; of more, their digest. */
const SHOWN_BYTES = 80;
const SHOWN_PUSHES = 4;

/** What a destination is called. Two scripts that coins could be sent to never have the same name; data has its row. */
export interface DestinationNames {
  /** For the table: everything. */
  readonly whole: string;
  /** For the sentence: as much as nobody can find a second one for. */
  readonly short: string;
}

export function namesOf(destination: Destination): DestinationNames {
  switch (destination.type) {
    case 'address':
      return { whole: groupsOfFour(destination.address), short: shortAddress(destination) };
    case 'data':
      return sameBoth(dataName(destination.carried));
    case 'anchor':
      return sameBoth('anybody (an anchor)');
    case 'unspendable':
      return scriptNames('nobody (unspendable)', destination.script);
    default:
      return destination.script.length === 0
        ? sameBoth('an empty script')
        : scriptNames('an unknown script', destination.script);
  }
}

/** What an output carries instead of paying somebody: text as text, else its bytes. */
export function describeData({ script, carried }: Extract<Destination, { type: 'data' }>): string {
  const pushes = countPushes(carried, SHOWN_PUSHES);
  if (pushes === null) return `not only data: script ${describeBytes(script)}`;
  if (pushes.count === 0) return 'nothing';
  const shown = pushes.first.map(describePush);
  const left = pushes.count - shown.length;
  if (left > 0) shown.push(`${plural(left, 'more', 'more')} (${describeDigest(script)})`);
  return shown.join(' and ');
}

function dataName(carried: Uint8Array): string {
  const pushes = countPushes(carried, 0);
  if (pushes === null) return 'a script that nobody can run (OP_RETURN)';
  return `${plural(pushes.bytes, 'byte')} of data`;
}

function describePush(push: Uint8Array): string {
  const text = push.length === 0 ? null : readableText(push);
  return text === null ? describeBytes(push) : quoteText(text, 160);
}

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty push';
  return bytes.length <= SHOWN_BYTES ? groupsOfFour(encodeHex(bytes)) : describeDigest(bytes);
}

function scriptNames(what: string, script: Uint8Array): DestinationNames {
  const digest = encodeHex(sha256(script)).slice(0, 16);
  const short = script.length <= 8 ? `script ${encodeHex(script)}` : `script with SHA-256 ${digest}…`;
  return { whole: `${what}, ${describeBytes(script)}`, short: `${what} (${short})` };
}

/**
 * `bc1q8x0m…0dmn7k4f`. Twelve letters that cannot be chosen freely stay: 60 bits, too many to search for a twin. The
 * table has all of them. In an address of a future form every letter might be chosen, so it stands whole.
 */
function shortAddress({ form, address }: Extract<Destination, { type: 'address' }>): string {
  if (form === 'future') return address;
  return `${address.slice(0, 8)}…${address.slice(-8)}`;
}

function sameBoth(name: string): DestinationNames {
  return { whole: name, short: name };
}
