import type { RequestField } from '../form.js';

export const MESSAGE_FIELDS: readonly RequestField[] = [
  {
    name: 'message',
    takes: 'text',
    placeholder: 'text',
    what: 'a message given here',
    role: 'content',
  },
  {
    name: 'domain',
    takes: 'text',
    placeholder: 'name',
    what: 'which application the message is for (default: ckm)',
    role: 'detail',
  },
  {
    name: 'raw',
    takes: 'nothing',
    what: 'sign exactly the bytes of the message, without a domain',
    role: 'detail',
    excludes: 'domain',
  },
];
