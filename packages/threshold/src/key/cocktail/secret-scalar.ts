import type { Group, SecretScalar } from '../../group/group.js';
import { uint32be } from '../../protocol/layout.js';

/** A secret scalar, never zero, out of a hash that gives 64 bytes for each counter. */
export function deriveSecretScalar(
  group: Group,
  hashWith: (counter: Uint8Array) => Uint8Array,
): SecretScalar {
  for (let counter = 0; ; counter++) {
    const wide = hashWith(uint32be(counter));
    const scalar = group.scalars.reduceSecret(wide);
    wide.fill(0);
    if (!group.scalars.isZero(scalar)) return scalar;
  }
}
