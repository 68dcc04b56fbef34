import { AccessError, EncodingError } from '@ckm/foundation';

/** Every code of an error about invitations of approvers and their answers. */
const APPROVER_CODES = [
  'APPROVER_ANSWER_INVALID',
  'APPROVER_ANSWER_OTHER',
  'APPROVER_INVITATION_INVALID',
  'APPROVER_LIKENESS_MISMATCH',
] as const;
export type ApproverCode = (typeof APPROVER_CODES)[number];

export function invitationInvalid(why: string): EncodingError {
  return new EncodingError(`this is no invitation of an approver: ${why}`, {
    code: 'APPROVER_INVITATION_INVALID' satisfies ApproverCode,
    hint: 'bring the whole file that the owner of the key wrote; if it is damaged, have it written anew',
  });
}

export function answerInvalid(why: string): EncodingError {
  return new EncodingError(`this is no answer of an approver: ${why}`, {
    code: 'APPROVER_ANSWER_INVALID' satisfies ApproverCode,
    hint: 'bring the whole file that the approver wrote; if it is damaged, have it written anew',
  });
}

export function answerOfAnother(why: string): AccessError {
  return new AccessError(`this answer is ${why}`, {
    code: 'APPROVER_ANSWER_OTHER' satisfies ApproverCode,
    hint: 'give the approver your invitation, and bring what is answered to that one',
  });
}

export function answerLikenessDiffers(): AccessError {
  return new AccessError('the six words of this answer are others than those that were named', {
    code: 'APPROVER_LIKENESS_MISMATCH' satisfies ApproverCode,
    hint: 'somebody may have exchanged a file on its way: have the approver read the words once more, and bring the answer again',
  });
}
