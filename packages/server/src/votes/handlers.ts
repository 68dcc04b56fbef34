import { parseVote } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ApprovalHandlers } from '../context.js';
import { matterUnknown } from './codes.js';

/** What approvers may ask and say. This server asks nobody yet: everybody is answered as somebody whom no matter waits for. */
export function voteHandlers(): ApprovalHandlers {
  return {
    'approval.list': async () => ({ matters: [], next: null }),
    'approval.show': async () => {
      throw matterUnknown();
    },
    'approval.give': async (_, { votes }) => ({
      refused: votes.map((bytes, at) => ({ at, code: faultOf(bytes) })),
    }),
  };
}

function faultOf(bytes: Uint8Array): string {
  try {
    parseVote(bytes);
    return matterUnknown().code;
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}
