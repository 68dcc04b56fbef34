/** How many additions {@link doubleAndAdd} makes of a factor of 1 or more. */
export function additionsFor(factor: number): number {
  const bits = factor.toString(2);
  return bits.length - 1 + bits.replaceAll('0', '').length - 1;
}

/** factor·element for a factor of 1 or more, from its highest bit down. Variable-time, public data. */
export function doubleAndAdd<E>(element: E, factor: number, add: (a: E, b: E) => E): E {
  let multiple = element;
  for (let bit = 30 - Math.clz32(factor); bit >= 0; bit--) {
    multiple = add(multiple, multiple);
    if ((factor >>> bit) & 1) multiple = add(multiple, element);
  }
  return multiple;
}
