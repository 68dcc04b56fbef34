"""Reads and checks every vector in this folder as docs/formats.md says, with Python's standard library alone.

    python3 docs/vectors/read.py [FOLDER [NAME…]]

Prints a line for each file, and ends with another status than 0 at the first thing that is not so.
"""

import hashlib
import hmac
import json
import pathlib
import sys

from arithmetic import (
    ED25519,
    P256,
    RISTRETTO,
    SECP256K1,
    bip340_hash,
    chacha_open,
    expand_message_xmd,
    hkdf,
    verify_ed25519,
    x25519,
)

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)


def sha256(data):
    return hashlib.sha256(data).digest()


def sha512(data):
    return hashlib.sha512(data).digest()


def number(value, length, order="big"):
    return value.to_bytes(length, order)


def tagged_hash(tag, *items):
    """ "Tagged hash" """
    parts = [tag.encode(), *items]
    return sha256(b"".join(number(len(part), 8) + part for part in parts))


class Reader:
    """Reads a layout from front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, length):
        assert self.at + length <= len(self.data), "ends too early"
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length, order="big"):
        return int.from_bytes(self.bytes(length), order)

    def block(self):
        return self.bytes(self.number(4))

    def end(self):
        assert self.at == len(self.data), "trailing bytes"


# --- deterministic CBOR


def cbor_read(reader):
    first = reader.number(1)
    major, low = first >> 5, first & 31
    if first in (0xF4, 0xF5, 0xF6):
        return {0xF4: False, 0xF5: True, 0xF6: None}[first]
    value = low if low < 24 else reader.number(1 << (low - 24))
    assert low < 28 and (low < 24 or value >= (24, 256, 65536, 2**32)[low - 24]), "not the shortest"
    if major == 0:
        return value
    if major == 2:
        return reader.bytes(value)
    if major == 3:
        return reader.bytes(value).decode()
    if major == 4:
        return [cbor_read(reader) for _ in range(value)]
    assert major == 5, "nothing else travels"
    pairs, before = {}, b""
    for _ in range(value):
        start = reader.at
        key = cbor_read(reader)
        encoded = reader.data[start : reader.at]
        assert encoded > before, "keys out of order"
        before = encoded
        pairs[key] = cbor_read(reader)
    return pairs


def cbor(data):
    reader = Reader(data)
    value = cbor_read(reader)
    reader.end()
    return value


def cbor_head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    width = 0 if value < 256 else 1 if value < 65536 else 2 if value < 2**32 else 3
    return bytes([major << 5 | 24 + width]) + number(value, 1 << width)


def cbor_write(value):
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return cbor_head(0, value)
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return cbor_head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(map(cbor_write, value))
    pairs = sorted((cbor_write(key), cbor_write(inner)) for key, inner in value.items())
    return cbor_head(5, len(pairs)) + b"".join(key + inner for key, inner in pairs)


# --- suites


class Suite:
    def __init__(self, group, dkg_id, dkg_hash, challenge, signing_prefix, sign_challenge):
        self.group, self.dkg_id, self.dkg_hash = group, dkg_id.encode(), dkg_hash
        self.challenge, self.signing_prefix, self.sign_challenge = (
            challenge,
            signing_prefix,
            sign_challenge,
        )
        self.element = 32 if isinstance(group, type(ED25519)) else 33

    def scalar(self, data):
        value = int.from_bytes(data, self.group.scalar_order)
        assert len(data) == 32 and value < self.group.n
        return value

    def verify(self, challenge, public_key, message, signature):
        """z·G = R + c·P"""
        group = self.group
        commitment, response = signature[: self.element], self.scalar(signature[self.element :])
        c = challenge(commitment + public_key + message)
        left = group.multiply(response, group.base)
        right = group.add(group.decode(commitment), group.multiply(c, group.decode(public_key)))
        return group.same(left, right)


def little(n):
    return lambda data: int.from_bytes(data, "little") % n


def sha512_suite(group, name, prefix, sign_prefix):
    reduce = little(group.n)
    return Suite(
        group,
        f"COCKTAIL({name}, SHA-512)",
        sha512,
        lambda data: reduce(sha512(prefix + b"-H7" + data)),
        sign_prefix,
        lambda data: reduce(sha512((b"" if name == "Ed25519" else sign_prefix + b"chal") + data)),
    )


def expanded(prefix, group):
    return lambda data: int.from_bytes(expand_message_xmd(data, prefix + b"chal", 48), "big") % group.n


P256_WIDE = lambda data: sha256(b"\1" + data) + sha256(b"\2" + data)[:16]
SECP_DKG = (
    SECP256K1,
    "COCKTAIL(secp256k1, SHA-256)",
    sha256,
    lambda data: int.from_bytes(bip340_hash("COCKTAIL-DKG/H7", data), "big") % SECP256K1.n,
)
SUITES = {
    "ed25519": sha512_suite(
        ED25519, "Ed25519", b"COCKTAIL-DKG-Ed25519-SHA512", b"FROST-ED25519-SHA512-v1"
    ),
    "ristretto255": sha512_suite(
        RISTRETTO,
        "Ristretto255",
        b"COCKTAIL-DKG-Ristretto255-SHA512",
        b"FROST-RISTRETTO255-SHA512-v1",
    ),
    "P-256": Suite(
        P256,
        "COCKTAIL(P-256, SHA-256)",
        sha256,
        lambda data: int.from_bytes(P256_WIDE(b"COCKTAIL-DKG-P256-SHA256-H7" + data), "big") % P256.n,
        b"FROST-P256-SHA256-v1",
        expanded(b"FROST-P256-SHA256-v1", P256),
    ),
    "secp256k1": Suite(
        *SECP_DKG,
        b"FROST-secp256k1-SHA256-v1",
        expanded(b"FROST-secp256k1-SHA256-v1", SECP256K1),
    ),
    "secp256k1-tr": Suite(*SECP_DKG, b"FROST-secp256k1-SHA256-TR-v1", None),
}


def verify_bip340(public_key, message, signature):
    """public_key: 33 bytes, of which BIP-340 takes x"""
    group, x, r = SECP256K1, public_key[-32:], signature[:32]
    s = int.from_bytes(signature[32:], "big")
    e = int.from_bytes(bip340_hash("BIP0340/challenge", r + x + message), "big") % group.n
    point = group.decode(b"\2" + x)
    found = group.add(group.multiply(s, group.base), group.negate(group.multiply(e, point)))
    return found is not None and found[1] % 2 == 0 and found[0] == int.from_bytes(r, "big")


def verify_signature(name, public_key, message, signature):
    if name == "secp256k1-tr":
        return verify_bip340(public_key, message, signature)
    if name == "ed25519":
        return verify_ed25519(public_key, message, signature)
    suite = SUITES[name]
    return suite.verify(suite.sign_challenge, public_key, message, signature)


# --- "A signed message"


def read_messages(vectors):
    for vector in vectors:
        text, domain = vector["text"].encode(), vector["domain"].encode()
        parts = number(len(domain), 4) + domain + number(len(text), 4) + text
        assert bytes.fromhex(vector["payload"]) == b"\1" + parts
        signed = b"CKM signed message v1\n" + parts if domain else text
        assert bytes.fromhex(vector["signed"]) == signed
        key, signature = bytes.fromhex(vector["publicKey"]), bytes.fromhex(vector["signature"])
        assert verify_signature(vector["suite"], key, signed, signature)
        assert not verify_signature(vector["suite"], key, signed + b"!", signature)


# --- "Parameters", "Certificate"


STRICT = 16


def read_params(data):
    reader = Reader(data)
    assert reader.number(1) == 1 and reader.block() == b"ckm-cocktail-0.2.1"
    name = reader.block().decode()
    suite = SUITES[name]
    params = {"suite": name, "purpose": reader.block().decode(), "keyId": reader.bytes(32)}
    params.update(epoch=reader.number(4), previous=reader.bytes(32), flags=reader.number(1))
    assert params["flags"] < 32, "a flag that stands for nothing"
    params.update(needed=reader.number(1), of=reader.number(1), termsHash=reader.bytes(32))
    params["roster"] = []
    for slot in range(1, params["of"] + 1):
        assert reader.number(2) == slot
        entry = {field: reader.bytes(32) for field in ("serverId", "identityKey", "sealingKey")}
        entry["staticKey"] = reader.bytes(suite.element)
        entry["staticProof"] = reader.bytes(suite.element + 32)
        entry["identitySignature"] = reader.bytes(64)
        entry["url"] = reader.block().decode()
        params["roster"].append(entry)
    reader.end()
    return params


def check_roster(params, change=None):
    """change: order and nonces of the receivers, where the entries are of a change"""
    suite = SUITES[params["suite"]]
    scope = (params["suite"].encode(), params["keyId"], number(params["epoch"], 4))
    for i, entry in enumerate(params["roster"]):
        key, proof = entry["staticKey"], entry["staticProof"]
        proven = b"CKM static key proof v1" + tagged_hash("CKM/dkg/static-proof/v1", *scope, key)
        assert suite.verify(suite.challenge, key, proven, proof), "static proof"
        keys = (entry["serverId"], entry["identityKey"], entry["sealingKey"], key, proof)
        stated = tagged_hash("CKM/dkg/static-statement/v1", *scope, *keys)
        statement = b"CKM static key statement v1" + stated
        if change:
            about = (params["previous"], change["order"], change["nonces"][i])
            stated = tagged_hash("CKM/change/receiver-statement/v1", *scope, *about, *keys)
            statement = b"CKM receiver key statement v1" + stated
        assert verify_ed25519(entry["identityKey"], statement, entry["identitySignature"])


def read_certificate(data):
    reader = Reader(data)
    assert reader.number(1) == 1, "layout version"
    assert reader.number(1) == 0, "kind: generation"
    params_bytes = reader.block()
    params = read_params(params_bytes)
    suite, of = SUITES[params["suite"]], params["of"]
    round0, round1 = [reader.block() for _ in range(of)], [reader.block() for _ in range(of)]
    signatures = [reader.bytes(suite.element + 32) for _ in range(of)]
    reader.end()
    return params, params_bytes, round0, round1, signatures


def read_dealing(params, message):
    reader = Reader(message)
    assert reader.number(1) == 1
    session, dealing, salt = reader.bytes(32), Reader(reader.block()), reader.bytes(32)
    reader.end()
    return {"session": session, "salt": salt, **split_dealing(params, dealing)}


def split_dealing(params, dealing):
    suite, result = SUITES[params["suite"]], {}
    result["commitment"] = dealing.bytes(params["needed"] * suite.element)
    result["proof"] = dealing.bytes(suite.element + 32)
    result["ephemeral"] = dealing.bytes(suite.element)
    start = dealing.at
    for _ in range(params["of"]):
        assert dealing.number(8) == 48 and dealing.bytes(48)
    dealing.end()
    result["ciphertexts"] = dealing.data[start:]
    return result


def context_of(suite, session, keys):
    return suite.dkg_hash(
        b"COCKTAIL-DKG-CONTEXT"
        + number(len(session), 8)
        + session
        + number(len(suite.dkg_id), 8)
        + suite.dkg_id
        + number(len(keys), 4, "little")
        + b"".join(keys)
    )


def transcript_of(params, context, opened, extension):
    suite = SUITES[params["suite"]]
    all_of = lambda field: b"".join(dealing[field] for dealing in opened)
    return (
        number(len(suite.dkg_id), 8, "little")
        + suite.dkg_id
        + number(len(context), 8, "little")
        + context
        + number(params["of"], 4, "little")
        + number(params["needed"], 4, "little")
        + b"".join(entry["staticKey"] for entry in params["roster"])
        + all_of("commitment")
        + all_of("proof")
        + all_of("ephemeral")
        + number(len(extension), 8, "little")
        + extension
    )


def check_certificate(data):
    """Returns parameters, transcript hash, public half, chain code and view."""
    params, params_bytes, round0, round1, signatures = read_certificate(data)
    suite, of = SUITES[params["suite"]], params["of"]
    check_roster(params)
    params_hash = tagged_hash("CKM/dkg/params/v1", params_bytes)
    posted, opened = [], []
    for message in round0:
        reader = Reader(message)
        assert reader.number(1) == 0
        posted.append((reader.bytes(32), reader.bytes(32)))
        reader.end()
    session = tagged_hash(
        "CKM/dkg/session/v1",
        params_hash,
        *(number(i + 1, 2) + nonce + commitment for i, (nonce, commitment) in enumerate(posted)),
    )
    static_keys = [entry["staticKey"] for entry in params["roster"]]
    context = context_of(suite, session, static_keys)
    for i, message in enumerate(round1):
        dealing = read_dealing(params, message)
        assert dealing["session"] == session
        nonce, commitment = posted[i]
        parts = (dealing["commitment"], dealing["ephemeral"], dealing["salt"])
        assert commitment == tagged_hash(
            "CKM/dkg/commitment/v1", params_hash, number(i + 1, 2), nonce, *parts
        )
        first = dealing["commitment"][: suite.element]
        proven = context + dealing["commitment"] + dealing["ephemeral"]
        assert suite.verify(suite.challenge, first, proven, dealing["proof"]), "proof of possession"
        opened.append(dealing)
    hidden = tagged_hash("CKM/dkg/ciphertexts/v1", *(dealing["ciphertexts"] for dealing in opened))
    extension = number(1, 4, "little") + params_hash + hidden
    transcript = transcript_of(params, context, opened, extension)
    for key, signature in zip(static_keys, signatures):
        assert suite.verify(suite.challenge, key, transcript, signature), "signature of the transcript"
    chain_code = tagged_hash(
        "CKM/dkg/chain-code/v2",
        params["suite"].encode(),
        session,
        *(dealing[field] for field in ("commitment", "ephemeral", "salt") for dealing in opened),
    )
    key = public_half(params, opened)
    view = tagged_hash("CKM/dkg/view/v1", session, transcript, *(one["salt"] for one in opened))
    return params, tagged_hash("CKM/key/transcript/v1", transcript), key, chain_code, view


def public_half(params, opened, adjusted=True):
    """Summed commitment, and the verifying share of every slot; points."""
    suite = SUITES[params["suite"]]
    group, length = suite.group, suite.element
    summed = []
    for k in range(params["needed"]):
        total = None
        for dealing in opened:
            point = group.decode(dealing["commitment"][k * length : (k + 1) * length])
            total = group.add(total, point)
        summed.append(total)
    if adjusted and params["suite"] == "secp256k1-tr":
        summed = taproot(group, summed)
    shares = []
    for slot in range(1, params["of"] + 1):
        total = None
        for k, point in enumerate(summed):
            total = group.add(total, group.multiply(slot**k, point))
        shares.append(total)
    return summed, shares


def taproot(group, points):
    """Even y, the tweak of an output without scripts, even y again. Source: BIP-341"""
    flip = lambda list_: [group.negate(point) for point in list_]
    points = flip(points) if points[0][1] % 2 else points
    tweak = int.from_bytes(bip340_hash("TapTweak", number(points[0][0], 32)), "big")
    points = [group.add(points[0], group.multiply(tweak, group.base)), *points[1:]]
    return flip(points) if points[0][1] % 2 else points


def read_keys(vectors):
    for vector in vectors:
        suite = SUITES[vector["suite"]]
        same = lambda point, text: suite.group.same(point, suite.group.decode(bytes.fromhex(text)))
        params_bytes = bytes.fromhex(vector["params"])
        assert tagged_hash("CKM/dkg/params/v1", params_bytes).hex() == vector["paramsHash"]
        params, name, key, chain_code, _ = check_certificate(bytes.fromhex(vector["certificate"]))
        assert read_params(params_bytes) == params
        assert (name.hex(), chain_code.hex()) == (vector["transcriptHash"], vector["chainCode"])
        summed, shares = key
        assert same(summed[0], vector["groupKey"])
        assert all(map(same, summed, vector["commitment"]))
        assert all(map(same, shares, vector["verifyingShares"]))
        for i, signature in enumerate(vector["acknowledgements"]):
            scope = (params["keyId"], number(params["epoch"], 4), number(i + 1, 2), name)
            stated = tagged_hash("CKM/key/recovery-ack/v1", *scope)
            statement = b"CKM recovery acknowledgement v1" + stated
            identity = params["roster"][i]["identityKey"]
            assert verify_ed25519(identity, statement, bytes.fromhex(signature))


# --- "Imported keys"


def check_import(data):
    """Returns transcript hash, view, public half and chain code."""
    reader = Reader(data)
    assert reader.number(1) == 1 and reader.number(1) == 2, "kind: import"
    deal_bytes = reader.block()
    deal = Reader(deal_bytes)
    assert deal.number(1) == 1, "layout version"
    params_bytes = deal.block()
    params = read_params(params_bytes)
    suite = SUITES[params["suite"]]
    assert params["epoch"] == 0 and params["flags"] & ~STRICT in (1, 9), "dealt, and hd or not"
    nonce, dealer, chain_code = deal.bytes(32), deal.bytes(suite.element), deal.bytes(32)
    assert any(chain_code) == bool(params["flags"] & 8)
    inner = Reader(deal.block())
    deal.end()
    dealing = split_dealing(params, inner)
    check_roster(params)
    params_hash = tagged_hash("CKM/dkg/params/v1", params_bytes)
    session = tagged_hash("CKM/import/session/v1", params_hash, nonce, dealer, chain_code)
    static_keys = [entry["staticKey"] for entry in params["roster"]]
    context = context_of(suite, session, [dealer, *static_keys])
    proven = context + dealing["commitment"] + dealing["ephemeral"]
    first = dealing["commitment"][: suite.element]
    assert suite.verify(suite.challenge, first, proven, dealing["proof"]), "proof of possession"
    hidden = tagged_hash("CKM/dkg/ciphertexts/v1", dealing["ciphertexts"])
    extension = number(3, 4, "little") + session + hidden
    transcript = transcript_of(params, context, [dealing], extension)
    for key in static_keys:
        signature = reader.bytes(suite.element + 32)
        assert suite.verify(suite.challenge, key, transcript, signature), "signature of the transcript"
    reader.end()
    view = tagged_hash("CKM/import/view/v1", session, transcript)
    name = tagged_hash("CKM/key/transcript/v1", transcript)
    return deal_bytes, name, view, public_half(params, [dealing], adjusted=False), chain_code


def read_imports(vectors):
    for vector in vectors:
        group = SUITES[vector["suite"]].group
        same = lambda point, text: group.same(point, group.decode(bytes.fromhex(text)))
        deal, name, view, key, chain_code = check_import(bytes.fromhex(vector["certificate"]))
        found = (deal.hex(), name.hex(), view.hex(), chain_code.hex())
        assert found == tuple(vector[field] for field in ("deal", "transcriptHash", "view", "chainCode"))
        summed, shares = key
        order = "little" if group in (ED25519, RISTRETTO) else "big"
        whole = int.from_bytes(bytes.fromhex(vector["secret"]), order)
        assert group.same(group.multiply(whole, group.base), summed[0]), "the key that was dealt"
        assert same(summed[0], vector["groupKey"])
        assert all(map(same, summed, vector["commitment"]))
        assert all(map(same, shares, vector["verifyingShares"]))


# --- "Change of membership"


def read_change(data):
    """The parameters of a change."""
    reader = Reader(data)
    assert reader.number(1) == 1, "layout version"
    change = {"next": read_params(reader.block()), "order": reader.bytes(32), "terms": reader.number(4)}
    dealers = range(reader.number(1))
    change["dealers"] = [(reader.number(4), reader.number(2), reader.bytes(32)) for _ in dealers]
    change["nonces"] = [reader.bytes(32) for _ in range(change["next"]["of"])]
    reader.end()
    return change


def check_order(before, name, change):
    """It is what the parameters of the change fulfil."""
    after = change["next"]
    members = [entry[field] for entry in after["roster"] for field in ("serverId", "identityKey")]
    quorum = (number(after["needed"], 1), number(after["of"], 1))
    about = (before["keyId"], number(before["epoch"], 4), name)
    order = tagged_hash("CKM/change/order/v1", *about, *quorum, number(change["terms"], 4), *members)
    assert order == change["order"]
    same = ("suite", "purpose", "keyId", "flags", "termsHash")
    assert all(after[field] == before[field] for field in same)
    assert (after["epoch"], after["previous"]) == (before["epoch"] + 1, name)


def weight_at_zero(slots, own, n):
    value = 1
    for slot in slots:
        if slot != own:
            value = value * slot * pow(slot - own, -1, n) % n
    return value


def check_votes(before, name, order, following, promises, yields):
    """Promises, locks and yields of enough members of the epoch before, in one attempt."""
    needed = max(before["needed"], before["of"] // 2 + 1)
    if before["flags"] & STRICT:
        needed = -(-(before["of"] + before["needed"]) // 2)

    def check(kind, slot, attempt, mark, said, signature):
        who = (number(slot, 2), number(attempt, 4), number(mark, 1))
        about = (before["keyId"], number(before["epoch"], 4), name)
        hashed = tagged_hash(f"CKM/change/{kind}/v1", *about, *who, *said)
        identity = before["roster"][slot - 1]["identityKey"]
        assert verify_ed25519(identity, f"CKM change {kind} v1".encode() + hashed, signature)

    def signers(kind, reader, attempt):
        slots = []
        for _ in range(reader.number(1)):
            slot, mark = reader.number(2), reader.number(1)
            check(kind, slot, attempt, mark, (following,), reader.bytes(64))
            slots.append(slot)
        reader.end()
        assert slots == sorted(set(slots)) and len(slots) >= needed, f"too few of {kind}"

    reader = Reader(promises)
    assert reader.number(1) == 1, "layout version"
    attempt, slots = reader.number(4), []
    for _ in range(reader.number(1)):
        slot, mark = reader.number(2), reader.number(1)
        said = [reader.bytes(32), reader.bytes(32)]
        assert said[0] == order
        if reader.number(1) == 1:
            said += [reader.bytes(4), reader.bytes(32)]
        check("promise", slot, attempt, mark, said, reader.bytes(64))
        slots.append(slot)
    assert slots == sorted(set(slots)) and len(slots) >= needed, "too few promises"
    signers("lock", reader, attempt)
    reader = Reader(yields)
    assert reader.number(1) == 1 and reader.number(4) == attempt
    signers("yield", reader, attempt)


def check_change(first, group_key, data):
    """Returns the change, its order, transcript hash, view, public half and chain code. first: certificate of epoch 0"""
    before, name, (summed, shares), chain_code, _ = check_certificate(first)
    reader = Reader(data)
    assert reader.number(1) == 1 and reader.number(1) == 1, "kind: change"
    change_bytes = reader.block()
    change = read_change(change_bytes)
    after, suite = change["next"], SUITES[before["suite"]]
    group = suite.group
    check_order(before, name, change)
    check_roster(after, change)
    session = tagged_hash("CKM/change/session/v1", change_bytes)
    promises = reader.block()
    slots = [slot for _, slot, _ in change["dealers"]]
    assert slots == sorted(set(slots)) and len(slots) == before["needed"]
    static_keys = [entry["staticKey"] for entry in after["roster"]]
    senders = [before["roster"][slot - 1]["staticKey"] for slot in slots]
    context, opened = context_of(suite, session, senders + static_keys), []
    for slot in slots:
        message = Reader(reader.block())
        assert message.number(1) == 0 and message.bytes(32) == session
        dealing = split_dealing(after, Reader(message.block()))
        message.end()
        first_of = dealing["commitment"][: suite.element]
        proven = context + dealing["commitment"] + dealing["ephemeral"]
        assert suite.verify(suite.challenge, first_of, proven, dealing["proof"]), "proof of possession"
        weight = weight_at_zero(slots, slot, group.n)
        weighted = group.multiply(weight, shares[slot - 1])
        assert group.same(group.decode(first_of), weighted), "the weighted share of its dealer"
        opened.append(dealing)
    hidden = tagged_hash("CKM/dkg/ciphertexts/v1", *(dealing["ciphertexts"] for dealing in opened))
    half = public_half(after, opened, adjusted=False)
    assert group.same(half[0][0], summed[0]), "the public key stays"
    assert group.same(group.decode(group_key), summed[0])
    extension = number(2, 4, "little") + session + group_key + chain_code + hidden
    transcript = transcript_of(after, context, opened, extension)
    for key in static_keys:
        signature = reader.bytes(suite.element + 32)
        assert suite.verify(suite.challenge, key, transcript, signature), "signature of the transcript"
    yields = reader.block()
    reader.end()
    following = tagged_hash("CKM/key/transcript/v1", transcript)
    check_votes(before, name, change["order"], following, promises, yields)
    view = tagged_hash("CKM/change/view/v1", session, transcript)
    return change_bytes, change["order"], following, view, half, chain_code


def read_changes(vectors):
    keys = json.loads((FOLDER / "keys.json").read_text())
    for vector in vectors:
        first = next(key["certificate"] for key in keys if key["suite"] == vector["suite"])
        read_change_of(first, vector)
        for signed in vector["receipts"]:
            check_receipt(bytes.fromhex(first), *(bytes.fromhex(signed[part]) for part in ("receipt", "signature")))


def read_change_of(first, vector):
    """first: certificate of epoch 0, in hex"""
    group = SUITES[vector["suite"]].group
    same = lambda point, text: group.same(point, group.decode(bytes.fromhex(text)))
    fields = (first, vector["groupKey"], vector["certificate"])
    found = check_change(*map(bytes.fromhex, fields))
    change, order, name, view, (summed, shares), chain_code = found
    said = ("change", "order", "transcriptHash", "view", "chainCode")
    named = (change, order, name, view, chain_code)
    assert tuple(one.hex() for one in named) == tuple(vector[field] for field in said)
    assert same(summed[0], vector["groupKey"])
    assert all(map(same, summed, vector["commitment"]))
    assert all(map(same, shares, vector["verifyingShares"]))
    after = read_change(change)["next"]
    assert len(vector["readiness"]) == len(after["roster"])
    for i, signature in enumerate(vector["readiness"]):
        scope = (after["keyId"], number(after["epoch"], 4), number(i + 1, 2), name)
        statement = b"CKM settlement readiness v1" + tagged_hash("CKM/change/readiness/v1", *scope)
        assert verify_ed25519(after["roster"][i]["identityKey"], statement, bytes.fromhex(signature))


def read_strict(vectors):
    read_keys(vectors)
    for vector in vectors:
        first = bytes.fromhex(vector["certificate"])
        assert read_certificate(first)[0]["flags"] == 8 | STRICT
        read_change_of(vector["certificate"], vector["change"])
        try:
            check_change(first, bytes.fromhex(vector["groupKey"]), bytes.fromhex(vector["undecided"]))
        except AssertionError as refused:
            assert str(refused) == "too few promises"
        else:
            raise AssertionError("two of three decided on a strict key")


def check_receipt(first, receipt, signature):
    """What the first server of an epoch says of its share. first: certificate of that epoch"""
    params, name, *_ = check_certificate(first)
    said = cbor(receipt)
    assert cbor_write(said) == receipt
    assert (said["keyId"], said["epoch"], said["transcriptHash"]) == (params["keyId"], 0, name)
    assert said["slot"] == 1 and said["mode"] in ("epoch", "static")
    assert isinstance(said["shareDeleted"], bool)
    assert said["lastBackupAt"] is None or isinstance(said["lastBackupAt"], int)
    backups = said.get("backups", {"taken": 0, "destroyed": 0})
    assert 0 <= backups["destroyed"] <= backups["taken"]
    statement = b"CKM share receipt v1" + tagged_hash("CKM/change/receipt/v1", receipt)
    assert verify_ed25519(params["roster"][0]["identityKey"], statement, signature)


# --- "Packets"


def unhex(fields):
    """Strings of the vectors' fields that are hex; names are none."""
    names = ("protocol", "kind", "craft", "approval", "of")
    if isinstance(fields, dict):
        return {k: v if k in names or k == "kinds" else unhex(v) for k, v in fields.items()}
    if isinstance(fields, list):
        return [unhex(one) for one in fields]
    return bytes.fromhex(fields) if isinstance(fields, str) else fields


