import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { groupNamed } from '../../group/index.js';
import type { Element } from '../../group/group.js';
import { taggedHash, taggedHash64 } from '../../hash/index.js';

/** Apart from RFC 9497's own, so that a key of one mode would not answer for the other. */
const INPUT_TAG = 'CKM-DPRF-V1-ristretto255_XMD:SHA-512_R255MAP_RO_';

/**
 * The point that stands for a label of a key, the same for ever: nothing of an epoch or of a server goes into it. Public.
 * @param keyId 32 bytes
 * @param label canonical bytes; two labels never have the same
 * Source: Naor, Pinkas and Reingold 1999 §3.1; hash to group as RFC 9497 §4.1 and RFC 9380 §5.3.1
 */
export function pointOfLabel(keyId: Uint8Array, label: Uint8Array): Element {
  const input = taggedHash64('CKM/derive/input/v1', keyId, label);
  const wide = expand_message_xmd(input, encodeUtf8(INPUT_TAG), 64, sha512);
  return groupNamed('ristretto255').fromUniform(wide);
}

/**
 * The derived secret: 32 bytes, the same for the same key and label whichever servers answered, before and after any change
 * of them. The caller wipes it.
 * @param result k·P of {@link pointOfLabel}
 * Source: RFC 5869 with SHA-512
 */
export function derivedSecret(keyId: Uint8Array, label: Uint8Array, result: Element): Uint8Array {
  const shared = groupNamed('ristretto255').encode(result);
  const salt = taggedHash('CKM/derive/salt/v1', keyId);
  const derived = hkdf(sha512, shared, salt, concatBytes(encodeUtf8('CKM-DPRF/v1'), label), 32);
  shared.fill(0);
  return derived;
}
