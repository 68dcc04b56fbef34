import type { Result } from '@ckm/api';
import type { Callee } from '@ckm/testkit';

/**
 * Brings to a server that asks how far a key is what those in these slots say.
 * @param asking its slot
 * @throws what that server says of it
 */
export async function tellHeads(
  callers: readonly Pick<Callee, 'call'>[],
  keyId: Uint8Array,
  slots: readonly number[],
  asking = 1,
): Promise<Result<'key.heads'>> {
  const there = callers[asking - 1]!;
  const { asks } = await there.call('key.head', { keyId, nonce: new Uint8Array(32) });
  const heads = [];
  for (const slot of slots) {
    const { head, signature } = await callers[slot - 1]!.call('key.head', { keyId, nonce: asks! });
    heads.push({ slot, head, signature });
  }
  return there.call('key.heads', { keyId, heads });
}
