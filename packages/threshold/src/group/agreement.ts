import { type Arithmetic, readerOf, type SecretMultiplier } from './arithmetic.js';
import { elementIdentity } from './element-errors.js';
import type { Agreement, Element, SecretScalar } from './group.js';

/** One secret scalar at work: see {@link Agreement}. @throws UsageError `ELEMENT_IDENTITY` for a scalar that is zero */
export function startAgreement<E extends Element>(
  arithmetic: Arithmetic<E>,
  scalar: SecretScalar,
): Agreement {
  const { name, scalars } = arithmetic;
  if (scalars.isZero(scalar)) throw elementIdentity(name);
  const read = readerOf(arithmetic);
  const multiplier = arithmetic.agree?.(scalar) ?? oneByOne(arithmetic, scalar);
  const points: Uint8Array[] = [];
  const keep = (point: Uint8Array): Uint8Array => {
    points.push(point);
    return point;
  };
  return {
    pointWith: (encoded) => keep(read([encoded], () => multiplier.multiply(encoded))),
    pointWithOwn(other) {
      const product = scalars.multiply(scalar, other);
      if (scalars.isZero(product)) throw elementIdentity(name);
      const point = encodeAndWipe(arithmetic, arithmetic.multiplyBase(product));
      product.fill(0);
      return keep(point);
    },
    end() {
      for (const point of points) point.fill(0);
      multiplier.end();
    },
  };
}

function oneByOne<E extends Element>(arithmetic: Arithmetic<E>, scalar: SecretScalar): SecretMultiplier {
  return {
    multiply(encoded) {
      const element = arithmetic.decode(encoded);
      return element && encodeAndWipe(arithmetic, arithmetic.multiplySecret(element, scalar));
    },
    end: () => undefined,
  };
}

function encodeAndWipe<E extends Element>(arithmetic: Arithmetic<E>, element: E): Uint8Array {
  const encoded = arithmetic.encode(element);
  arithmetic.wipeElement?.(element);
  return encoded;
}
