import { groupOf } from './explanation.js';

/** Every code of invitations of approvers, of their answers, and of what they say. */
export const APPROVER_EXPLANATIONS = groupOf(
  'An approver is named in the terms of a key by a key of his own for it: whoever gets another one in there says yes in his place.',
  'Have the file written anew, and compare the six words by voice.',
  {
    VOTES_TOO_MANY: [
      'More votes were named than go with one request.',
      'Bring some of them, and then the others.',
    ],
    VOTES_OF_ANOTHER: [
      'A vote in these files is about another request than the one that goes on.',
      'Name that request by its id, or the right file.',
    ],
    APPROVAL_UNKNOWN: [
      'Nothing that waits for this approver has that id, at any server that answers.',
      'List what waits: ckm approver list. It may have been answered, taken back or have expired.',
    ],
    APPROVAL_AMBIGUOUS: [
      'More than one thing that waits begins with these digits.',
      'Name more of its digits; where whole ids are the same, put before them what it is, as in request: or terms:.',
    ],
    APPROVAL_DIFFERS: [
      'The servers of the key show different things under one id: one of them, or who asks, shows something false.',
      'Ask the owner what was asked for, and tell the operators of the servers. A no goes to all of them. To what most of them show you may say yes where you name who is left out: ckm approver approve ID --without SERVER.',
    ],
    APPROVAL_FALSE: [
      'What is shown contradicts itself: it is not what its own id or its own hashes name. Of one server it is left out, and named; here every server that asks shows it.',
      'Say no, or bring this program up to date and look again. If it stays so, tell the owner and the operators.',
    ],
    APPROVAL_SHOWN_BY_TOO_FEW: [
      'Without the servers that were left out too few show one and the same thing: those that do could all be sold.',
      'Leave out fewer, or wait for servers that do not answer. A no goes to all of them, and leaves nobody out.',
    ],
    APPROVAL_UNREADABLE: [
      'What is asked for cannot be read here, so that a yes would be to something that nobody has seen.',
      'Say no, or bring this program up to date and look again.',
    ],
    APPROVAL_NOT_YOURS: [
      'The terms of the key do not name this approver.',
      'Ask the owner whether your answer was taken in, and whether the terms with you in them are in force.',
    ],
    APPROVAL_NOT_GIVEN: [
      'This approver has said nothing about that, as far as is on record here.',
      'See what you have said: ckm approver list.',
    ],
    APPROVER_NAMED_OTHERWISE: [
      'This approver was invited to the same key before, under another name.',
      'Have the owner invite you under the name from before. Another person needs an approver of his own: ckm approver init in another folder.',
    ],
    APPROVER_NAME_INVALID: [
      'This is no name that the terms of a key can have for a person.',
      'Use 1 to 32 small letters, digits or hyphens, a letter first, and no word that sentences use, such as owner or nobody.',
    ],
    APPROVER_NOT_INVITED: [
      'The answer is about a key to which nobody was invited from this folder, or not under that name.',
      'Take it in where the invitation was written; or invite that person here, and bring what is answered to that.',
    ],
    APPROVER_SERVERS_FIXED: ['The key is there, and has its servers.', 'Leave --servers out.'],
    APPROVER_SERVERS_MISSING: [
      'The key is yet to be made, and an approver has to be told which servers will ask him.',
      'Name them, in the order in which the key will have them: --servers alpha,bravo,charlie.',
    ],
    APPROVER_TWICE: [
      'The answer has the key of somebody else who has answered for this key.',
      'Have each person answer from an approver of his own: one person does not approve under two names.',
    ],
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
    APPROVAL_NOT_EVERYWHERE: [
      'What was said is on record here, and a server of the key did not answer, or counts it as nothing.',
      'Run the same command again when that server answers: it brings the same statement. Or give it to the owner on paper, with --out FILE.',
    ],
    APPROVER_EXISTS: [
      'This folder has the secret of an approver already; nothing of it is written over.',
      'Keep using it, or name another folder with --home for another person.',
    ],
    APPROVER_NOT_HERE: [
      'This folder has no secret of an approver.',
      'Make one with: ckm approver init. Or name the folder where yours is with --home.',
    ],
    APPROVER_FILE_CORRUPT: [
      'The file `approver` of this folder, which holds the secret of an approver, is damaged or is something else.',
      'Bring it back from a copy of yours. Without one, make another approver in another folder, and have the owners of your keys invite that one.',
    ],
    APPROVER_LIKENESS_MISMATCH:
      'The six words of this answer are others than those that were named: a file was exchanged on its way, or a word was misheard.',
  },
);
