import { setImmediate } from 'node:timers/promises';
import { encodeKeyParams, type KeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { Reader } from '../../storage/storage.js';
import { epochBefore, paramsIn } from '../changes/chain/check-chain.js';
import { findOwn, type KeyName, ledTo, notShown, SLICE } from '../changes/chain/shown-epochs.js';

/** An epoch that the certificates of a key lead through. */
export interface PassedEpoch {
  readonly parameters: Uint8Array;
  readonly transcriptHash: Uint8Array;
}

/**
 * The epochs that a chain leads through, by their numbers: its own, and where it begins behind epochs that were shown before, those.
 * Checks nothing.
 * @param newest transcript hash of the epoch that the last certificate makes
 * @throws StateError `CHAIN_NOT_SHOWN`, AccessError `KEY_UNKNOWN`
 */
export async function passedBy(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  name: KeyName,
  chain: readonly Uint8Array[],
  newest: Uint8Array,
): Promise<readonly PassedEpoch[]> {
  const before = epochBefore(chain[0]!);
  const earlier: PassedEpoch[] = [];
  if (before !== null) {
    const own = await findOwn(context, reader, name);
    for await (const { parameters, transcriptHash } of ledTo(context, reader, name, own, before)) {
      earlier.push({ parameters, transcriptHash });
      if (earlier.length % SLICE === 0) await setImmediate();
    }
    if (earlier.length !== before.epoch + 1) throw await notShown(reader, name, own);
  }
  const all = chain.map(paramsIn);
  return [...earlier.reverse(), ...all.map((params, i) => passed(params, all[i + 1]?.previous ?? newest))];
}

function passed(params: KeyParams, transcriptHash: Uint8Array): PassedEpoch {
  return { parameters: encodeKeyParams(params), transcriptHash };
}
