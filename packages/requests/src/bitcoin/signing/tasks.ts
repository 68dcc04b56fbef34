import type { KeyContext } from '../../kind.js';
import { frostTask, type Task } from '../../task.js';
import { assessOwnership, type OwnInput } from '../ownership/ownership.js';
import type { BitcoinRequest } from '../psbt/parse.js';

/** The inputs that still need a signature of the key, in order: one for each task. */
export function inputsToSign(typed: BitcoinRequest, key: KeyContext): readonly OwnInput[] {
  return assessOwnership(typed, key.public).inputs.filter(({ signed }) => !signed);
}

/** One signature for each of them, by the output key of its coin. @throws EncodingError */
export function bitcoinTasks(typed: BitcoinRequest, key: KeyContext): readonly Task[] {
  return inputsToSign(typed, key).map(({ digest, tweak }) => frostTask(digest, tweak));
}
