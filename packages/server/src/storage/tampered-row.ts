import { CkmError } from '@ckm/foundation';

/**
 * Does to one row what is done to many: one that is not what this server stored is reported, and stops none of the others.
 * @param report where the code goes
 */
export async function passIfTampered(
  report: (failure: { readonly code: string }) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    report({ code: error.code });
  }
}
