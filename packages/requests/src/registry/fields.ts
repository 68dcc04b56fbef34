import { BITCOIN_FIELDS } from '../bitcoin/fields.js';
import type { RequestField } from '../form.js';
import { GIT_FIELDS } from '../git/fields.js';
import { MESSAGE_FIELDS } from '../message/fields.js';
import { SSH_FIELDS } from '../ssh/fields.js';

/**
 * The fields of every kind, by kind. They stand apart from the kinds, so that a command can show its options before the
 * code of any kind is loaded.
 */
export const REQUEST_FIELDS: Readonly<Record<string, readonly RequestField[]>> = {
  message: MESSAGE_FIELDS,
  bitcoin: BITCOIN_FIELDS,
  ssh: SSH_FIELDS,
  git: GIT_FIELDS,
  derive: [],
};
