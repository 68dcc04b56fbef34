import { encodeHex, UsageError } from '@ckm/foundation';

/**
 * The one session or request that a command means which names none.
 * @param ids of those that go on
 * @returns its id in hex
 * @throws UsageError `SESSION_UNKNOWN`, `REQUEST_UNKNOWN` when nothing goes on; `SESSION_AMBIGUOUS`, `REQUEST_AMBIGUOUS`
 */
export function onlyOpen(noun: 'session' | 'request', ids: readonly Uint8Array[]): string {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return encodeHex(only);
  const all = `ckm ${noun}s list`;
  if (only === undefined) {
    throw new UsageError(`no ${noun} is open`, {
      code: noun === 'session' ? 'SESSION_UNKNOWN' : 'REQUEST_UNKNOWN',
      hint: `see what became of each with: ${all}`,
    });
  }
  throw new UsageError(`${ids.length} ${noun}s are open`, {
    code: noun === 'session' ? 'SESSION_AMBIGUOUS' : 'REQUEST_AMBIGUOUS',
    hint: `name one of them: ckm ${noun}s resume ID; their ids are listed by: ${all} --open`,
  });
}
