import { CkmError } from '@ckm/foundation';
import type { PlannedKill, ServerProcess } from './server-process.js';

/** A death at one step, of a server on one of the two engines. */
export interface Kill extends PlannedKill {
  readonly isOnPostgres: boolean;
}

/**
 * Deaths at each step, before and behind it, one of the two on either engine; which of them, by turns. Of those that follow one another one is on
 * PostgreSQL and the next on SQLite.
 * @param steps by name, in order
 */
export function killsAt(steps: readonly string[]): Kill[] {
  return steps.flatMap((step, at) => {
    const nth = steps.slice(0, at + 1).filter((one) => one === step).length;
    const whens = at % 2 === 0 ? (['before', 'after'] as const) : (['after', 'before'] as const);
    return whens.map((when, i) => ({ when, step, nth, isOnPostgres: i === 0 }));
  });
}

/** Who is to die, and when. */
export interface Deadly {
  readonly victim: ServerProcess;
  readonly kill: PlannedKill;
}

/** What an owner's command came to. */
export interface Survived<T> {
  readonly value: T;
  /** Whether the server died of it. */
  readonly died: boolean;
  /** The steps that it has taken, where it did not. */
  readonly passed: readonly string[];
  /** How often the command was given. */
  readonly tries: number;
}

export interface SurviveOptions<T> {
  readonly isThrough?: (value: T) => boolean;
  /** What must hold whatever the death has left, once the server runs again and before the command is given again. */
  readonly meanwhile?: () => Promise<void>;
  /** What people do between two commands; the server may die of that too. */
  readonly beforeAgain?: () => Promise<void>;
}

const MOST_TRIES = 8;

/**
 * Has a server kill itself (SIGKILL) at one of its steps while a command runs, starts it again, and repeats the command until it is through.
 * @param deadly undefined: nobody dies
 * @throws when it never is, or what fails is not said in words
 */
export async function survive<T>(
  deadly: Deadly | undefined,
  command: () => Promise<T>,
  {
    isThrough = () => true,
    meanwhile = async () => undefined,
    beforeAgain = async () => undefined,
  }: SurviveOptions<T> = {},
): Promise<Survived<T>> {
  await deadly?.victim.plan(deadly.kill);
  const said: string[] = [];
  let died = false;
  /** Undefined: it failed, in words; a server that died of it runs again. */
  const attempt = async <R>(work: () => Promise<R>): Promise<R | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      said.push(`${error.code} (${error.message})`);
      return undefined;
    } finally {
      if (deadly !== undefined && !died && (await hasKilledItself(deadly.victim))) {
        died = true;
        await deadly.victim.start();
      }
    }
  };
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const value = await attempt(command);
    if (value !== undefined && isThrough(value)) {
      // It would die of whatever it is asked next.
      const passed = deadly === undefined || died ? [] : await deadly.victim.plan(null);
      return { value, died, passed, tries };
    }
    if (died) await meanwhile();
    await attempt(beforeAgain);
  }
  throw new Error(`never through, ${wordsOf(deadly)}: ${said.join('; ')}`);
}

/** What is tried once more where a step was not reached: what else goes on may take it to another place, seldom. */
const MOST_LIVES = 3;

/** Has somebody die at a step of what is done, whatever it takes to get there. @throws when it is not reached */
export async function dieAt(
  kill: PlannedKill,
  once: () => Promise<Pick<Survived<unknown>, 'died' | 'passed'>>,
): Promise<void> {
  let passed: readonly string[] = [];
  for (let lives = 0; lives < MOST_LIVES; lives++) {
    const done = await once();
    if (done.died) return;
    ({ passed } = done);
  }
  throw new Error(`nobody died ${kill.when} ${kill.step} (${kill.nth}), there were: ${passed.join(', ')}`);
}

function wordsOf(deadly: Deadly | undefined): string {
  if (deadly === undefined) return 'nobody killed';
  const { victim, kill } = deadly;
  return `${victim.name} killed ${kill.when} ${kill.step} (${kill.nth})`;
}

/** What it said last has been heard then. @throws when it died of something else */
async function hasKilledItself(server: ServerProcess): Promise<boolean> {
  try {
    await fetch(`${server.url()}/healthz`);
    return false;
  } catch {
    const signal = await server.gone();
    if (signal === 'SIGKILL') return true;
    throw new Error(`${server.name} is gone and has not killed itself: ${server.output().slice(-2_000)}`);
  }
}
