import { bitcoinAddress } from '@ckm/requests';
import type { PublicKeyPackage } from '@ckm/threshold';
import { OutScript, Transaction } from '@scure/btc-signer';

/** A payment of one coin of a key to as many strangers as there are amounts; what is left is the fee. */
export function payment(key: PublicKeyPackage, sats: bigint, amounts: readonly bigint[]) {
  const { script, internalKey, fingerprint, path } = bitcoinAddress(key, 'receive', 0);
  const transaction = new Transaction({ allowUnknownOutputs: true });
  transaction.addInput({
    txid: 'ab'.repeat(32),
    index: 0,
    witnessUtxo: { script, amount: sats },
    tapInternalKey: internalKey,
    tapBip32Derivation: [[internalKey, { hashes: [], der: { fingerprint, path: [...path] } }]],
  });
  for (const [at, amount] of amounts.entries()) {
    const hash = new Uint8Array(20).fill(1 + (at % 250), Math.floor(at / 250));
    transaction.addOutput({ script: OutScript.encode({ type: 'wpkh', hash }), amount });
  }
  return { kind: 'bitcoin', payload: transaction.toPSBT() };
}
