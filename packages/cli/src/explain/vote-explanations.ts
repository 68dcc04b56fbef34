import { groupOf } from './explanation.js';

/** Every code with which a vote of an approver is refused. */
export const VOTE_EXPLANATIONS = groupOf(
  'A vote is one signed statement about one matter: each server compares it with what it knows itself, so that no vote serves for anything it was not given for.',
  'Look at what waits, and vote again on that.',
  {
    VOTE_INVALID: 'This is no vote, or of another version.',
    STATEMENT_INVALID: [
      'A statement about a key that somebody carries, such as a prepared freeze, is damaged or of another version.',
      'Bring it as it was made; where it was typed, compare it with the paper.',
    ],
    ALIVE_NOT_HEARD: [
      'A server of a key that has heirs did not answer to a sign of life: it counts on as if you were silent.',
      'Say it again when it answers: ckm alive. Each command that it answers says it, too.',
    ],
    ALIVE_TERMS_UNKNOWN: [
      'Fewer than n − t + 1 servers of a key have said which terms are in force. Heirs whom another device has put into them may be missed, and a server that counts for them hears nothing.',
      'Give the sign of life again when more of the servers answer: ckm alive.',
    ],
    KEY_WITHOUT_HEIRS: [
      'The terms of the key let nobody do anything after a silence, so that nobody waits for a sign of life.',
      'Name heirs in its terms, if anybody shall have it after you.',
    ],
    FREEZE_PAPER_INVALID: [
      'What was brought is no freeze that was kept on paper, or a part of it is missing.',
      'Bring the whole line that begins with ur:envelope/, as it was printed or as its QR code says.',
    ],
    STATEMENT_FOREIGN: [
      'There is no such key there, or nobody whom its terms name, and no device on its list, has signed the statement. Servers say the same of both.',
      'Bring it to a server of the key; of a device that was removed since, nothing counts any more.',
    ],
    MATTER_UNKNOWN: [
      'The server asks you about no such matter: it was answered, taken back or has expired, or your name is not in the terms of its key.',
      'List what waits for you. What servers say to a name that they do not know is the same.',
    ],
    VOTE_FOR_OTHER_SERVERS: 'The vote names the servers that it is meant for, and this is none of them.',
    VOTE_FOR_OTHER_KEY: 'The vote is about another key.',
    VOTE_UNDER_OTHER_TERMS: [
      'The terms of the key are others than when the vote was given: they say who counts, and how many are needed.',
      'Look at the terms that are in force, and vote again.',
    ],
    VOTE_IN_OTHER_MATTER: 'The vote is about another request, change or case than the one it came with.',
    VOTE_FOR_OTHER_REQUESTER: 'The vote says yes or no to somebody else than who asks here.',
    VOTE_ON_OTHER_CONTENT: [
      'What the approver was shown is not what this server was asked to do. Somebody shows something false: the client that asks, or a server.',
      'Say yes to nothing. Compare what each of the servers shows with what the owner says himself.',
    ],
    VOTE_NOT_YET: [
      'The vote is dated later than the server’s clock shows.',
      'Compare the clocks (ckm doctor), and vote again.',
    ],
    VOTE_EXPIRED: 'The vote was given too long ago: one that counted for ever could be kept for later.',
    VOTE_LASTS_TOO_LONG:
      'The vote would count for longer than the matter itself is open, or than any vote of its kind does.',
    VOTE_NOT_BY_APPROVER: [
      'The terms of the key do not name who voted.',
      'Ask the owner of the key whom the terms name. Approvers are added by a change of them.',
    ],
    VOTE_BY_REQUESTER: [
      'Nobody says yes to what he asks for himself, and nobody whom a change takes away votes on it.',
      'Have another approver vote.',
    ],
    VOTE_SUPERSEDED: [
      'The same approver has said something else since, under a higher number: that holds.',
      'Look at what you said last, and vote again.',
    ],
    VOTES_FINAL: [
      'The server has given its part by what was said before: that cannot be taken back there.',
      'Say it to the other servers: without enough of them nothing comes of it.',
    ],
    ORDER_INVALID: [
      'What a server shows is not the order about other servers that a vote would name.',
      'Say yes to nothing. Compare what each of the servers shows with what the owner says himself.',
    ],
    EXPORT_ASKED_INVALID: [
      'What a server shows is not the export of the key that a vote would name.',
      'Say yes to nothing. Compare what each of the servers shows with what the owner says himself.',
    ],
    SETTLE_ASKED_INVALID: [
      'What a server shows is not the settlement that a vote would name.',
      'Say yes to nothing. Compare what each of the servers shows with what the owner says himself.',
    ],
    THAW_ASKED_INVALID: [
      'What a server shows is not the end of a freeze that a vote would name.',
      'Say yes to nothing. Compare what each of the servers shows with what the owner says himself.',
    ],
    PAYLOAD_TOO_LONG_TO_ASK: [
      'What people are asked about has to fit into one message with all that it takes to judge it.',
      'Split it into smaller requests.',
    ],
    REQUESTER_MISSING: [
      'By the terms of the key people are asked, in the name of whoever asks: votes are for him alone, and he has none himself. The client did not say who that is.',
      'Bring the client up to date, and ask again.',
    ],
    REQUESTER_NOT_PROVEN: [
      'Neither the owner whom the terms of the key name nor a device on his list for it has signed the request.',
      'Run ckm device list with the words, or on a device that may manage: that puts the devices of the account on the list of the key. Then ask again. Whoever came back without the words: ckm terms propose KEY --own.',
    ],
    REQUESTER_OTHER: [
      'People were asked in the name of another device, and what they said is good for that one alone.',
      'Go on from the device that asked, or ask anew from this one.',
    ],
    VOTE_NOT_PROVEN: [
      'The vote is not signed with a key that the terms certify for this approver, or was changed on the way.',
      'Vote again with the device or the passkey that the terms name.',
    ],
  },
);
