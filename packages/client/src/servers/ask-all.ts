import { CkmError } from '@ckm/foundation';
import type { ServerRecord } from './server-record.js';

/** One server of a key, with its place in it. */
export interface Participant {
  readonly slot: number;
  readonly server: ServerRecord;
}

/** What asking everybody came to. */
export interface Answers<T> {
  readonly answered: ReadonlyMap<Participant, T>;
  /** Did not answer, or not yet: to be asked again later. */
  readonly silent: ReadonlyMap<Participant, CkmError>;
}

/**
 * Asks several servers at the same time. One that cannot be reached does not stop the others; any other error does,
 * after all have settled.
 * @param each called as answers come in, with who has answered so far
 */
export async function askAll<T>(
  participants: readonly Participant[],
  ask: (participant: Participant) => Promise<T>,
  each: (have: readonly Participant[]) => void = () => undefined,
): Promise<Answers<T>> {
  const answered = new Map<Participant, T>();
  const silent = new Map<Participant, CkmError>();
  const failures: unknown[] = [];
  await Promise.all(
    participants.map(async (participant) => {
      try {
        answered.set(participant, await ask(participant));
        each([...answered.keys()]);
      } catch (error) {
        if (error instanceof CkmError && isSilence(error)) silent.set(participant, error);
        else failures.push(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return { answered, silent };
}

/** Whether an error means "ask again later" and nothing worse. */
export function isSilence(error: unknown): boolean {
  return error instanceof CkmError && error.errorClass === 'AvailabilityError';
}

export function namesOf(participants: Iterable<Participant>): string[] {
  return [...participants].map(({ server }) => server.name);
}