def read_packets(vectors):
    session, parameters = bytes.fromhex(vectors["sessionId"]), bytes.fromhex(vectors["parameters"])
    run = tagged_hash("CKM/packet/run/v1", session, parameters)
    assert run.hex() == vectors["run"]
    keys = json.loads((FOLDER / "keys.json").read_text())
    certificate = bytes.fromhex(next(key["certificate"] for key in keys if key["params"] == parameters.hex()))
    _, _, round0, round1, signatures = read_certificate(certificate)
    view = check_certificate(certificate)[-1]
    round2 = [b"\2" + view + number(len(one), 4) + one for one in signatures]
    told = {}
    for vector in vectors["packets"]:
        fields, signed = unhex(vector["fields"]), bytes.fromhex(vector["signed"])
        assert cbor(signed) == {"version": 1, **fields}
        assert cbor_write({"version": 1, **fields}) == signed and fields["sessionId"] == run
        packet = cbor(bytes.fromhex(vector["packet"]))
        assert packet == {"body": signed, "signature": bytes.fromhex(vector["signature"])}
        prefix = b"Collaborative Key Management signature v1\0"
        statement = prefix + bytes([len(b"ckm/packet/v1")]) + b"ckm/packet/v1" + signed
        assert verify_ed25519(bytes.fromhex(vector["identityKey"]), statement, packet["signature"])
        digest = tagged_hash("CKM/packet/digest/v1", signed)
        assert digest.hex() == vector["digest"]
        if fields["to"] == 0:
            said = (round0, round1, round2)[fields["round"]][fields["from"] - 1]
            assert fields["payload"] == said
            told.setdefault(fields["round"], []).append(digest)
        before = told.get(fields["round"] - 1)
        echo = tagged_hash("CKM/packet/previous/v1", *before) if before else bytes(32)
        assert fields["previous"] == echo
    sealed = unhex(vectors["sealed"])
    associated = cbor_write(sealed["header"])
    ephemeral = sealed["sealed"][:32]
    shared = x25519(sealed["receiverSecret"], ephemeral)
    salt = tagged_hash("CKM/packet/seal/v1", ephemeral, sealed["receiverKey"], associated)
    key = hkdf(shared, salt, b"CKM packet seal v1")
    assert chacha_open(key, bytes(12), associated, sealed["sealed"][32:]) == sealed["payload"]


