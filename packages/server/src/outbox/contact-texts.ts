import { formatMoment } from '@ckm/foundation';
import type { Mail } from './smtp.js';

/** What somebody is told who is the contact of an account. */
export type TellContact =
  | { readonly what: 'code'; readonly code: string; readonly isFirst: boolean; readonly at: number }
  | { readonly what: ContactNews; readonly at: number };

/** What happens to an account that its contacts are told of. */
export type ContactNews =
  | 'recovering'
  | 'vetoed'
  | 'recovered'
  | 'contact-coming'
  | 'contact-leaving'
  | 'silent'
  | 'heir-asks'
  | 'frozen'
  | 'thaw-asked';

const SUBJECTS: Readonly<Record<ContactNews, string>> = {
  recovering: 'somebody wants an account back',
  vetoed: 'a recovery of an account was refused',
  recovered: 'an account was recovered',
  'contact-coming': 'an account gets another contact',
  'contact-leaving': 'an account loses a contact',
  silent: 'the owner of a key has been silent for long',
  'heir-asks': 'an heir asks for the key of an owner who is silent',
  frozen: 'an account was frozen',
  'thaw-asked': 'somebody wants a frozen account thawed',
};

const TOLD: Readonly<Record<ContactNews, readonly string[]>> = {
  recovering: [
    'Somebody has shown to be a contact of an account whose contact you are, and will',
    'take the place of all its devices when a delay is over. If nobody you know does so,',
    'say no: with any device of the account, with its words, or as its contact.',
  ],
  vetoed: ['Somebody who may has said no to the recovery of an account whose contact you are.'],
  recovered: [
    'A new device has taken the place of all others of an account whose contact you are.',
    'The words of the account undo that.',
  ],
  'contact-coming': [
    'A device has given an account whose contact you are another contact. It counts in three days.',
    'If nobody you know did so, have the owner look at the contacts and the devices.',
  ],
  'contact-leaving': [
    'A device has a contact of an account whose contact you are removed in three days.',
    'If nobody you know did so, have the owner look at the contacts and the devices.',
  ],
  silent: [
    'The owner of an account whose contact you are has given this server no sign of life for',
    'long. People whom he has named may ask for his key then. If he lives, tell him: each',
    'command of his that this server answers ends it.',
  ],
  'heir-asks': [
    'The owner of an account whose contact you are has given this server no sign of life for as',
    'long as he has said himself, and somebody whom he has named asks for his key. He gets it in',
    'two weeks at the earliest. If the owner lives, tell him now: any sign of life of his ends it.',
  ],
  frozen: [
    'An account whose contact you are was frozen, by one of its devices or by its words: this',
    'server does nothing more for it until that is over, in seven days at the latest. If the owner',
    'knows nothing of it, somebody has a device of his.',
  ],
  'thaw-asked': [
    'Somebody with a device, or the words, of an account whose contact you are asks the operator of',
    'this server to end its freeze before its time. If that is not its owner, tell the operator so.',
  ],
};

/** Plain text without a link: nothing in it acts, and it does not name the account. Nothing but the code is secret, and that is of use to one key alone. */
export function contactMailOf(told: TellContact, server: string): Omit<Mail, 'to'> {
  const foot = [
    '',
    `server    ${server}`,
    `when      ${formatMoment(told.at)}`,
    '',
    'Nobody needs an answer to this message, and nothing in it is to be clicked.',
    '',
  ];
  if (told.what !== 'code') {
    return { subject: `CKM: ${SUBJECTS[told.what]}`, text: [...TOLD[told.what], ...foot].join('\n') };
  }
  const why = told.isFirst
    ? 'Somebody has named this address as a way back into an account.'
    : 'Somebody wants an account back whose contact this address may be.';
  const lines = [
    why,
    'If that was you, type this code where you were asked for it; it holds for a quarter of an hour.',
    'If not, do nothing, and tell the code to nobody: nobody who has a right to it will ask you for it.',
    '',
    `code      ${told.code}`,
  ];
  return { subject: 'CKM: a code', text: [...lines, ...foot].join('\n') };
}
