"""Bitcoin beside CKM: embit and BDK build transactions, BDK finishes them, Bitcoin Core's verifier judges them.

    python bitcoin.py COMMAND < arguments.json

Prints what came of it as JSON. None of it is code of CKM. Needs embit, bdkpython and py-bitcoinkernel.
"""

import json
import sys


# embit


def bobs_key():
    """Somebody else's key, known to everybody."""
    from embit import ec

    return ec.PrivateKey(bytes([9] * 32))


def bobs_script():
    from embit import script

    return script.p2wpkh(bobs_key().get_public_key())


def derive(descriptors, chain, index):
    """The script of an address of a key, and what a wallet writes about it into a PSBT."""
    from embit.descriptor import Descriptor
    from embit.psbt import DerivationPath

    derived = Descriptor.from_string(descriptors[chain]).derive(index)
    (key,) = derived.keys
    path = DerivationPath(key.fingerprint, key.derivation)
    return derived.script_pubkey(), key.key.get_public_key(), path


def describe_own(scope, public, path):
    scope.taproot_internal_key = public
    scope.taproot_bip32_derivations[public] = ([], path)


def build(arguments):
    """A PSBT that spends coins of the key, given as {txid, vout, sats, chain, index}, and of bob, without `chain`."""
    from embit.psbt import PSBT
    from embit.script import Script, address_to_scriptpubkey
    from embit.transaction import Transaction, TransactionInput, TransactionOutput

    descriptors = arguments["descriptors"]
    coins = arguments["coins"]
    inputs = [TransactionInput(bytes.fromhex(c["txid"]), c["vout"], Script(b""), 0xFFFFFFFD) for c in coins]
    outputs = []
    for one in arguments["outputs"]:
        if "address" in one:
            script = address_to_scriptpubkey(one["address"])
        else:
            script = derive(descriptors, one["chain"], one["index"])[0] if "chain" in one else bobs_script()
        outputs.append(TransactionOutput(one["sats"], script))
    psbt = PSBT(Transaction(2, inputs, outputs, 0))
    for scope, coin in zip(psbt.inputs, coins):
        if "chain" in coin:
            script, public, path = derive(descriptors, coin["chain"], coin["index"])
            describe_own(scope, public, path)
        else:
            script = bobs_script()
        scope.witness_utxo = TransactionOutput(coin["sats"], script)
    for scope, one in zip(psbt.outputs, arguments["outputs"]):
        if "chain" in one:
            _, public, path = derive(descriptors, one["chain"], one["index"])
            describe_own(scope, public, path)
    return {"psbt": psbt.to_string(), "txid": psbt.tx.txid().hex()}


def coins_of(arguments):
    """What each input of a PSBT spends, as its maker says."""
    from embit.psbt import PSBT

    psbt = PSBT.from_string(arguments["psbt"])
    return {"coins": [{"script": one.utxo.script_pubkey.data.hex(), "sats": one.utxo.value} for one in psbt.inputs]}


def sign_as_bob(arguments):
    """The PSBT with bob's signatures."""
    from embit.psbt import PSBT

    psbt = PSBT.from_string(arguments["psbt"])
    count = psbt.sign_with(bobs_key())
    return {"psbt": psbt.to_string(), "count": count}


def addresses(arguments):
    """Addresses by embit and by BDK, each from one descriptor."""
    import bdkpython as bdk
    from embit.descriptor import Descriptor
    from embit.networks import NETWORKS

    count = arguments["count"]
    by_embit = Descriptor.from_string(arguments["descriptor"])
    by_bdk = bdk.Descriptor(arguments["descriptor"], bdk.NetworkKind.TEST)
    return {
        "embit": [by_embit.derive(i).address(NETWORKS["regtest"]) for i in range(count)],
        "bdk": [str(by_bdk.derive_address(i, bdk.Network.REGTEST)) for i in range(count)],
    }


# BDK


def open_wallet(arguments):
    """A wallet that watches the key, and knows some transactions, none of them in a block."""
    import bdkpython as bdk

    receive, change = (
        bdk.Descriptor(arguments["descriptors"][chain], bdk.NetworkKind.TEST) for chain in ("receive", "change")
    )
    wallet = bdk.Wallet(receive, change, bdk.Network.REGTEST, bdk.Persister.new_in_memory())
    wallet.apply_unconfirmed_txs(
        [
            bdk.UnconfirmedTx(tx=bdk.Transaction(bytes.fromhex(one)), last_seen=at + 1)
            for at, one in enumerate(arguments["transactions"])
        ]
    )
    return bdk, wallet


def prepared(psbt):
    """A PSBT with the id its transaction will have."""
    return {"psbt": psbt.serialize(), "txid": str(psbt.extract_tx_unchecked_fee_rate().compute_txid())}


def pay_by_bdk(arguments):
    """A payment to bob, with coins and change as BDK chooses them."""
    bdk, wallet = open_wallet(arguments)
    script = bdk.Script(bobs_script().data)
    rate = bdk.FeeRate.from_sat_per_vb(arguments["rate"])
    amount = bdk.Amount.from_sat(arguments["sats"])
    return prepared(bdk.TxBuilder().add_recipient(script, amount).fee_rate(rate).finish(wallet))


def bump_by_bdk(arguments):
    """The last transaction again, with a higher fee."""
    bdk, wallet = open_wallet(arguments)
    txid = bdk.Transaction(bytes.fromhex(arguments["transactions"][-1])).compute_txid()
    rate = bdk.FeeRate.from_sat_per_vb(arguments["rate"])
    return prepared(bdk.BumpFeeTxBuilder(txid, rate).finish(wallet))


def finish(arguments):
    """The final transaction of a PSBT."""
    import bdkpython as bdk

    finished = bdk.Psbt(arguments["psbt"]).finalize()
    if not finished.could_finalize:
        return {"transaction": None, "errors": [str(one) for one in finished.errors or []]}
    final = finished.psbt.extract_tx()
    return {"transaction": bytes(final.serialize()).hex(), "txid": str(final.compute_txid())}


# Bitcoin Core


def verify(arguments):
    """Which inputs of a transaction spend their coins, given as {script, sats} in order."""
    import pbk

    transaction = pbk.Transaction(bytes.fromhex(arguments["transaction"]))
    scripts = [pbk.ScriptPubkey(bytes.fromhex(one["script"])) for one in arguments["coins"]]
    outputs = [pbk.TransactionOutput(script, one["sats"]) for script, one in zip(scripts, arguments["coins"])]
    data = pbk.script.PrecomputedTransactionData(transaction, outputs)

    def holds(at):
        try:
            sats = arguments["coins"][at]["sats"]
            return bool(scripts[at].verify(sats, transaction, data, at, pbk.ScriptVerificationFlags.ALL))
        except pbk.ScriptVerifyException:
            return False

    return {"inputs": [holds(at) for at in range(len(scripts))]}


COMMANDS = [
    build,
    coins_of,
    sign_as_bob,
    addresses,
    pay_by_bdk,
    bump_by_bdk,
    finish,
    verify,
]

if __name__ == "__main__":
    command = {one.__name__: one for one in COMMANDS}[sys.argv[1]]
    json.dump(command(json.load(sys.stdin)), sys.stdout)
