import type { People } from '../context.js';
import { nameOf, type VotesContext } from './matter.js';
import { askPeople, endMatter, holdMatter, saidOf, settleMatter } from './matters.js';

/** The people whom terms of keys name, by what they have said here. */
export function createPeople(context: Omit<VotesContext, 'audit' | 'storage'>): People {
  return {
    said: (reader, matter) => saidOf(context, reader, matter),
    holdSaid: async (transaction, matter) => {
      await holdMatter(context, transaction, nameOf(matter));
      return saidOf(context, transaction, matter);
    },
    ask: async (transaction, asked) => {
      await askPeople(context, transaction, asked, await holdMatter(context, transaction, nameOf(asked)));
    },
    end: (transaction, matter) => endMatter(transaction, nameOf(matter)),
    rest: async (transaction, matter, released) => {
      const held = await holdMatter(context, transaction, nameOf(matter));
      if (held !== null) await settleMatter(context, transaction, held, released);
    },
  };
}
