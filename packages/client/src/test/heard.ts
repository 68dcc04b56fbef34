import { CkmError } from '@ckm/foundation';

/** What came of something an owner tried: it is done, or this was said instead. */
export type Heard<T> =
  | { readonly done: T; readonly code: null; readonly text: '' }
  | { readonly done: null; readonly code: string; readonly text: string };

/** @throws what is a defect of ours */
export async function heard<T>(work: Promise<T>): Promise<Heard<T>> {
  try {
    return { done: await work, code: null, text: '' };
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return { done: null, code: error.code, text: error.message };
  }
}

/** The code alone; null: it is done. */
export async function codeOf(work: Promise<unknown>): Promise<string | null> {
  return (await heard(work)).code;
}
