import { encodeHex } from '@ckm/foundation';
import type { KeyContext, RequestDetails, Spending } from '../../kind.js';
import { destinationOf } from '../script/destination.js';
import { estimateVirtualBytes } from '../transaction/fee.js';
import { unlockedInputs } from '../signing/finalize.js';
import { assessOwnership, type Ownership } from '../ownership/ownership.js';
import { sumSats, type BitcoinRequest } from '../psbt/parse.js';
import { nameCoin, nameTransaction } from '../transaction/txid.js';
import { CHAINS } from '../wallet/wallet.js';

/** No amount is beyond what a number holds exactly: `parseBitcoin` knows none above 21 million BTC. */
const sats = Number;

const NONE: ReadonlySet<number> = new Set();

/** An input of others is signed when what unlocks it is there and is right, as far as that can be judged here. */
function inputRows(request: BitcoinRequest, own: Ownership): RequestDetails[] {
  const { inputs } = request;
  const paths = new Map(own.inputs.map(({ at, tweak, signed }) => [at, { path: tweak.path, signed }]));
  const unlocked = inputs.some(({ final }) => final) ? unlockedInputs(request) : NONE;
  return inputs.map(({ txid, index, amountSats, sequence, final }, at) => ({
    index: at,
    txid,
    vout: index,
    sats: sats(amountSats),
    sequence,
    isOwn: paths.has(at),
    path: paths.get(at)?.path ?? null,
    isSigned: paths.get(at)?.signed ?? (final && unlocked.has(at)),
  }));
}

function outputRows(request: BitcoinRequest, own: Ownership, key: KeyContext): RequestDetails[] {
  const network = key.network ?? request.network;
  return request.outputs.map(({ amountSats, script }, at) => {
    const destination = destinationOf(script, network);
    return {
      index: at,
      sats: sats(amountSats),
      address: destination.type === 'address' ? destination.address : null,
      script: encodeHex(script),
      isOwn: own.outputs.has(at),
      path: own.outputs.get(at) ?? null,
    };
  });
}

/**
 * The transaction in numbers, its inputs and outputs in the order of the PSBT. `txid` is null as long as an input waits for
 * a signature that changes it. @throws EncodingError when the transaction lies about the key
 */
export function bitcoinDetails(request: BitcoinRequest, key: KeyContext): RequestDetails {
  const own = assessOwnership(request, key.public);
  const { txid, isFinal } = nameTransaction(request);
  return {
    txid: isFinal ? txid : null,
    version: request.version,
    lockTime: request.lockTime,
    virtualBytes: estimateVirtualBytes(request),
    isSizeExact: own.inputs.length === request.inputs.length,
    feeSats: sats(sumSats(request.inputs) - sumSats(request.outputs)),
    inputs: inputRows(request, own),
    outputs: outputRows(request, own, key),
  };
}

/** @throws EncodingError when the transaction lies about the key */
export function bitcoinSpending(request: BitcoinRequest, key: KeyContext): Spending {
  const own = assessOwnership(request, key.public);
  const isOwn = new Set(own.inputs.map(({ at }) => at));
  const paths = [...own.inputs.map(({ tweak }) => tweak.path), ...own.outputs.values()];
  const onChain = (wanted: number) =>
    paths.flatMap(([chain, index, ...rest]) =>
      chain === wanted && index !== undefined && rest.length === 0 ? [index] : [],
    );
  return {
    by: nameTransaction(request).txid,
    coins: own.inputs.map(({ at }) => nameCoin(request.inputs[at]!)),
    coinsOfOthers: request.inputs.filter((_, at) => !isOwn.has(at)).map(nameCoin),
    addresses: onChain(CHAINS.receive),
    changes: onChain(CHAINS.change),
  };
}
