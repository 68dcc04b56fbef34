import { groupOf } from './explanation.js';

/** What is said of terms of a key that are refused. */
export const TERMS_EXPLANATIONS = groupOf(
  'Terms are certified with the key and every server goes by them, so that what nobody could live with is refused before anybody signs it.',
  'Correct the terms as the hint says; the message names the rule or the person.',
  {
    TERMS_INVALID: 'The terms have a member that they cannot have, or more of it than they may.',
    TERMS_KIND_UNKNOWN: [
      'The terms have rules for a kind of request that is not known here.',
      'Use message, bitcoin, ssh, git or derive, or bring client and servers to one version.',
    ],
    TERMS_FACT_UNKNOWN:
      'A rule compares something that no request of this key says by its bytes. A label or a name is what somebody claims, and never a condition.',
    TERMS_COMPARISON_WRONG:
      'A rule compares a number with a list, or a text with a limit, or sums what cannot be summed.',
    TERMS_RULE_IMPOSSIBLE:
      'A rule can never be met: no request fits it, or it asks more people than it names.',
    TERMS_APPROVER_UNKNOWN: 'A rule names somebody who is not among the approvers.',
    TERMS_APPROVER_TWICE: 'A name, an XID or a key stands for two people, so that one could say yes twice.',
    TERMS_CHANGE_MISSING:
      'The terms have rules for people, and do not say who changes them, or which key the owner has for this.',
    TERMS_CHANGE_UNGUARDED:
      'The terms could be changed at once by whoever holds the account, so that they would stop no thief.',
    TERMS_LOCK_OUT:
      'Everybody has to say yes to a change, and the words alone may never change the terms: when one is gone, nobody could change them any more.',
    TERMS_VERSION_WRONG: [
      'The terms do not follow those that are in force: their number is not the next one, or they name other terms before them.',
      'Look at the terms in force, and propose the change anew from those.',
    ],
    TERMS_BEHIND: [
      'The server came back from an older state, and other servers of the key have later terms in force. It uses the key no more before it has them.',
      'Bring it the changes that it has missed.',
    ],
    TERMS_CHANGE_UNKNOWN: [
      'No such change of the terms waits at this server: it was never proposed there, is in force, or another one has taken its place.',
      'Look at the terms of the key, and at what waits.',
    ],
    TERMS_CHANGE_OVER: [
      'This change of the terms was stopped, or lay for too long. What was said to it counts for nothing else, so that it cannot come back.',
      'Propose the terms anew, and ask everybody once more.',
    ],
    TERMS_TWICE: [
      'Somebody proposed two different changes that both lead to the same version of the terms, each of them rightly. The server keeps both, and goes by the one that came first.',
      'Find out which of your devices made the other one: ckm device list. One that is not yours is taken out first.',
    ],
    TERMS_NOT_VOUCHED: [
      'A server was shown a change of the terms that it has missed, as others are said to have it; but too few other servers of the key say so themselves, and no votes speak for it.',
      'Propose it there yourself, if it is what you want: ckm terms propose KEY FILE.',
    ],
    TERMS_NOT_APART: [
      'Servers are settled on the same terms where they went on from those that they have in common in different ways. No server of this key that answers has other terms than those that enough have.',
      'See which server has which: ckm terms show KEY. Who is behind is brought up to date: ckm terms propose KEY.',
    ],
    TERMS_SERVER_UNKNOWN: [
      'No server of that name shows terms of this key that the others could go over to.',
      'See which server has which: ckm terms show KEY.',
    ],
    TERMS_NOT_TAKEN_BACK: [
      'Terms that settle what servers have in force would take back, at one of them, terms that people have agreed to or that have waited their time. Only what was tightened at once is taken back so.',
      'Have the others go over to what that server has: ckm terms settle KEY --like SERVER.',
    ],
    TERMS_TOO_OFTEN: [
      'The terms of this key have become tighter as often within a day as a server lets that be without people or words, on the word of a device or of other servers: a stolen device could go on without end.',
      'Take out a device that is not yours: ckm device list. Else wait for a day, or change the terms from where the words are.',
    ],
    TERMS_TOO_MANY: [
      'So many changes to the next terms of this key were proposed and are over that a device proposes no more of them.',
      'Take out the device that proposes without end, or wait for fourteen days. The words propose all the same.',
    ],
    TERMS_PART_FIXED: [
      'Whether operators are asked, how long other servers of the key wait and how a lost share comes back was agreed when the key was made, with the operator of every server. Terms do not change it.',
      'Leave it as it is, or make another key.',
    ],
    TERMS_PASSKEY_UNUSABLE: [
      'The passkey of an approver is of a form that servers cannot verify.',
      'Have it made anew: with ES256, EdDSA, or RS256 of 2,048 to 4,096 bits.',
    ],
    TERMS_NOT_ON_RECORD: [
      'The certificate of the next epoch of a key names terms that are not on record here, and none of its servers that answer shows them: without them nobody could check the record of the key.',
      'Run the command again when more of its servers answer.',
    ],
    TERMS_DIFFER: [
      'Something was asked under other terms than those that are in force at this server: the terms have changed since, or the server was away when they did.',
      'Look with ckm terms show NAME which terms are in force where; ckm terms propose NAME brings them to servers that were away.',
    ],
    TERMS_STATEMENT_INVALID: [
      'The statement that changes the terms cannot be read, or is of another key or of other terms.',
      'Propose the change anew.',
    ],
  },
);
