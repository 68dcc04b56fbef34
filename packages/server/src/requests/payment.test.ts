import { sharesIn } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import {
  bitcoinAddress,
  buildBitcoinRequest,
  finalizeTransaction,
  frostResults,
  requestKind,
  type WalletAddress,
} from '@ckm/requests';
import type { PublicKeyPackage } from '@ckm/threshold';
import { schnorr } from '@noble/curves/secp256k1.js';
import { p2wpkh, RawTx, Transaction } from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers, makeKey } from '../sessions/test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const own = ({ internalKey, fingerprint, path }: WalletAddress) => {
  const derivation = { hashes: [], der: { fingerprint, path: [...path] } };
  return { tapInternalKey: internalKey, tapBip32Derivation: [[internalKey, derivation] as const] as never };
};

/** Three coins of a key, of both chains, pay somebody; the rest comes back. */
function paymentOf(key: PublicKeyPackage) {
  const coins = [
    { address: bitcoinAddress(key, 'receive', 0), amount: 600_000n },
    { address: bitcoinAddress(key, 'change', 7), amount: 500_000n },
    { address: bitcoinAddress(key, 'receive', 2), amount: 5_000n },
  ];
  const payment = new Transaction();
  for (const [index, { address, amount }] of coins.entries()) {
    const witnessUtxo = { amount, script: address.script };
    payment.addInput({ txid: bytes(index + 1), index, witnessUtxo, ...own(address) });
  }
  payment.addOutput({ script: p2wpkh(pubECDSA(bytes(9))).script, amount: 900_000n });
  const back = bitcoinAddress(key, 'change', 8);
  payment.addOutput({ script: back.script, amount: 204_000n, ...own(back) });
  return { coins, psbt: payment.toPSBT() };
}

describe('a quorum pays', () => {
  test('from three coins in one attempt: noble finds every signature good over the digests of btc-signer', async () => {
    const { callers } = await network.openMany(3);
    const { key, signer } = await makeKey(callers, { suite: 'secp256k1-tr', purpose: 'bitcoin' });
    const { coins, psbt } = paymentOf(key);
    const ask = { kind: 'bitcoin', payload: buildBitcoinRequest(psbt) };
    const attempt = await signer.prepare([1, 3], coins.length);
    const replies = await signer.attempt(ask, attempt);
    expect(replies.map((reply) => [reply.state, sharesIn(reply).length])).toEqual([
      ['answered', 3],
      ['answered', 3],
    ]);
    expect(replies[0]!.sentence).toMatch(/^Pay 0\.00900000 BTC to bc1q\S+ from this key; fee 1,000 sats/);
    const signatures = signer.combine(ask, attempt, replies).map((one) => {
      if (one.kind !== 'signature') throw new Error(`wrong shares of ${one.culprits.join()}`);
      return one.signature;
    });

    const unsigned = Transaction.fromPSBT(psbt);
    const scripts = coins.map(({ address }) => address.script);
    const amounts = coins.map(({ amount }) => amount);
    const digests = coins.map((_, at) => unsigned.preimageWitnessV1(at, scripts, 0, amounts));
    const good = (signature: Uint8Array, digest: Uint8Array, script: Uint8Array) =>
      schnorr.verify(signature, digest, script.subarray(2));
    for (const [at, signature] of signatures.entries()) {
      for (const other of [0, 1, 2])
        expect(good(signature, digests[other]!, scripts[other]!)).toBe(other === at);
    }

    const context = { suite: key.suite, purpose: 'bitcoin', public: key };
    const signed = requestKind('bitcoin').parse(ask.payload).finish(context, frostResults(signatures));
    const theirs = Transaction.fromPSBT(signed);
    theirs.finalize();
    expect(theirs.isFinal).toBe(true);
    const { hex, txid } = finalizeTransaction(signed);
    expect([hex, txid]).toEqual([theirs.hex, theirs.id]);
    expect(RawTx.decode(theirs.extract()).witnesses!.map((witness) => witness.map(encodeHex))).toEqual(
      signatures.map((signature) => [encodeHex(signature)]),
    );

    // The owner who uses the key on another network says so in the request, and servers show the addresses of it.
    const payload = requestKind('bitcoin').complete!(psbt, { ...context, network: 'regtest' });
    const again = await signer.prepare([1, 3], coins.length);
    const [reply] = await signer.attempt({ kind: 'bitcoin', payload }, again);
    expect(reply!.sentence).toMatch(/^Pay 0\.00900000 BTC to bcrt1q\S+ from this key; fee 1,000 sats/);
  });

  test('together with somebody else: the operator reads what the key gets from others, as its owner does, and no amount below nothing', async () => {
    const { callers } = await network.openMany(2);
    const { key, signer } = await makeKey(callers, { suite: 'secp256k1-tr', purpose: 'bitcoin' });
    const [address, back] = [bitcoinAddress(key, 'receive', 0), bitcoinAddress(key, 'change', 0)];
    const joint = new Transaction();
    const ours = { amount: 1_000n, script: address.script };
    joint.addInput({ txid: bytes(1), index: 0, witnessUtxo: ours, ...own(address) });
    const theirs = { amount: 10_000n, script: p2wpkh(pubECDSA(bytes(9))).script };
    joint.addInput({ txid: bytes(2), index: 0, witnessUtxo: theirs });
    joint.addOutput({ script: back.script, amount: 6_000n, ...own(back) });
    const ask = { kind: 'bitcoin', payload: buildBitcoinRequest(joint.toPSBT()) };
    const [reply] = await signer.attempt(ask, await signer.prepare([1, 2], 1));
    expect(reply!.sentence).toBe(
      'Move 0.00006000 BTC within this key, together with 1 coin of others; this key receives 0.00005000 BTC from others; fee 5,000 sats (45.45 % of what moves)',
    );
  });

  test('and when one server spoils its share for one coin, that server is named for that coin, and no other', async () => {
    const { callers } = await network.openMany(3);
    const { key, signer } = await makeKey(callers, { suite: 'secp256k1-tr', purpose: 'bitcoin' });
    const { coins, psbt } = paymentOf(key);
    const ask = { kind: 'bitcoin', payload: buildBitcoinRequest(psbt) };
    const attempt = await signer.prepare([2, 3], coins.length);
    const [bravo, charlie] = await signer.attempt(ask, attempt);
    const good = sharesIn(charlie!);
    const answer = {
      craft: 'frost',
      shares: good.map((share, task) => (task === 1 ? good[0]! : share)),
    } as const;
    const combined = signer.combine(ask, attempt, [bravo!, { ...charlie!, answer }]);
    expect(combined.map((one) => (one.kind === 'signature' ? 'good' : one.culprits))).toEqual([
      'good',
      [3],
      'good',
    ]);
  });
});
