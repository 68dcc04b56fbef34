"""Curves and ciphers for read.py, written from the standards and slow: for comparing, never for secrets."""

import hashlib
import hmac


class Weierstrass:
    """secp256k1 and P-256. Points are (x, y), None is the identity. Source: SEC 1, SEC 2"""

    def __init__(self, p, a, b, n, x, y):
        self.p, self.a, self.b, self.n, self.base = p, a, b, n, (x, y)

    def decode(self, data):
        assert len(data) == 33 and data[0] in (2, 3), "not a compressed point"
        x = int.from_bytes(data[1:], "big")
        assert x < self.p
        square = (x**3 + self.a * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        assert y * y % self.p == square, "not on the curve"
        return (x, y if y % 2 == data[0] % 2 else self.p - y)

    def encode(self, point):
        return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")

    def add(self, one, other):
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == other:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return (x, (slope * (x1 - x) - y1) % self.p)

    def negate(self, point):
        return None if point is None else (point[0], -point[1] % self.p)

    def multiply(self, scalar, point):
        result = None
        for bit in bin(scalar % self.n)[2:]:
            result = self.add(result, result)
            if bit == "1":
                result = self.add(result, point)
        return result

    def same(self, one, other):
        return one == other

    scalar_order = "big"


class Edwards:
    """ed25519. Points are (x, y). Source: RFC 8032 §5.1"""

    p = 2**255 - 19
    n = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p
    scalar_order = "little"

    def __init__(self):
        y = 4 * pow(5, -1, self.p) % self.p
        self.base = Edwards.decode(self, y.to_bytes(32, "little"))

    def decode(self, data):
        number = int.from_bytes(data, "little")
        y, sign = number % 2**255, number >> 255
        assert len(data) == 32 and y < self.p
        square = (y * y - 1) * pow(self.d * y * y + 1, -1, self.p) % self.p
        x = pow(square, (self.p + 3) // 8, self.p)
        if x * x % self.p != square:
            x = x * pow(2, (self.p - 1) // 4, self.p) % self.p
        assert x * x % self.p == square, "not on the curve"
        return (x if x % 2 == sign else -x % self.p, y)

    def encode(self, point):
        return (point[1] + (point[0] % 2 << 255)).to_bytes(32, "little")

    def add(self, one, other):
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        product = self.d * x1 * x2 * y1 * y2
        x = (x1 * y2 + y1 * x2) * pow(1 + product, -1, self.p)
        y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, self.p)
        return (x % self.p, y % self.p)

    def negate(self, point):
        return (-point[0] % self.p, point[1])

    multiply = Weierstrass.multiply

    def same(self, one, other):
        return one == other


class Ristretto(Edwards):
    """ristretto255 over ed25519. Source: RFC 9496 §4.3"""

    def decode(self, data):
        p, s = self.p, int.from_bytes(data, "little")
        assert len(data) == 32 and s < p and s % 2 == 0
        u1, u2 = (1 - s * s) % p, (1 + s * s) % p
        v = (-self.d * u1 * u1 - u2 * u2) % p
        square = v * u2 * u2 % p
        root = self.root_of_inverse(square)
        x = 2 * s * root * u2 % p
        x = p - x if x % 2 else x
        y = u1 * root * root * u2 * v % p
        assert x * y % p % 2 == 0 and y != 0
        return (x, y)

    def root_of_inverse(self, square):
        inverse = pow(square, -1, self.p)
        root = pow(inverse, (self.p + 3) // 8, self.p)
        if root * root % self.p != inverse:
            root = root * pow(2, (self.p - 1) // 4, self.p) % self.p
        assert root * root % self.p == inverse, "not an element"
        return root

    def from_uniform(self, wide):
        """RFC 9496 §4.3.4, of 64 bytes"""
        assert len(wide) == 64
        return self.add(self.mapped(wide[:32]), self.mapped(wide[32:]))

    def mapped(self, half):
        p, d, i = self.p, self.d, pow(2, (self.p - 1) // 4, self.p)
        t = int.from_bytes(half, "little") % 2**255 % p
        r = i * t * t % p
        u, v = (r + 1) * (1 - d * d) % p, (-1 - r * d) * (r + d) % p
        is_square, s = self.root_of_ratio(u, v)
        other = s * t % p
        other = other if other % 2 else (p - other) % p
        s, c = (s, p - 1) if is_square else (other, r)
        n = (c * (r - 1) * (d - 1) ** 2 - v) % p
        # The root of −d − 1 that the standard names is the odd one.
        w1 = -n * self.root_of_ratio((-d - 1) % p, 1)[1] % p
        x, y = 2 * s * v * pow(w1, -1, p), (1 - s * s) * pow(1 + s * s, -1, p)
        return (x % p, y % p)

    def root_of_ratio(self, u, v):
        """Whether u/v is a square, and the even root of it, or of it times the root of −1"""
        p, i = self.p, pow(2, (self.p - 1) // 4, self.p)
        ratio = u * pow(v, -1, p) % p
        is_square = ratio == 0 or pow(ratio, (p - 1) // 2, p) == 1
        square = ratio if is_square else i * ratio % p
        root = pow(square, (p + 3) // 8, p)
        root = root if root * root % p == square else root * i % p
        assert root * root % p == square
        return is_square, p - root if root % 2 else root

    def same(self, one, other):
        if one is None or other is None:
            return one is other
        (x1, y1), (x2, y2) = one, other
        return (x1 * y2 - y1 * x2) % self.p == 0 or (y1 * y2 - x1 * x2) % self.p == 0


SECP256K1 = Weierstrass(
    2**256 - 2**32 - 977,
    0,
    7,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
P256 = Weierstrass(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
ED25519 = Edwards()
RISTRETTO = Ristretto()


def verify_ed25519(public_key, message, signature):
    """RFC 8032 §5.1.7"""
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % ED25519.n
    response = int.from_bytes(signature[32:], "little")
    left = ED25519.multiply(response, ED25519.base)
    right = ED25519.add(
        ED25519.decode(signature[:32]), ED25519.multiply(challenge, ED25519.decode(public_key))
    )
    return response < ED25519.n and left == right


def bip340_hash(tag, data):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def expand_message_xmd(message, separator, length, algorithm=hashlib.sha256):
    """RFC 9380 §5.3.1, with SHA-256 unless told"""
    suffix = separator + bytes([len(separator)])
    start = bytes(algorithm().block_size)
    first = algorithm(start + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    blocks = [algorithm(first + b"\1" + suffix).digest()]
    while len(first) * len(blocks) < length:
        mixed = bytes(a ^ b for a, b in zip(first, blocks[-1]))
        blocks.append(algorithm(mixed + bytes([len(blocks) + 1]) + suffix).digest())
    return b"".join(blocks)[:length]


def hkdf(secret, salt, info, algorithm=hashlib.sha256):
    """RFC 5869, with SHA-256 unless told, 32 bytes"""
    key = hmac.new(salt, secret, algorithm).digest()
    return hmac.new(key, info + b"\1", algorithm).digest()[:32]


def x25519(secret, point):
    """RFC 7748 §5"""
    p = 2**255 - 19
    scalar = int.from_bytes(secret, "little") & ~7 & (2**254 - 1) | 2**254
    u = int.from_bytes(point, "little") % 2**255
    x2, z2, x3, z3 = 1, 0, u, 1
    for i in reversed(range(255)):
        bit = scalar >> i & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % p, c * b % p
        x3, z3 = (da + cb) ** 2 % p, u * (da - cb) ** 2 % p
        aa, bb = a * a % p, b * b % p
        x2, z2 = aa * bb % p, (aa - bb) * (aa + 121665 * (aa - bb)) % p
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, -1, p) % p).to_bytes(32, "little")


def chacha_block(key, counter, nonce):
    words = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    data = key + counter.to_bytes(4, "little") + nonce
    words += [int.from_bytes(data[i : i + 4], "little") for i in range(0, 48, 4)]
    state = words[:]

    def quarter(a, b, c, d):
        for first, second, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[first] = (state[first] + state[second]) % 2**32
            mixed = state[third] ^ state[first]
            state[third] = (mixed << turn | mixed >> (32 - turn)) % 2**32

    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return b"".join(((a + b) % 2**32).to_bytes(4, "little") for a, b in zip(state, words))


def chacha_open(key, nonce, associated, sealed):
    """ChaCha20-Poly1305, RFC 8439 §2.8; fails where the tag does not fit."""
    text, tag = sealed[:-16], sealed[-16:]
    one_time = chacha_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    padded = lambda part: part + bytes(-len(part) % 16)
    lengths = len(associated).to_bytes(8, "little") + len(text).to_bytes(8, "little")
    data = padded(associated) + padded(text) + lengths
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    expected = (total + int.from_bytes(one_time[16:32], "little")) % 2**128
    assert expected.to_bytes(16, "little") == tag, "the tag does not fit"
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range(len(text) // 64 + 1))
    return bytes(a ^ b for a, b in zip(text, stream))
