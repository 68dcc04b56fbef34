import { concatBytes, EncodingError } from '@ckm/foundation';
import {
  assertKeyParams,
  encodeKeyParams,
  isBytes,
  isEpoch,
  type KeyParams,
  MAX_PARAMS_BYTES,
  parseKeyParams,
} from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint16be, uint32be, uint8 } from '../../protocol/layout.js';
import { MOST_PARTIES, parsePartyIndex } from '../../sharing/index.js';

export type { CertifiedEpoch, PublicEpoch } from '../../key/certified-epoch.js';

/** An old member that deals. Its name is epoch and slot together: the same number is somebody else in the next roster. */
export interface Dealer {
  /** The epoch whose share it deals. */
  readonly epoch: number;
  /** Its slot in that epoch: where its share lies, and what its weight is computed from. */
  readonly slot: PartyIndex;
  /** 32 bytes, its own and fresh for this run. */
  readonly nonce: Uint8Array;
}

/** Everything that all parties of a change agree on before anybody deals. Public. */
export interface ChangeParams {
  /**
   * The epoch to come: its roster, quorum, terms, flags, and by `previous` the epoch that it follows. Each static key is
   * fresh, and its identity signature is over `receiverKeyStatement`.
   */
  readonly next: KeyParams;
  /** 32 bytes: hash of what was ordered (key, epoch, roster with identities, quorum, terms). */
  readonly order: Uint8Array;
  /** Version of the terms under which it was ordered: with it, what was ordered can be read out of this and hashed again. */
  readonly termsVersion: number;
  /** In ascending order of slots; as many as the old quorum needs. */
  readonly dealers: readonly Dealer[];
  /** 32 bytes of each receiver, its own and fresh for this run, in order of its slots. */
  readonly nonces: readonly Uint8Array[];
}

/** Longest encoding of {@link ChangeParams}. */
export const MAX_CHANGE_BYTES = 64 + MAX_PARAMS_BYTES + MOST_PARTIES * (4 + 2 + 32 + 32);
const WHAT = 'the parameters of a change';
const LAYOUT_VERSION = 1;

/**
 * The canonical bytes of a change's parameters.
 * @throws EncodingError `CHANGE_INVALID`, or as `encodeKeyParams`
 */
export function encodeChange(change: ChangeParams): Uint8Array {
  assertChange(change);
  return concatBytes(
    uint8(LAYOUT_VERSION),
    block(encodeKeyParams(change.next)),
    change.order,
    uint32be(change.termsVersion),
    uint8(change.dealers.length),
    ...change.dealers.map(({ epoch, slot, nonce }) => concatBytes(uint32be(epoch), uint16be(slot), nonce)),
    ...change.nonces,
  );
}

/**
 * Reads what {@link encodeChange} wrote, and nothing else. Proves nothing: see `verifyChangeParams`.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as {@link encodeChange}
 */
export function parseChange(bytes: Uint8Array): ChangeParams {
  const reader = readLayout(bytes, WHAT, MAX_CHANGE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const next = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const order = reader.bytes(32);
  const termsVersion = reader.uint32be();
  const dealers = Array.from({ length: reader.uint8() }, () => ({
    epoch: reader.uint32be(),
    slot: reader.uint16be() as PartyIndex,
    nonce: reader.bytes(32),
  }));
  const nonces = Array.from({ length: next.quorum.of }, () => reader.bytes(32));
  reader.end();
  const change = { next, order, termsVersion, dealers, nonces };
  assertChange(change);
  return change;
}

/** Types, lengths and bounds of what stands in it alone; no cryptography, and nothing of the epoch before. */
function assertChange(change: ChangeParams): void {
  assertKeyParams(change.next);
  const { order, termsVersion, dealers, nonces, next } = change;
  if (!isBytes(order, 32) || !isEpoch(termsVersion)) throw changeInvalid('order');
  if (!isList(dealers) || dealers.length < 2 || dealers.length > MOST_PARTIES) throw changeInvalid('dealers');
  dealers.forEach((dealer, i) => {
    parsePartyIndex(dealer.slot);
    const isAfter = i === 0 || dealer.slot > dealers[i - 1]!.slot;
    if (!isAfter || !isEpoch(dealer.epoch) || !isBytes(dealer.nonce, 32)) throw changeInvalid('dealers');
  });
  const isWhole = isList(nonces) && nonces.length === next.quorum.of;
  if (!isWhole || !nonces.every((nonce) => isBytes(nonce, 32))) throw changeInvalid('nonces');
}

function isList(value: unknown): boolean {
  return Array.isArray(value);
}

/** The error for parameters of a change that cannot be: `facts.field` says what of them. */
export function changeInvalid(field: string): EncodingError {
  return new EncodingError(`the parameters of a change have an invalid ${field}`, {
    code: 'CHANGE_INVALID',
    hint: 'ask for the proposal again',
    facts: { field },
  });
}
