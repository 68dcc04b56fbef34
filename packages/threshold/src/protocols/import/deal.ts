import { concatBytes, EncodingError } from '@ckm/foundation';
import { hasChildren } from '../../key/chain-code.js';
import {
  assertKeyParams,
  encodeKeyParams,
  isBytes,
  type KeyParams,
  MAX_PARAMS_BYTES,
  parseKeyParams,
  suiteLengths,
} from '../../key/params.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import { MAX_DEALING_BYTES } from '../dkg/messages.js';

/**
 * A key that somebody had whole, dealt to a roster: all that the servers agree on, and what each of them needs to take its
 * share. Public: shares are encrypted, and the key is not in it.
 */
export interface ImportDeal {
  /** Of epoch 0; its flags say that the key was dealt. */
  readonly params: KeyParams;
  /** 32 bytes, fresh. */
  readonly nonce: Uint8Array;
  /** Static key of the dealer, encoded: for this dealing alone. */
  readonly dealerKey: Uint8Array;
  /** 32 bytes: the chain code that belongs to the key where it was; zeros where it has no children. */
  readonly chainCode: Uint8Array;
  /** COCKTAIL-DKG msg1: its constant term is the key. */
  readonly dealing: Uint8Array;
}

/** Longest encoding of an {@link ImportDeal}. */
export const MAX_IMPORT_DEAL_BYTES = 128 + MAX_PARAMS_BYTES + MAX_DEALING_BYTES;
const WHAT = 'the dealing of an imported key';
const LAYOUT_VERSION = 1;

/**
 * The canonical bytes of a dealing.
 * @throws EncodingError `LAYOUT_INVALID`, `KEY_PARAMS_INVALID`, or as `encodeKeyParams`
 */
export function encodeImportDeal(deal: ImportDeal): Uint8Array {
  assertImportDeal(deal);
  const { params, nonce, dealerKey, chainCode, dealing } = deal;
  return concatBytes(
    uint8(LAYOUT_VERSION),
    block(encodeKeyParams(params)),
    nonce,
    dealerKey,
    chainCode,
    block(dealing),
  );
}

/**
 * Reads what {@link encodeImportDeal} wrote, and nothing else. Proves nothing: see `importResult`.
 * @throws EncodingError `LAYOUT_TOO_LONG`, or as {@link encodeImportDeal}
 */
export function parseImportDeal(bytes: Uint8Array): ImportDeal {
  const reader = readLayout(bytes, WHAT, MAX_IMPORT_DEAL_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const nonce = reader.bytes(32);
  const dealerKey = reader.bytes(suiteLengths(params.suite).element);
  const chainCode = reader.bytes(32);
  const dealing = reader.block(MAX_DEALING_BYTES);
  reader.end();
  const deal = { params, nonce, dealerKey, chainCode, dealing };
  assertImportDeal(deal);
  return deal;
}

/** Types, lengths, and what the parameters of every imported key say; no cryptography. */
function assertImportDeal({ params, nonce, dealerKey, chainCode, dealing }: ImportDeal): void {
  assertKeyParams(params);
  const { epoch, flags, suite } = params;
  if (epoch !== 0) throw dealInvalid('epoch');
  if (!flags.dealt || flags.exported) throw dealInvalid('flags');
  const areWhole =
    isBytes(nonce, 32) &&
    isBytes(dealerKey, suiteLengths(suite).element) &&
    isBytes(chainCode, 32) &&
    dealing instanceof Uint8Array &&
    dealing.length <= MAX_DEALING_BYTES;
  if (!areWhole) throw layoutInvalid(WHAT);
  if (hasChildren(chainCode) !== flags.hd) throw dealInvalid('chain code');
}

function dealInvalid(field: string): EncodingError {
  return new EncodingError(`the parameters of an imported key have an invalid ${field}`, {
    code: 'KEY_PARAMS_INVALID',
    hint: 'ask for the proposal again',
    facts: { field },
  });
}
