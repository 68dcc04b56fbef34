import { CkmError } from '@ckm/foundation';

/** The code of the error that `work` throws; what it returns otherwise. */
export function outcomeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}