# --- "Requests", "Attempts and answers"


def read_requests(vectors):
    policy = vectors["policy"]
    data = bytes.fromhex(policy["bytes"])
    assert cbor(data) == policy["fields"] and cbor_write(policy["fields"]) == data
    assert tagged_hash("CKM/policy/v1", data).hex() == policy["termsHash"]
    ask = unhex(vectors["ask"]["fields"])
    body = bytes.fromhex(vectors["ask"]["body"])
    assert cbor(body) == {"protocol": 1, "parameters": ask}
    for vector in vectors["payloads"]:
        payload, signed = bytes.fromhex(vector["payload"]), bytes.fromhex(vector["signed"])
        assert to_sign(vector["kind"], payload) == signed
    signed, signature = bytes.fromhex(vectors["signed"]), bytes.fromhex(vectors["signature"])
    group_key = bytes.fromhex(vectors["groupKey"])
    total = 0
    shares = {}
    for reply in vectors["replies"]:
        result = cbor(bytes.fromhex(reply["body"]))
        assert result["protocol"] == 1 and result["ok"] is True
        assert result["result"]["requestId"] == ask["requestId"]
        share = result["result"]["answer"]["shares"][0]
        assert share.hex() == reply["share"]
        shares[reply["slot"]] = share
        total = (total + int.from_bytes(share, "little")) % ED25519.n
    assert sorted(shares) == ask["attempt"]["signers"]
    commitment = group_commitment(ask["attempt"], group_key, signed)
    assert ED25519.encode(commitment) + number(total, 32, "little") == signature
    assert verify_ed25519(group_key, signed, signature)


