import type { RequestForm } from '../form.js';
import { buildMessageRequest } from './build.js';
import { MESSAGE_FIELDS } from './fields.js';

const DEFAULT_DOMAIN = 'ckm';

export const messageForm: RequestForm = {
  fields: MESSAGE_FIELDS,
  takesAnyContent: true,
  mostContentBytes: 1_048_576,
  build: (bytes, values) => {
    const domain = values.has('raw') ? '' : (values.get('domain') ?? DEFAULT_DOMAIN);
    return buildMessageRequest({ domain, bytes });
  },
};
