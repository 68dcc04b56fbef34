import { EncodingError } from '@ckm/foundation';
import { groupNamed } from '../../group/index.js';
import type { Element } from '../../group/group.js';
import { createScalarField } from '../../group/scalar-field.js';

/** Numbers modulo 2²⁵⁵ − 19, little-endian: coordinates of Curve25519 and Edwards25519, in constant time. */
const FIELD = createScalarField(2n ** 255n - 19n, true);

/**
 * The point of Edwards25519 that a u-coordinate of X25519 stands for, with an even x: of P and −P either gives the same u in the
 * end. Public: an ephemeral key out of a file.
 *
 * RFC 7748 takes any 32 bytes. A share must not meet them all: what is refused is a u-coordinate that is not canonical or has
 * its top bit set, one on the twist, and every point outside the prime-order group (0 and ±1 among them), which would tell the
 * share modulo 8 or give servers different results. No honest sender makes one: it multiplies the generator.
 * @throws EncodingError `POINT_REFUSED`, one message for all of it
 * Source: RFC 7748 §4.1 (y = (u − 1)/(u + 1)), §5
 */
export function decodeX25519(u: Uint8Array): Element {
  try {
    const coordinate = FIELD.parse(u);
    const numerator = FIELD.subtract(coordinate, FIELD.one);
    // Zero for u = −1, which has no inverse: refused with the rest.
    const y = FIELD.multiply(numerator, FIELD.invert(FIELD.add(coordinate, FIELD.one)));
    return groupNamed('ed25519').decode(y);
  } catch {
    throw new EncodingError('these 32 bytes are not the X25519 key of an honest sender', {
      code: 'POINT_REFUSED',
      hint: 'have it sealed again by its sender: no working program makes such a key',
    });
  }
}

/**
 * The u-coordinate of a point: the public key of X25519 for a key's public point, the shared secret for a result. Constant-time;
 * the caller wipes what is secret.
 * @throws UsageError `ELEMENT_IDENTITY`
 * Source: RFC 7748 §4.1 (u = (1 + y)/(1 − y))
 */
export function encodeX25519(point: Element): Uint8Array {
  const bytes = groupNamed('ed25519').encode(point);
  // The sign of x says nothing about u.
  bytes[31] = bytes[31]! & 0x7f;
  const y = FIELD.parseSecret(bytes);
  const below = FIELD.subtract(FIELD.one, y);
  const inverse = FIELD.invertSecret(below);
  const above = FIELD.add(FIELD.one, y);
  const u = FIELD.multiply(above, inverse);
  for (const each of [bytes, y, below, inverse, above]) each.fill(0);
  return u;
}