# --- "Secrets for labels"


def read_labels(vectors):
    for vector in vectors:
        text, answers = vector["text"], vector["answers"]
        v = {k: bytes.fromhex(x) for k, x in vector.items() if k not in ("text", "answers")}
        parts = text.split("/")
        assert cbor(v["label"]) == ["secret", *parts] and cbor_write(["secret", *parts]) == v["label"]
        assert v["payload"] == b"\1" + number(len(v["label"]), 4) + v["label"]
        tasks = tagged_hash("CKM/request/tasks/v1", b"evaluation", b"derive", v["label"])
        assert tasks == v["tasksHash"]
        items = (b"CKM/derive/input/v1", v["keyId"], v["label"])
        hashed = sha512(b"".join(number(len(item), 8) + item for item in items))
        separator = b"CKM-DPRF-V1-ristretto255_XMD:SHA-512_R255MAP_RO_"
        wide = expand_message_xmd(hashed, separator, 64, hashlib.sha512)
        assert RISTRETTO.same(RISTRETTO.from_uniform(wide), RISTRETTO.decode(v["point"]))
        slots, total = [answer["slot"] for answer in answers], None
        for answer in map(unhex, answers):
            output = RISTRETTO.decode(open_part(v, answer)[:32])
            weight = weight_at_zero(slots, answer["slot"], RISTRETTO.n)
            total = RISTRETTO.add(total, RISTRETTO.multiply(weight, output))
        assert RISTRETTO.same(total, RISTRETTO.decode(v["result"]))
        salt = tagged_hash("CKM/derive/salt/v1", v["keyId"])
        assert hkdf(v["result"], salt, b"CKM-DPRF/v1" + v["label"], hashlib.sha512) == v["secret"]


