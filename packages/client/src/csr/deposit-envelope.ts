import { MAX_DEPOSIT_BYTES } from '@ckm/api';
import { CkmError, UsageError } from '@ckm/foundation';
import {
  assertion,
  asXid,
  type DecodeLimits,
  decodeEnvelope,
  decryptEnvelope,
  encodeData,
  encodeEnvelope,
  encryptEnvelope,
  type Envelope,
  leaf,
  node,
  objectFor,
  type RandomBytes,
  subjectOf,
  type Xid,
} from '@ckm/gordian';
import { bytesInside, readMembers } from '../devices/envelope-text.js';
import { parseName } from '../store/names.js';
import type { RecordReader } from '../store/record-reader.js';
import { type DepositSecret, depositKey } from './deposit-secret.js';

/** What is kept: the words of an owner, or any other secret. */
export type KeptKind = 'owner' | 'other';

/** Where a share lies. */
export interface DepositPlace {
  readonly name: string;
  readonly url: string;
  readonly xid: Xid;
}

/** What an envelope says beside its shares. */
export interface DepositFacts {
  /** 16 bytes, as `depositSet` gives them. */
  readonly set: Uint8Array;
  /** UnixSeconds: when it was stored first. */
  readonly at: number;
  readonly kind: KeptKind;
  /** Its place among `places`, the first is 1. */
  readonly member: number;
  /** Every server that has a share of the set, this one too: whoever comes to one of them finds the others. */
  readonly places: readonly DepositPlace[];
}

/** What one server keeps: a share by each plan that it has a part in. */
export interface Deposit extends DepositFacts {
  /** Null: it was none of the first three, or the set was made for five. */
  readonly two: Envelope | null;
  readonly three: Envelope;
}

const LIMITS: DecodeLimits = { maxBytes: MAX_DEPOSIT_BYTES, maxDepth: 32 };
const MOST_PLACES = 5;
const TWO = leaf('two of three');
const THREE = leaf('three of five');

/**
 * Seals a deposit for one server, so that only the deposit secret opens it, and only as what that server keeps.
 * @throws UsageError `DEPOSIT_TOO_LONG`
 */
export function sealDeposit(
  secret: DepositSecret,
  server: Xid,
  { two, three, set, at, kind, member, places }: Deposit,
  random: RandomBytes,
): Uint8Array {
  const hints = places.map((one) => ({ name: one.name, url: one.url, xid: one.xid }));
  const facts = leaf(encodeData({ version: 1, set, at, kind, member, places: hints }));
  const shares = [...(two === null ? [] : [assertion(TWO, two)]), assertion(THREE, three)];
  const key = depositKey(secret, server);
  const bytes = encodeEnvelope(encryptEnvelope(node(facts, shares), key, random));
  key.fill(0);
  if (bytes.length <= MAX_DEPOSIT_BYTES) return bytes;
  throw new UsageError(
    `where the shares lie takes ${bytes.length - MAX_DEPOSIT_BYTES} bytes more than an envelope holds`,
    { code: 'DEPOSIT_TOO_LONG', hint: 'take servers with shorter addresses' },
  );
}

/** Null: it is not sealed with this secret for this server, or is no deposit. */
export function openDeposit(secret: DepositSecret, server: Xid, bytes: Uint8Array): Deposit | null {
  const key = depositKey(secret, server);
  try {
    const opened = decryptEnvelope(decodeEnvelope(bytes, LIMITS), key, LIMITS);
    const facts = bytesInside(subjectOf(opened));
    const read = facts === null ? null : readMembers(facts, factsIn);
    const three = objectFor(opened, THREE);
    return read === null || three === null ? null : { ...read, three, two: objectFor(opened, TWO) };
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  } finally {
    key.fill(0);
  }
}

/** Null: it is something else. */
function factsIn(members: RecordReader): DepositFacts | null {
  const places = members.records('places').map(placeIn);
  const [kind, member] = [members.text('kind'), members.integer('member')];
  const isOurs =
    (kind === 'owner' || kind === 'other') &&
    places.length <= MOST_PLACES &&
    member >= 1 &&
    member <= places.length;
  if (!isOurs) return null;
  return { set: members.bytes('set', 16), at: members.integer('at'), kind, member, places };
}

/** Also of what is on record of a deposit. */
export function placeIn(one: RecordReader): DepositPlace {
  return {
    name: parseName('server', one.text('name')),
    url: one.text('url'),
    xid: asXid(one.bytes('xid', 32)),
  };
}
