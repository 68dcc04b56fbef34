import { p2tr, p2wpkh, RawTx, Transaction } from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { schnorr } from '@noble/curves/secp256k1.js';

/** What `ckm address --json` says. */
export interface Address {
  readonly script: string;
  readonly internalKey: string;
  readonly fingerprint: number;
  readonly path: number[];
}

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const id = (byte: number) => new Uint8Array(32).fill(byte);
const derivation = ({ internalKey, fingerprint, path }: Address) => ({
  tapInternalKey: bytes(internalKey),
  tapBip32Derivation: [[bytes(internalKey), { hashes: [], der: { fingerprint, path } }]] as never,
});

/** An address of a key that no server knows. */
export function strangersAddress(): Address {
  const internalKey = schnorr.getPublicKey(id(3));
  const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
  return {
    script: hex(p2tr(internalKey).script),
    internalKey: hex(internalKey),
    fingerprint: 7,
    path: [0, 1],
  };
}

const COIN_SATS = 400_000n;
const FEE_SATS = 700n;

/**
 * A payment to somebody else out of one coin at each address, as a wallet prepares it.
 * @param isChangeSaid whether it says which output is the key's, as wallets do that know more than addresses
 */
export function paymentFrom(
  coins: readonly Address[],
  change: Address,
  amountSats: bigint,
  isChangeSaid = true,
): Uint8Array {
  const payment = new Transaction();
  for (const [index, address] of coins.entries()) {
    const witnessUtxo = { amount: COIN_SATS, script: bytes(address.script) };
    payment.addInput({ txid: id(index + 1), index, witnessUtxo, ...derivation(address) });
  }
  payment.addOutput({ script: p2wpkh(pubECDSA(id(9))).script, amount: amountSats });
  const rest = COIN_SATS * BigInt(coins.length) - amountSats - FEE_SATS;
  const said = isChangeSaid ? derivation(change) : {};
  payment.addOutput({ script: bytes(change.script), amount: rest, ...said });
  return payment.toPSBT();
}

/** A payment out of a coin of the key and one of somebody else, who has signed: rightly, or with one bit wrong. */
export function jointPayment(coin: Address, change: Address, isSpoiled: boolean): Uint8Array {
  const { script } = p2wpkh(pubECDSA(id(8)));
  const theirs = { txid: id(99), index: 0, witnessUtxo: { amount: 5_000n, script } };
  const begin = () => Transaction.fromPSBT(paymentFrom([coin], change, 150_000n));
  const signed = begin();
  signed.addInput(theirs);
  signed.signIdx(id(8), 1);
  if (!isSpoiled) return signed.toPSBT();
  const [key, signature] = signed.getInput(1).partialSig![0]!;
  const spoiled = begin();
  spoiled.addInput({ ...theirs, partialSig: [[key, signature.with(20, signature[20]! ^ 1)]] });
  return spoiled.toPSBT();
}

/**
 * Whether each input of a final transaction spends its coin: digests by btc-signer, signatures by noble, keys out of the
 * coins' own scripts. Nothing of CKM takes part.
 */
export function spends(transactionHex: string, coins: readonly Address[]): readonly boolean[] {
  const raw = bytes(transactionHex);
  const transaction = Transaction.fromRaw(raw, { allowUnknownOutputs: true });
  const scripts = coins.map(({ script }) => bytes(script));
  const amounts = coins.map(() => COIN_SATS);
  return RawTx.decode(raw).witnesses!.map((witness, at) => {
    const digest = transaction.preimageWitnessV1(at, scripts, 0, amounts);
    return witness.length === 1 && schnorr.verify(witness[0]!, digest, scripts[at]!.subarray(2));
  });
}

/** The transaction in a signed PSBT, made final by btc-signer. */
export function finalized(psbt: Uint8Array): { readonly hex: string; readonly id: string } {
  const transaction = Transaction.fromPSBT(psbt);
  transaction.finalize();
  return { hex: transaction.hex, id: transaction.id };
}
