import { NO_TWEAK } from '@ckm/threshold';
import type { KeyContext } from '../kind.js';
import { type FrostTask, frostTask } from '../task.js';
import { assertKeyNamed } from './describe.js';
import type { SshRequest } from './parse.js';
import { sshsigToSign } from './sshsig.js';

/** @throws EncodingError `SSH_KEY_NOT_OURS` */
export function sshTasks(typed: SshRequest, key: KeyContext): readonly FrostTask[] {
  assertKeyNamed(typed, key);
  return [frostTask(typed.type === 'login' ? typed.challenge : sshsigToSign(typed), NO_TWEAK)];
}
