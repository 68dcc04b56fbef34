import { CkmError } from '@ckm/foundation';

/** Somebody else was faster with a row: it is looked at the next time. */
export async function unlessRaced(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_CHANGED') throw error;
  }
}
