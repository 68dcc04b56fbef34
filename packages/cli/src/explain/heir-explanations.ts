import { groupOf } from './explanation.js';

/** Every code of keys whose owner is silent, and of whoever asks for them. */
export const HEIR_EXPLANATIONS = groupOf(
  'What the terms of a key let an heir do is granted by its servers alone, each by what it has counted and by the word of the others.',
  'Look how each server stands to it: ckm heir list.',
  {
    HEIR_UNKNOWN: [
      'There is no such key there, or its terms name nobody of this key for when its owner is silent. Servers say the same of both.',
      'Look which keys name you: ckm heir list. The terms of a key may have changed since you were invited.',
    ],
    HEIR_NOT_GRANTED: [
      'A server does not let you do that with the key: its owner was heard, its time has not passed, the word of another server is missing or older than a day, or its terms grant you something else.',
      'Ask again at all servers: ckm heir ask. It says what is missing.',
    ],
    HEIR_WAITS: [
      'A key was asked for, and as many servers as its use needs do not grant it yet.',
      'Ask again when the time has passed that each server names: ckm heir ask. Nothing is lost by asking often.',
    ],
    HEIR_KEY_UNKNOWN: [
      'Nobody has invited this approver for a key of that name.',
      'See what your keys are called: ckm heir list.',
    ],
    HEIR_KEY_AMBIGUOUS: [
      'This approver was invited for several keys of that name.',
      'Name it by the first eight digits of its id, as ckm heir list shows them.',
    ],
    HEIR_KEY_NOT_SHOWN: [
      'Fewer servers than the quorum of the key show it to you in the place of its owner.',
      'Ask for it first: ckm heir ask. When its use is granted by enough servers they show it.',
    ],
    HEIR_NOT_ASKING: [
      'No heir asks for the key at this server: nobody has, or its owner was heard since.',
      'Look how it stands: ckm server silence FOLDER KEY.',
    ],
    DOUBT_NOT_HEARD: [
      'A server was to hear that you take the owner of a key to be alive, and did not answer, or refused it.',
      'Say it again when it answers: ckm heir doubt. And tell the owner: a sign of life of his ends it everywhere.',
    ],
    DOUBT_NOT_TAKEN: [
      'A server heard that you take the owner of a key to be alive, and did not take it: somebody has still to be told there that an heir asks, so that no days run yet, or you are the one who asks.',
      'Say it again in a day or two: ckm heir doubt. And tell the owner: a sign of life of his ends it everywhere.',
    ],
    SILENCE_NOT_AS_SEEN: [
      'The servers that you named are not just those whose word is missing: another one is, or one of them has said something since. You have agreed to none of that.',
      'Look once more: ckm server silence FOLDER KEY. Ask the operator of each server whose word is missing whether its owner was heard there, and name all of them.',
    ],
    SILENCE_HEARD_TOO_FEW: [
      'Your server goes on without the word of others only where all but the dead have said that the time has come, and those are a quorum and n − t + 1. An heir who has not asked everywhere yet has brought too few words, and they hold for a day.',
      'Have the heir ask at all servers first: ckm heir ask. Then look whose word is missing.',
    ],
    HEIR_MAY_NOT: [
      'An heir reads and signs with a key, takes it out of its servers where the terms say recover and it was made to leave, and does nothing else with it in the place of its owner.',
      'Use the key as it is; other servers or terms are no heir’s to choose.',
    ],
  },
);
