import { groupOf } from './explanation.js';

/** What is said of a terms file that is refused. */
export const TERMS_FILE_EXPLANATIONS = groupOf(
  'Terms are certified with a key, so that each word of the file counts: what is not understood is refused, and never left out or guessed.',
  'Correct the place that the message names, and give the file again. Nothing was made or sent.',
  {
    TERMS_FILE_TOO_LONG: [
      'The terms file is longer than terms can be.',
      'Name fewer rules, or fewer destinations in them.',
    ],
    TERMS_FILE_NOT_JSON:
      'The terms file is not JSON; the message says at which line and column it ends to be.',
    TERMS_FILE_TWICE: 'The terms file says something twice, and only the last would count.',
    TERMS_FILE_VERSION: [
      'The file does not begin as a terms file does, or is one of a later format.',
      'Begin it with {"terms": 1, or bring this program up to date.',
    ],
    TERMS_FILE_MEMBER:
      'A member of the terms file is missing, has no meaning where it stands, or holds something else than it can.',
    TERMS_FILE_AMOUNT:
      'An amount cannot be read. It has a unit, and no more digits than there are: "0.01 BTC", "25000 sats".',
    TERMS_FILE_SHARE:
      'A share cannot be read. It is in percent, with at most two digits behind the point: "2.5 %".',
    TERMS_FILE_TIME:
      'A length of time cannot be read. It is in days, hours, minutes or seconds: "3d", "24h", "90m".',
    TERMS_FILE_DATE: 'A date cannot be read, or is of no calendar. It is written as 2027-12-31.',
    TERMS_FILE_DESTINATION: [
      'A destination is no address of the network of the key, or is mistyped.',
      'Copy the address once more; or name the SHA-256 of its script, in hex.',
    ],
    TERMS_SERVERS_DIFFER: [
      'The approvers were invited to a key at other servers, and would look for it there.',
      'Name the servers as they were told, in their order; or invite everybody anew: ckm approver invite KEY NAME --servers A,B,C --out FILE.',
    ],
    TERMS_SAME: [
      'The file says just what the terms of the key say already.',
      'Change something in the file, and propose it again.',
    ],
    TERMS_OWN_ALREADY: 'The terms name whoever speaks here as the owner of the key, or nobody.',
    TERMS_NOT_PROPOSED: [
      'Nothing was proposed from here that could go on: it is in force everywhere, was stopped, or was proposed elsewhere.',
      'Name a file with the terms that the key is to have: ckm terms propose KEY FILE.',
    ],
    TERMS_NOT_IN_FORCE: [
      'Terms that were proposed are not in force yet: too few servers have them, so that a use of the key could pass them by.',
      'See which server waits for what with ckm terms show KEY, and bring them to whoever has not heard with ckm terms propose KEY.',
    ],
    TERMS_APPROVER_ABSENT: [
      'Somebody whom the terms name has not answered an invitation for this key.',
      'Hand over the invitations that were written, take in what is answered with ckm approver add ANSWER, and make the key with the same command.',
    ],
  },
);
