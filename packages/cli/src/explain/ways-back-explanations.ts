import { groupOf } from './explanation.js';

/** Every code of contacts of accounts, and of accounts that are recovered by them. */
export const WAYS_BACK_EXPLANATIONS = groupOf(
  'A contact brings the owner of an account back who has lost every device: whoever has enough of them has the account, after a delay in which others say no.',
  'Look at the contacts, and at who wants the account, before you go on.',
  {
    CONTACT_AMBIGUOUS:
      'You have several contacts of this kind at that server: the first digits of its id, as they stand on the list, name one.',
    CONTACT_CODE_WRONG: [
      'The code is not of this contact, is too old, was used already, or was tried too often.',
      'Take the newest one. After eight wrong ones in a day wait a day, or remove the contact and set it anew.',
    ],
    CONTACT_MAIL_OFF: [
      'The operator of this server has not said through which mail server it sends.',
      'Choose another kind of contact there: an app, another person, the operator in person.',
    ],
    CONTACTS_REST: [
      'While two contacts, or the operator in person, bring an owner back, no device has a contact come or leave: whoever stole one took every way back away.',
      'If the recovery is not yours, say no to it with the words; else wait until it is over.',
    ],
    CONTACT_OPERATOR_MISSING:
      'An operator vouches in person only for accounts whose owners have wanted that beforehand: else a bribe were a way into all of them.',
    CONTACT_THERE: [
      'The same address, or the same person, is a contact of your account at this server: named twice it would count as two against whoever says no.',
      'Name another one. One that is about to leave can be kept instead.',
    ],
    CONTACT_UNKNOWN: 'Your account has no contact of this id at this server, or it has left.',
    CONTACTS_TOO_MANY:
      'An account has at most eight contacts at a server, those that are not verified included.',
    RECOVERY_ACCOUNT_SUSPENDED: [
      'The operator has suspended this account: nobody gets in, with whatever proof.',
      'Ask the operator of this server.',
    ],
    RECOVERY_ASKER_KNOWN: [
      'Somebody asks for an account with a key that belongs to one already.',
      'Ask from a new folder, whose key is new.',
    ],
    RECOVERY_EARLY: [
      'The delay is not over, in which whoever has the account still can say no.',
      'Come back when it is: the time counts only while the server runs.',
    ],
    RECOVERY_ENDED:
      'This recovery does not go on: somebody has said no, it was not finished in time, its contact is gone, or it was finished.',
    RECOVERY_NOT_BEGUN: [
      'This folder wants no account back at that server.',
      'Begin it, with the address of the server.',
    ],
    RECOVERY_NOT_NEEDED: 'The device of this folder is in at that server already.',
    RECOVERY_NOT_PROVEN: [
      'What was shown makes nobody a contact of an account here. Whether there is such a contact, or such an account, is not said to strangers.',
      'Compare the name and the code. After several wrong ones wait a day, or take another contact.',
    ],
    RECOVERY_NUMBERS_USED_UP: [
      'A list of devices has numbers for 31 recoveries, and all of them were used.',
      'Take the words: they begin a new generation.',
    ],
    RECOVERY_OTHER: [
      'One recovery of an account goes on at a time, that with most contacts, and another one has as many as you have shown or more. Yours is kept. Or this key asks for two accounts.',
      'If the other one is not yours, show one more contact with this key: whoever has more comes first, and the operator in person counts as two. With one contact alone, say no to it.',
    ],
    RECOVERY_REQUEST_INVALID: [
      'This is nothing that asks a contact to vouch, or it is for another server.',
      'Bring the whole file that was written by whoever asks.',
    ],
    RECOVERY_TOO_OFTEN: [
      'So many try to recover accounts at this server that no more are heard this minute.',
      'Wait a minute, then go on.',
    ],
    RECOVERY_UNKNOWN: [
      'Nobody has shown a contact for this key at this server, or that was long ago.',
      'Begin the recovery: show a contact.',
    ],
    RECOVERY_WORDS_WRONG: [
      'The six words are those of another key than the one in the request.',
      'Have whoever stands before you read them out from the new device, not from the file.',
    ],
    RECOVERY_WORDS_HERE: [
      'The owner seed lies in this folder: with it every account is there, and no contact is needed.',
      'Add the server with: ckm server add.',
    ],
    VOUCHER_INVALID: [
      'This is no voucher, or a damaged one, or it is not signed by the contact that it names.',
      'Have the contact make it anew, from the request of this very server.',
    ],
  },
);
