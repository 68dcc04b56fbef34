import { CkmError, concatBytes, encodeHex } from '@ckm/foundation';
import type { KeyContext } from '../../kind.js';
import { assertSize } from '../../wire/payload.js';
import { namesOurKey } from './claims.js';
import { withNetwork } from '../psbt/network-record.js';
import { isProvenInput } from './ownership.js';
import { BITCOIN_MAX_BYTES, type BitcoinOutput, type BitcoinRequest, parseBitcoin } from '../psbt/parse.js';
import { type PsbtMap, readPsbtMaps, withKeyedRecord, withRecord, writePsbtMaps } from '../psbt/psbt-maps.js';
import { type AddressPlace, findAddresses } from '../wallet/nearest-addresses.js';
import { keyFingerprint } from '../wallet/wallet.js';

/** Record types of BIP-371. */
const INPUT_TYPES = { derivation: 0x16, internalKey: 0x17 };
const OUTPUT_TYPES = { derivation: 0x07, internalKey: 0x05 };

/**
 * The PSBT with what its owner knows and the wallet left out: derivations of inputs and outputs that are the key's, so that
 * whoever signs can recompute them, and the network where it is not the main one. What cannot be read, or lies about the
 * key, stays as it is: whoever reads it refuses it.
 * @throws EncodingError `PAYLOAD_TOO_LARGE` when there is no room for what has to be said
 */
export function completePsbt(psbt: Uint8Array, key: KeyContext): Uint8Array {
  const complete = withWhatIsKnown(psbt, key);
  if (complete === null) return psbt;
  assertSize(complete, BITCOIN_MAX_BYTES);
  return complete;
}

/** `null` for what is refused by whoever reads it. */
function withWhatIsKnown(psbt: Uint8Array, key: KeyContext): Uint8Array | null {
  try {
    const request = parseBitcoin(psbt);
    const found = findAddresses(key.public, unclaimedScripts(request, key));
    const maps = readPsbtMaps(psbt).map((map, at) => {
      if (at === 0) return withNetwork(map, key.network);
      const isInput = at <= request.inputs.length;
      const part = isInput ? request.inputs[at - 1]! : request.outputs[at - 1 - request.inputs.length]!;
      const ours = found.get(encodeHex(part.script));
      return ours === undefined ? map : withDerivation(map, ours, key, isInput ? INPUT_TYPES : OUTPUT_TYPES);
    });
    return writePsbtMaps(maps);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/**
 * Taproot scripts that nobody proves to be the key's. A wallet that says which output is the key's says so of all of them,
 * so that then nothing is looked for among outputs; an input of the key may be passed off as somebody else's, also by a
 * claim about another key of ours, so that only a proof keeps it from being looked for.
 */
function unclaimedScripts({ inputs, outputs }: BitcoinRequest, key: KeyContext): ReadonlySet<string> {
  const isClaimed = ({ claims }: BitcoinOutput) => namesOurKey(claims, key.public);
  const looked = [
    ...inputs.filter((input) => isTaproot(input) && !isProvenInput(input, key.public)),
    ...(outputs.some(isClaimed) ? [] : outputs.filter(isTaproot)),
  ];
  return new Set(looked.map(({ script }) => encodeHex(script)));
}

function isTaproot({ script }: { readonly script: Uint8Array }): boolean {
  return script.length === 34 && script[0] === 0x51 && script[1] === 0x20;
}

function withDerivation(
  map: PsbtMap,
  { path, internalKey }: AddressPlace,
  { public: key }: KeyContext,
  types: typeof INPUT_TYPES,
): PsbtMap {
  const derivation = new DataView(new ArrayBuffer(5 + 4 * path.length));
  // No leaf hash: it is the key of the key path.
  derivation.setUint8(0, 0);
  derivation.setUint32(1, keyFingerprint(key));
  for (const [at, index] of path.entries()) derivation.setUint32(5 + 4 * at, index, true);
  const name = concatBytes(Uint8Array.of(types.derivation), internalKey);
  const named = withKeyedRecord(map, name, new Uint8Array(derivation.buffer));
  return withRecord(named, types.internalKey, internalKey);
}
