import type { RequestForm } from '../form.js';
import { buildGitRequest } from './build.js';
import { GIT_FIELDS } from './fields.js';

export const gitForm: RequestForm = {
  fields: GIT_FIELDS,
  takesAnyContent: false,
  mostContentBytes: 1_048_576,
  build: buildGitRequest,
};
