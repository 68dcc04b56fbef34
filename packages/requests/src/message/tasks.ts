import { NO_TWEAK } from '@ckm/threshold';
import { frostTask, type Task } from '../task.js';
import { messageToSign } from './domain.js';
import type { MessageRequest } from './parse.js';

/** One signature of the untweaked key. */
export function messageTasks(typed: MessageRequest): readonly Task[] {
  return [frostTask(messageToSign(typed), NO_TWEAK)];
}
