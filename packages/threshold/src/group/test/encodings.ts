import { decodeHex } from '@ckm/foundation';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import type { GroupName } from '../group.js';

const hex = (...texts: readonly string[]): Uint8Array[] => texts.map(decodeHex);

/** V7: the eight points of small order, and each of the seven that are not the identity added to a good point. */
export const SMALL_ORDER: readonly Uint8Array[] = ED25519_TORSION_SUBGROUP.map(decodeHex);
export const MIXED_TORSION: readonly Uint8Array[] = ED25519_TORSION_SUBGROUP.slice(1).map((torsion) =>
  ed25519.Point.BASE.multiply(0x123456789abcdefn).add(ed25519.Point.fromHex(torsion)).toBytes(),
);

const ED25519_WRONG = [
  ...SMALL_ORDER,
  ...MIXED_TORSION,
  ...hex(
    // The identity and (0, −1) with the sign of a zero x flipped: second spellings.
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    // y = p, p + 1, p + 3 and 2^255 − 1: not reduced.
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    // y = 2: no x belongs to it.
    '0200000000000000000000000000000000000000000000000000000000000000',
  ),
];

/** Source: RFC 9496 appendix A.3, and the identity, which has an encoding but is no element for us. */
const RISTRETTO255_WRONG = hex(
  '0000000000000000000000000000000000000000000000000000000000000000',
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20',
  'c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
);

/** A good x under every prefix but 02 and 03, x ≥ p, an x off the curve, and the forms that are not compressed. */
function weierstrassWrong(x: string, y: string, prime: string, offCurve: string): Uint8Array[] {
  const zeros = '00'.repeat(32);
  return hex(
    ...['00', '01', '04', '05', '06', '07', 'ff'].map((prefix) => prefix + x),
    ...['04', '06', '07'].map((prefix) => prefix + x + y),
    ...['02', '03'].flatMap((prefix) => [prefix + prime, prefix + 'ff'.repeat(32), prefix + offCurve]),
    '00',
    '00'.repeat(33),
    '04' + zeros + zeros,
  );
}

/** V5, V6, V7: encodings that no backend may take, for each group. */
export const WRONG_ENCODINGS: Readonly<Record<GroupName, readonly Uint8Array[]>> = {
  ed25519: ED25519_WRONG,
  ristretto255: RISTRETTO255_WRONG,
  secp256k1: weierstrassWrong(
    '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f',
    '0000000000000000000000000000000000000000000000000000000000000005',
  ),
  'P-256': weierstrassWrong(
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296',
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff',
    '0000000000000000000000000000000000000000000000000000000000000001',
  ),
};
