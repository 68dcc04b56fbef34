import { groupOf } from './explanation.js';

/** Every code of invitations of approvers, of their answers, and of what they say. */
export const APPROVER_EXPLANATIONS = groupOf(
  'An approver is named in the terms of a key by a key of his own for it: whoever gets another one in there says yes in his place.',
  'Have the file written anew, and compare the six words by voice.',
  {
    APPROVER_INVITATION_INVALID: [
      'This is no invitation of an approver, or a damaged one.',
      'Bring the whole file that the owner of the key wrote with: ckm approver invite.',
    ],
    APPROVER_ANSWER_INVALID: [
      'This is no answer to an invitation, or a damaged one, or it is not signed with the key that it names.',
      'Bring the whole file that the approver wrote with: ckm approver join.',
    ],
    APPROVER_ANSWER_OTHER: [
      'The answer is to another invitation, or about another key.',
      'Give the approver your invitation, and bring what is answered to that one.',
    ],
    APPROVER_FILE_CORRUPT: [
      'The file `approver` of this folder, which holds the secret of an approver, is damaged or is something else.',
      'Bring it back from a copy of yours. Without one, make another approver in another folder, and have the owners of your keys invite that one.',
    ],
    APPROVER_LIKENESS_MISMATCH:
      'The six words of this answer are others than those that were named: a file was exchanged on its way, or a word was misheard.',
  },
);