def open_part(v, answer):
    """What a server has sealed for one attempt"""
    at = bytes([answer["slot"], answer["number"]])
    names = ("keyId", "transcriptHash", "requestId", "tasksHash")
    bound = tagged_hash("CKM/partial/bound/v1", *(v[name] for name in names), at)
    ephemeral, recipient = answer["sealed"][:32], answer["recipient"]
    shared = x25519(answer["recipientSecret"], ephemeral)
    key = hkdf(shared, tagged_hash("CKM/partial/seal/v1", ephemeral, recipient, bound), b"CKM partial v1")
    part = chacha_open(key, bytes(12), bound, answer["sealed"][32:])
    assert part == answer["partial"] and len(part) == 96
    assert x25519(answer["recipientSecret"], number(9, 32, "little")) == recipient
    return part


def to_sign(kind, payload):
    """SSHSIG, for a payload of the kind git, or of ssh with a whole message"""
    reader = Reader(payload)
    assert reader.number(1) == 1
    if kind == "git":
        namespace, hash_name, message = b"git", b"sha512", payload[1:]
    else:
        assert reader.number(1) == 1
        namespace, hash_name, message = reader.block(), reader.block(), reader.block()
        reader.end()
    digest = hashlib.new(hash_name.decode(), message).digest()
    parts = (namespace, b"", hash_name, digest)
    return b"SSHSIG" + b"".join(number(len(part), 4) + part for part in parts)


