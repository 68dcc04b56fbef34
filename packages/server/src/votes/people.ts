import type { People, ServerContext } from '../context.js';
import { saidOf } from './matters.js';

/** The people whom terms of keys name, by what they have said here. */
export function createPeople(
  context: Pick<ServerContext, 'clock' | 'config' | 'identity' | 'vault'>,
): People {
  return { said: (reader, matter) => saidOf(context, reader, matter) };
}
