// A payment as a wallet would prepare it: a PSBT that spends a coin of the quorum's address.
import { Transaction } from '@scure/btc-signer';
import { secp256k1, schnorr } from '@noble/curves/secp256k1.js';
import { randomBytes } from 'node:crypto';

const COIN = 6_116_360n;
const PAYMENT = 1_200_000n;
const FEE = 1_240n;
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));

const derivation = ({ internalKey, fingerprint, path }) => ({
  tapInternalKey: bytes(internalKey),
  tapBip32Derivation: [[bytes(internalKey), { hashes: [], der: { fingerprint, path } }]],
});

/** @param receive,change what `ckm address --json` says of two addresses of the key */
export function preparePayment(receive, change) {
  const stranger = schnorr.getPublicKey(secp256k1.utils.randomSecretKey());
  const payee = new Uint8Array([0x51, 0x20, ...stranger]);
  const coin = { amount: COIN, script: bytes(receive.script) };
  const transaction = new Transaction();
  transaction.addInput({
    txid: new Uint8Array(randomBytes(32)),
    index: 0,
    witnessUtxo: coin,
    ...derivation(receive),
  });
  transaction.addOutput({ script: payee, amount: PAYMENT });
  transaction.addOutput({
    script: bytes(change.script),
    amount: COIN - PAYMENT - FEE,
    ...derivation(change),
  });
  return { psbt: Buffer.from(transaction.toPSBT()), coin };
}

/**
 * Whether the final transaction spends the coin: sighash by @scure/btc-signer, signature by noble, the key that of the
 * coin's own script. Nothing of CKM takes part.
 */
export function isPaid(transactionHex, { amount, script }) {
  const final = Transaction.fromRaw(bytes(transactionHex), { allowUnknownOutputs: true });
  const [signature] = final.getInput(0).finalScriptWitness;
  const sighash = final.preimageWitnessV1(0, [script], 0, [amount]);
  return schnorr.verify(signature, sighash, script.subarray(2));
}
