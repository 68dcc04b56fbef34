import type { Compilable, CompiledQuery } from 'kysely';
import type { Queries } from '../database.js';
import type { Executed, Reading } from './reading.js';

interface Compiled {
  readonly query: CompiledQuery;
  /** For each parameter of the text: the argument that goes there, or a constant. */
  readonly places: readonly ({ readonly argument: number } | { readonly constant: unknown })[];
}

/** Stands for the argument of this number while a statement is built. */
class Placeholder {
  readonly argument: number;

  constructor(argument: number) {
    this.argument = argument;
  }
}

/**
 * A statement that is built once for each database and from then on only given its values: building its text anew costs
 * more than running it. `build` must put its arguments nowhere but where values go.
 * @param count how many values it takes, when its own parameter list does not say so.
 */
export function prepared<A extends readonly unknown[], R>(
  build: (queries: Queries, ...values: A) => Compilable<R>,
  count = build.length - 1,
): (reading: Reading, ...values: A) => Promise<Executed<R>> {
  const compiled = new Map<Reading['kind'], Compiled>();

  function compile({ kind, queries }: Reading): Compiled {
    const places = Array.from({ length: count }, (_, argument) => new Placeholder(argument));
    const query = build(queries, ...(places as unknown as A)).compile();
    const made = {
      query,
      places: query.parameters.map((value) => (value instanceof Placeholder ? value : { constant: value })),
    };
    compiled.set(kind, made);
    return made;
  }

  return async (reading, ...values) => {
    const { query, places } = compiled.get(reading.kind) ?? compile(reading);
    const parameters = places.map((place) => ('argument' in place ? values[place.argument] : place.constant));
    return reading.execute<R>(query, parameters);
  };
}
