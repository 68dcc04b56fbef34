import type { RequestField } from '../form.js';

export const SSH_FIELDS: readonly RequestField[] = [
  {
    name: 'ssh-namespace',
    takes: 'text',
    placeholder: 'name',
    what: 'the file, as ssh-keygen -Y sign would, in this namespace',
    role: 'kind',
  },
];
