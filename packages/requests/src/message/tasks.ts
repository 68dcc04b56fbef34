import { NO_TWEAK } from '@ckm/threshold';
import type { SigningTask } from '../kind.js';
import { messageToSign } from './domain.js';
import type { MessageRequest } from './parse.js';

/** One signature of the untweaked key. */
export function messageTasks(typed: MessageRequest): readonly SigningTask[] {
  return [{ message: messageToSign(typed), tweak: NO_TWEAK }];
}
