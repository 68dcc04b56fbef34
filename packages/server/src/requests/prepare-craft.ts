import { encodeHex } from '@ckm/foundation';
import type { Parameters, Result } from '@ckm/api';
import { craftNamed } from '../crafts/craft.js';
import type { Call } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { RequestMeans } from './means.js';
import { assertAnswers } from './stop-key.js';
import { assertEpoch } from '../sessions/keys/active-keys.js';
import { whenHeadKnown } from '../sessions/keys/head-memory.js';

/**
 * Answers `craft.prepare`: what a client keeps for its next attempt.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_EPOCH_DIFFERS`; PolicyError `POLICY_KEY_STOPPED`,
 * `POLICY_KEY_FROZEN`
 */
export async function prepareCraft(
  { context, keys, crafts, pace }: RequestMeans,
  call: Call,
  { keyId, epoch, wanted }: Parameters<'craft.prepare'>,
): Promise<Result<'craft.prepare'>> {
  const owner = call.account.xid;
  const key = await whenHeadKnown(context, { owner, keyId }, () =>
    repeatWhenRaced(() => context.storage.read((reader) => keys.find(reader, owner, keyId))),
  );
  assertEpoch(key, { epoch });
  assertAnswers(key, context.clock());
  return {
    prepared: await craftNamed(crafts, wanted.craft).prepare(key, wanted, 0, pace.of(encodeHex(key.owner))),
  };
}
