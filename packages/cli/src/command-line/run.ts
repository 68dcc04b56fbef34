import { Command } from 'commander';
import { type Context, createContext } from './context.js';
import { describeEndings, type Endings } from './exit-statuses.js';
import { addGlobalFlags, type GlobalFlags } from './globals.js';
import { refuseEmptyArguments } from './unclear-words.js';

/** A command's work: what it was given, in the order of its arguments, then its own flags. */
type Work<A extends readonly unknown[]> = (context: Context, ...given: A) => Promise<void>;

/**
 * A command that does something, with the flags that all such commands take.
 * @param endings exit statuses that say something of its own, for its help
 */
export function leaf(name: string, summary: string, endings: Endings = {}): Command {
  return describeEndings(addGlobalFlags(new Command(name).description(summary)), endings);
}

/** Turns a command's work into what the parser calls: with a context, which is closed afterwards. */
export function run<A extends readonly unknown[]>(work: Work<A>): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    refuseEmptyArguments(command);
    const context = createContext(command.opts<GlobalFlags>(), process.env);
    try {
      await work(context, ...(given.slice(0, -1) as unknown as A));
    } finally {
      await context.end();
    }
  };
}
