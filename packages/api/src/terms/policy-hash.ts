import { encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import type { KeyPolicy } from './policy.js';

/** 32 bytes that stand for a policy inside a key's certified parameters. */
export function policyHash(policy: KeyPolicy): Uint8Array {
  return taggedHash('CKM/policy/v1', encodeData(policy));
}
