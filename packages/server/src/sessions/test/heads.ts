import type { Result } from '@ckm/api';
import type { Callee } from '@ckm/testkit';

/**
 * Brings to the first server, which asks how far a key is, what those in these slots say.
 * @throws what the first server says of it
 */
export async function tellHeads(
  callers: readonly Pick<Callee, 'call'>[],
  keyId: Uint8Array,
  slots: readonly number[],
): Promise<Result<'key.heads'>> {
  const [first] = callers;
  const { asks } = await first!.call('key.head', { keyId, nonce: new Uint8Array(32) });
  const heads = [];
  for (const slot of slots) {
    const { head, signature } = await callers[slot - 1]!.call('key.head', { keyId, nonce: asks! });
    heads.push({ slot, head, signature });
  }
  return first!.call('key.heads', { keyId, heads });
}