def group_commitment(attempt, group_key, message):
    """RFC 9591 §4.4, §4.5 for ed25519: the sum of D + ρ·E over all signers"""
    prefix, reduce = SUITES["ed25519"].signing_prefix, little(ED25519.n)
    packed, points, listed = attempt["commitments"][0], [], b""
    for i, slot in enumerate(attempt["signers"]):
        hiding, binding = packed[64 * i : 64 * i + 32], packed[64 * i + 32 : 64 * i + 64]
        points.append((number(slot, 32, "little"), hiding, binding))
        listed += b"".join(points[-1])
    start = group_key + sha512(prefix + b"msg" + message) + sha512(prefix + b"com" + listed)
    total = None
    for slot, hiding, binding in points:
        factor = reduce(sha512(prefix + b"rho" + start + slot))
        bound = ED25519.multiply(factor, ED25519.decode(binding))
        total = ED25519.add(total, ED25519.add(ED25519.decode(hiding), bound))
    return total


# --- "The message around a call"


def tag(number_):
    return cbor_head(6, number_)


def skip(reader):
    """One item of CBOR, tags included, as it stands."""
    start, first = reader.at, reader.number(1)
    major, low = first >> 5, first & 31
    value = low if low < 24 else reader.number(1 << (low - 24))
    if major in (2, 3):
        reader.bytes(value)
    for _ in range({4: value, 5: 2 * value, 6: 1}.get(major, 0)):
        skip(reader)
    return reader.data[start : reader.at]


class Part:
    """An envelope or a part of one: what it is, what is in it, and its digest."""

    def __init__(self, kind, inside, digest):
        self.kind, self.inside, self.digest = kind, inside, digest


def envelope(reader):
    """Reads the table "part, CBOR, digest"."""
    start = reader.at
    for kind, number_ in (("wrapped", 200), ("leaf", 201), ("encrypted", 40002)):
        if reader.data[start:].startswith(tag(number_)):
            reader.at += len(tag(number_))
            return TAGGED[kind](reader)
    first = reader.data[start]
    if first == 0xA1:
        reader.at += 1
        predicate, object_ = envelope(reader), envelope(reader)
        return Part("assertion", (predicate, object_), sha256(predicate.digest + object_.digest))
    if first >> 5 == 4:
        reader.at += 1
        subject, *assertions = [envelope(reader) for _ in range(first & 31)]
        digests = [one.digest for one in assertions]
        assert digests == sorted(set(digests)) and digests, "assertions out of order"
        return Part("node", (subject, assertions), sha256(subject.digest + b"".join(digests)))
    assert first >> 5 == 0, "not an envelope"
    known = skip(reader)
    return Part("known", cbor(known), sha256(tag(40000) + known))


def read_wrapped(reader):
    inside = envelope(reader)
    return Part("wrapped", inside, sha256(inside.digest))


def read_leaf(reader):
    value = skip(reader)
    return Part("leaf", value, sha256(value))


def read_encrypted(reader):
    ciphertext, nonce, mac, associated = cbor_read(reader)
    prefix = tag(40001) + cbor_head(2, 32)
    assert associated.startswith(prefix) and len(associated) == len(prefix) + 32
    return Part("encrypted", (ciphertext + mac, nonce, associated), associated[len(prefix) :])


TAGGED = {"wrapped": read_wrapped, "leaf": read_leaf, "encrypted": read_encrypted}


def envelope_in(data):
    """A whole one, tag 200 in front."""
    assert data.startswith(tag(200))
    reader = Reader(data)
    reader.at = len(tag(200))
    found = envelope(reader)
    reader.end()
    return found


def tagged(leaf, *tags):
    """What is in a leaf behind these tags."""
    head = b"".join(map(tag, tags))
    assert leaf.kind == "leaf" and leaf.inside.startswith(head)
    return cbor(leaf.inside[len(head) :])


def parts_of(node):
    """Subject, and objects by predicate: a known value's number, or a leaf's CBOR."""
    assert node.kind == "node"
    subject, assertions = node.inside
    objects = {}
    for one in assertions:
        predicate, object_ = one.inside
        objects[predicate.inside] = object_
    return subject, objects


ID, SIGNED, RECIPIENT, KEY, DATE, UNTIL, CONFORMS, ALLOW, ALL, BODY, RESULT, SENDER = (
    2, 3, 5, 8, 16, 22, 52, 60, 70, 100, 101, 105
)


