import { statementForeign } from '@ckm/api';

/**
 * Has every key of one id take what somebody has signed: another account may have made one of the same id, whose terms know the same signer. What one of them
 * refuses is the answer only after all others have taken it.
 * @param takeOne null: nobody whom the terms of this one know has signed it
 * @throws AccessError `STATEMENT_FOREIGN`: of none has he; whatever `takeOne` throws
 */
export async function takenByEvery<T>(
  owners: readonly Uint8Array[],
  takeOne: (owner: Uint8Array) => Promise<T | null>,
): Promise<readonly T[]> {
  const taken: T[] = [];
  const refused: unknown[] = [];
  for (const owner of owners) {
    try {
      const one = await takeOne(owner);
      if (one !== null) taken.push(one);
    } catch (error) {
      refused.push(error);
    }
  }
  if (refused.length > 0) throw refused[0];
  if (taken.length === 0) throw statementForeign();
  return taken;
}
