import { encodeHex } from '@ckm/foundation';
import type { KeyContext, PublicForm } from './kind.js';

/** A public key as it is. */
export function hexForm({ public: { groupKey } }: KeyContext): PublicForm {
  const value = encodeHex(groupKey);
  return { form: 'hex', value, rows: [{ label: 'Public key', value }] };
}