def open_sealed(message, secret):
    """S, out of what was sealed to the X25519 key of that secret"""
    hidden, objects = parts_of(envelope_in(message))
    assert hidden.kind == "encrypted" and list(objects) == [RECIPIENT]
    permit = Reader(objects[RECIPIENT].inside)
    assert permit.bytes(len(tag(40019)) + 1) == tag(40019) + b"\x82"
    assert permit.bytes(len(tag(40002))) == tag(40002)
    ciphertext, nonce, mac = cbor_read(permit)
    assert permit.bytes(len(tag(40011))) == tag(40011)
    ephemeral = cbor_read(permit)
    permit.end()
    agreed = hkdf(x25519(secret, ephemeral), b"agreement", b"")
    opened = chacha_open(agreed, nonce, b"", ciphertext + mac)
    assert opened.startswith(tag(40023))
    sealed, nonce, associated = hidden.inside
    wrapped = envelope_in(chacha_open(cbor(opened[len(tag(40023)) :]), nonce, associated, sealed))
    assert wrapped.kind == "wrapped" and wrapped.digest == hidden.digest
    return wrapped.inside


def xid_of(signing_key):
    return sha256(tag(40022) + cbor_write([2, signing_key]))


def public_keys(signing_key, agreement_key):
    signing = tag(40022) + cbor_write([2, signing_key])
    return tag(40017) + b"\x82" + signing + tag(40011) + cbor_write(agreement_key)


def check_document(part, vector):
    """The XID document of a stranger, plain"""
    subject, objects = parts_of(part)
    assert tagged(subject, 40024) == vector["sender"] == xid_of(vector["senderKey"])
    keys, privileges = parts_of(objects[KEY])
    assert keys.inside == public_keys(vector["senderKey"], vector["senderAgreementKey"])
    assert privileges[ALLOW].inside == ALL


def check_named(part, vector):
    """The document in which a device says which key of its account it signs with"""
    subject, objects = parts_of(part)
    assert tagged(subject, 40024) == vector["sender"] != xid_of(vector["senderKey"])
    assert list(objects) == [KEY] and objects[KEY].kind == "leaf"
    assert objects[KEY].inside == public_keys(vector["senderKey"], vector["senderAgreementKey"])


def read_calls(vectors):
    for vector in vectors:
        is_reply, introduces = vector["inReplyTo"] is not None, vector.pop("introduces")
        names_key = vector.pop("namesKey", False)
        function = vector.pop("function")
        vector = unhex(vector)
        wrapped, objects = parts_of(open_sealed(vector["message"], vector["recipientSecret"]))
        scheme, signature = tagged(objects[SIGNED], 40020)
        assert scheme == 2 and wrapped.kind == "wrapped"
        assert verify_ed25519(vector["senderKey"], wrapped.digest, signature)
        subject, objects = parts_of(wrapped.inside)
        first = vector["inReplyTo"] if is_reply else vector["id"]
        assert tagged(subject, 40005 if is_reply else 40004, 40012) == first
        assert not is_reply or tagged(objects.pop(ID), 40012) == vector["id"]
        name, parameters = parts_of(objects.pop(RESULT if is_reply else BODY))
        assert tagged(name, 40006) == function
        assert list(parameters) == [tag(40007) + cbor_write(1)]
        (one,) = parameters.values()
        assert tagged(one, 24) == vector["body"] and cbor(vector["body"])["protocol"] == 1
        sender = objects.pop(SENDER)
        if introduces:
            check_document(sender, vector)
        elif names_key:
            check_named(sender, vector)
        else:
            assert tagged(sender, 40024) == vector["sender"]
        assert tagged(objects.pop(cbor_write("recipient")), 40024) == vector["recipient"]
        assert tagged(objects.pop(DATE), 1) == vector["date"]
        assert tagged(objects.pop(UNTIL), 1) == vector["expiresAt"]
        assert tagged(objects.pop(CONFORMS)) == "ckm/message/v1" and not objects


# --- "Lists of devices"


MAY = ["use", "make", "manage"]


def id_of(keys):
    """Of public keys: that of an XID whose first keys they are"""
    head = tag(40017) + b"\x82"
    assert keys.startswith(head + tag(40022))
    reader = Reader(keys)
    reader.at = len(head + tag(40022))
    scheme, signing_key = cbor_read(reader)
    assert scheme == 2 and keys == public_keys(signing_key, keys[-32:])
    return xid_of(signing_key), signing_key


def read_devices(vectors):
    before = None
    for vector in map(unhex, vectors):
        document = vector["document"]
        fields = cbor(document)
        assert cbor_write(fields) == document and fields["v"] == 1 and len(document) <= 8192
        words, signing_key = id_of(fields["words"])
        signers = {words: (signing_key, MAY)}
        if before is None:
            assert fields["previous"] == bytes(32) and fields["keys"] == []
            assert (fields["generation"], fields["number"], fields["account"]) == (0, 0, words)
        else:
            assert all(fields[name] == before[name] for name in ("server", "account", "words"))
            for key in before["keys"]:
                id_, device = id_of(key["publicKeys"])
                signers[id_] = (device, key["may"])
            signer, may = signers[fields["by"]]
            prefix = b"Collaborative Key Management signature v1\0"
            signed = prefix + b"\x0eckm/devices/v1" + document
            assert verify_ed25519(signer, signed, vector["signature"]) and "manage" in may
            raised = fields["generation"] - before["generation"]
            if raised:
                assert raised == 1 and fields["number"] == 0 and fields["by"] == words
            else:
                assert fields["number"] == before["number"] + 1
                assert fields["previous"] == before["hash"]
        ids = [id_of(key["publicKeys"])[0] for key in fields["keys"]]
        assert ids == sorted(set(ids)) and words not in ids
        for key in fields["keys"]:
            assert key["may"] == [one for one in MAY if one in key["may"]] and len(key["notes"]) <= 256
        assert vector["hash"] == tagged_hash("CKM/devices/document/v1", document)
        before = {**fields, "hash": vector["hash"]}


# --- "Likeness"


