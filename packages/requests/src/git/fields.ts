import type { RequestField } from '../form.js';

export const GIT_FIELDS: readonly RequestField[] = [
  {
    name: 'git',
    takes: 'file',
    placeholder: 'file',
    what: 'a commit, tag or push certificate, as git hands it to a signing program',
    role: 'content',
  },
];
