import type { RequestForm } from '../form.js';
import { buildSshSigRequest } from './build.js';
import { SSH_FIELDS } from './fields.js';

/** What OpenSSH signs; log-ins come from an agent, which nobody fills in. */
export const sshForm: RequestForm = {
  fields: SSH_FIELDS,
  takesAnyContent: false,
  mostContentBytes: 1_048_576,
  build: (message, values) => buildSshSigRequest({ namespace: values.get('ssh-namespace') ?? '', message }),
};
