import type { Proposal } from '@ckm/api';
import { EncodingError } from '@ckm/foundation';
import type { z } from 'zod';

/**
 * What somebody proposes, as the room of its protocol reads it.
 * @throws EncodingError `PARAMETERS_INVALID` naming the field
 */
export function readProposal<T>(form: z.ZodType<T>, proposal: Proposal): T {
  const parsed = form.safeParse(proposal);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
  throw new EncodingError(`session.propose: proposal.${field} is not of its form`, {
    code: 'PARAMETERS_INVALID',
    hint: 'compare the versions of client and server, and the field named',
  });
}