def read_likeness(vectors):
    for vector in vectors["likenesses"]:
        digest = bytes.fromhex(vector["digest"])
        stream = sha256(b"ckm/likeness/v1" + digest)
        bits = int.from_bytes(stream[:9], "big") >> 6
        numbers = [bits >> 11 * (5 - i) & 2047 for i in range(6)]
        assert numbers == vector["numbers"] and vector["digits"] == digest[:4].hex()
        # The list is in alphabetical order.
        assert [word for _, word in sorted(zip(numbers, vector["words"]))] == sorted(vector["words"])
        for i, row in enumerate(vector["rows"]):
            cells = [5 * i + column for column in range(5)]
            left = "".join("0012"[stream[9 + cell // 4] >> 6 - 2 * (cell % 4) & 3] for cell in cells)
            assert row == left + left[::-1]
        pair = vectors["pairs"][stream[22] & 15]
        background = vectors["backgrounds"][stream[22] >> 4 & 3]
        assert vector["colours"] == {**pair, "background": background}


# --- "Child keys"


def child_of(suite, key, chain_code, index):
    """Offset and chain code"""
    if suite == "ed25519":
        items = (chain_code, key, index)
        joined = b"".join(number(len(one), 4) + one for one in (b"CKM-ed25519-hd/v1", *items))
        offset = int.from_bytes(sha512(joined), "little") % ED25519.n
        return offset, tagged_hash("CKM/hd/ed25519-chain/v1", *items)
    digest = hmac.new(chain_code, key + index, hashlib.sha512).digest()
    offset = int.from_bytes(digest[:32], "big")
    assert offset < SUITES[suite].group.n, "SLIP-10 tries again, and BIP-32 has no such child"
    return offset, digest[32:]


def read_children(vectors):
    for vector in vectors:
        group, chain_code = SUITES[vector["suite"]].group, bytes.fromhex(vector["chainCode"])
        point = group.decode(bytes.fromhex(vector["parent"]))
        for index in vector["path"]:
            encoded = group.encode(point)
            offset, chain_code = child_of(vector["suite"], encoded, chain_code, number(index, 4))
            point = group.add(point, group.multiply(offset, group.base))
        if vector["suite"] == "secp256k1-tr" and point[1] % 2:
            point = group.negate(point)
        assert group.encode(point).hex() == vector["child"]
        assert chain_code.hex() == vector["childChainCode"]


# --- "Functions": how far a key is


# --- "Approvers"


def read_approvers(vectors):
    prefix = b"Collaborative Key Management signature v1\0"
    papers = {vector["kind"]: vector for vector in vectors}
    contents = {}
    for kind, vector in papers.items():
        content = bytes.fromhex(vector["content"])
        contents[kind] = cbor(content)
        assert cbor_write(contents[kind]) == content and contents[kind]["v"] == 1
        assert bytes.fromhex(vector["digest"]) == sha256(cbor_write(content))
        assert vector["text"].startswith("ur:envelope/")
    invitation, answer = contents["invitation"], contents["answer"]
    assert (invitation["kind"], answer["kind"]) == ("approver-invitation", "approver-answer")
    assert (answer["name"], answer["keyId"]) == (invitation["name"], invitation["keyId"])
    assert answer["invitation"] == bytes.fromhex(papers["invitation"]["digest"])
    said = cbor_write({name: answer[name] for name in answer if name != "proof"})
    signed = prefix + b"\x16ckm/approver-answer/v1" + said
    assert verify_ed25519(answer["signing"], signed, answer["proof"])
    (vote,) = contents["votes"]["votes"]
    vote = cbor(vote)
    statement = cbor(vote["statement"])
    assert cbor_write(statement) == vote["statement"] and statement["audience"] == sorted(statement["audience"])
    assert statement["approver"] == xid_of(answer["signing"])
    digest = tagged_hash("CKM/vote/v1", vote["statement"])
    assert vote["proof"]["kind"] == "ed25519"
    signed = prefix + b"\x0bckm/vote/v1" + digest
    assert verify_ed25519(answer["signing"], signed, vote["proof"]["signature"])


def read_asked(vectors):
    for vector in vectors:
        kind, vector = vector["kind"], unhex({name: vector[name] for name in vector if name not in ("matter", "kind")})
        payload = vector["payload"]
        fields = cbor(payload)
        assert cbor_write(fields) == payload and len(payload) <= 4096
        if kind == "export":
            names = ("keyId", "transcriptHash", "exportId", "recipient")
            assert fields["kind"] == "export" and fields.get("heir") in (None, "eve")
            name = tagged_hash("CKM/export/order/v1", number(fields["epoch"], 4), *(fields[one] for one in names))
        elif kind == "thaw":
            name = tagged_hash("CKM/thaw/asked/v1", fields["keyId"], fields["freezeId"])
        else:
            assert kind == "settle" and fields["others"] == sorted(fields["others"])
            settled = (fields["keyId"], number(fields["epoch"], 4), fields["transcriptHash"], fields["counts"])
            name = tagged_hash("CKM/change/settlement/v1", *settled, *fields["others"])
        assert name == vector["matterId"] == vector["tasksHash"]
        assert vector["payloadHash"] == tagged_hash("CKM/request/payload/v1", kind.encode(), payload)


# --- "Lists of the devices of a key, and what they sign"


LIFE = {
    "ckm/alive/v1": {"v", "keyId", "by", "number"},
    "ckm/freeze/v1": {"v", "keyId", "id", "by", "from", "until"},
    "ckm/heard/v1": {"v", "keyId", "first", "by", "nonce", "silentSeconds"},
}


def read_life(vectors):
    prefix = b"Collaborative Key Management signature v1\0"
    for vector in vectors:
        purpose = vector["purpose"].encode()
        key, statement, signature = (bytes.fromhex(vector[name]) for name in ("publicKey", "statement", "signature"))
        fields = cbor(statement)
        assert cbor_write(fields) == statement and len(statement) <= 512
        assert set(fields) == LIFE[vector["purpose"]] and fields["v"] == 1 and fields["by"] == xid_of(key)
        if "until" in fields:
            dates = fields["from"], fields["until"]
            assert dates == (None, None) or dates[0] < dates[1] <= dates[0] + 604_800
        signed = prefix + number(len(purpose), 1) + purpose + statement
        assert verify_ed25519(key, signed, signature)
        assert not verify_ed25519(key, signed + b"!", signature)


def read_heads(vectors):
    for vector in vectors:
        fields, head = unhex(vector["fields"]), bytes.fromhex(vector["head"])
        assert cbor(head) == fields and cbor_write(fields) == head
        key, signature = bytes.fromhex(vector["identityKey"]), bytes.fromhex(vector["signature"])
        statement = b"CKM key head v1" + tagged_hash("CKM/key/head/v1", head)
        assert verify_ed25519(key, statement, signature)


READERS = {
    "messages": read_messages,
    "keys": read_keys,
    "imports": read_imports,
    "changes": read_changes,
    "strict": read_strict,
    "packets": read_packets,
    "requests": read_requests,
    "labels": read_labels,
    "calls": read_calls,
    "devices": read_devices,
    "approvers": read_approvers,
    "asked": read_asked,
    "life": read_life,
    "heads": read_heads,
    "likeness": read_likeness,
    "children": read_children,
}
for name in sys.argv[2:] or READERS:
    READERS[name](json.loads((FOLDER / f"{name}.json").read_text()))
    print(f"{name}: good")
