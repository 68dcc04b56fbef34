import { requestKind, frostTasks } from '@ckm/requests';
import { createQuorumSigner } from '@ckm/testkit';
import type { PublicKeyPackage } from '@ckm/threshold';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { BareCaller } from './bare-server.js';
import { type MadeKey, messageOf, SOON } from './bare-servers.js';

/**
 * Has a message signed in an epoch of an Ed25519 key, and verified under the key as it was first made by a program that knows
 * nothing of shares. @throws when it does not hold
 */
export async function signIn(
  callers: readonly BareCaller[],
  { keyId, key: first }: Pick<MadeKey, 'keyId' | 'key'>,
  key: PublicKeyPackage,
  {
    epoch,
    signers,
    expiresAt = SOON,
  }: { readonly epoch: number; readonly signers: readonly number[]; readonly expiresAt?: number },
): Promise<void> {
  const signer = createQuorumSigner({ servers: callers, keyId, key, purpose: 'message', expiresAt, epoch });
  const asked = messageOf(`in epoch ${epoch}`);
  const signature = await signer.sign(asked, signers);
  const context = { suite: key.suite, purpose: 'message', public: key };
  const [task] = frostTasks(requestKind(asked.kind).parse(asked.payload).tasks(context));
  if (!ed25519.verify(signature, task!.message, first.groupKey))
    throw new Error('the signature does not hold');
}
